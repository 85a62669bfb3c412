#!/usr/bin/env bash
# Provides the pinned WebAssembly compiler and prints the path of its `emcc`, the only line on stdout.
#
#   EMCC=$(tools/toolchain.sh)
#
# The committed modules are rebuilt and compared byte for byte, so a compiler counts only if both its versions are the
# pinned ones: Emscripten's own, and that of the LLVM under it. Taken from the first of
#   1. $LF_EMCC, whatever its version (its modules will run, but may differ in bytes from the committed ones)
#   2. .toolchain/, unpacked by an earlier run ($LF_TOOLCHAIN names another folder)
#   3. emcc on PATH, if both versions match
#   4. packages of Debian 13, unpacked into .toolchain/; nothing outside that folder is changed.
# clang-19 and lld-19 come from the system; if missing they are installed with apt-get, through sudo when not root.
#
# $LF_DEBIAN_MIRROR names a Debian mirror; the default is the one this machine's apt already uses.
set -euo pipefail

EMSCRIPTEN=3.1.69
LLVM=19.1.7
LLVM_BIN=/usr/lib/llvm-19/bin
RELEASE=trixie

# package, version, sha256. `tool` decides the bytes that come out, so it is this package or none. `host` only lets
# Binaryen start where the system's own C library is older; point releases replace these, so when the pinned version
# has left the mirror its successor is taken, checked by apt against the signed index of the release.
PINS='
tool emscripten 3.1.69+dfsg-3     d2ac788b952c56ab6736b4db2ac0825aa63cfb4c08b8abaefe19e324779d1b2d
tool binaryen   120-4             47be56009e56170f4338a0154fbff2028bd607bc3c8b6a5414658a985bef6470
host libc6      2.41-12+deb13u5   b59b0625cd1a791375d40dab23a4d5d3d0641e3d0a773501becdc3725b7f99cf
host libstdc++6 14.2.0-19         ab1fa05837aa7a92aae748fd07a18a35f7d18bb4a71c4724fe2bbf0e32089de0
host libgcc-s1  14.2.0-19         3c71917b490d1a17aed43196a2787a256ecf060526cdb20216a74bedc061b150'

# Left in the packages: the libraries for 64-bit, sanitised, debug and link-time optimised builds (1.6 GB become 270 MB).
EXCLUDE=(--exclude='*/wasm64-emscripten' --exclude='*/wasm32-emscripten/*/*' --exclude='*san*.a' --exclude='*-debug*.a')

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=${LF_TOOLCHAIN:-$root/.toolchain}

say() { printf 'toolchain: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The stamp holds the pins, so an unpacked toolchain made from other pins is replaced.
ready() { [ -x "$dir/bin/emcc" ] && [ "$(cat "$dir/pins" 2>/dev/null)" = "$PINS" ]; }

has_llvm() { "$LLVM_BIN/clang" --version 2>/dev/null | grep -q "version $LLVM" && [ -x "$LLVM_BIN/wasm-ld" ]; }

need_llvm() {
  has_llvm && return
  if [ ! -x "$LLVM_BIN/clang" ] || [ ! -x "$LLVM_BIN/wasm-ld" ]; then
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    command -v ${sudo:-apt-get} >/dev/null ||
      die 'clang-19 is missing, and this user can not install it; ask for: apt-get install clang-19 lld-19 llvm-19'
    say 'installing clang-19 lld-19 llvm-19'
    $sudo apt-get update -q >&2 || die 'apt-get update failed'
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy -o DPkg::Lock::Timeout=600 \
      --no-install-recommends clang-19 lld-19 llvm-19 >&2 || die 'apt-get could not install clang-19 lld-19 llvm-19'
  fi
  has_llvm ||
    die "here is $("$LLVM_BIN/clang" --version | head -n1), but the modules are built with $LLVM (or name an emcc in LF_EMCC)"
}

# The mirror apt uses for Debian itself, not for security updates or anyone else's packages.
mirror() {
  if [ -n "${LF_DEBIAN_MIRROR:-}" ]; then echo "$LF_DEBIAN_MIRROR"; return; fi
  apt-get indextargets --format '$(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "main" && $2 ~ /\/debian\/?$/ { print $2; exit }'
}

unpack_all() { # into $1
  local tmp=$1 base deb kind name version sum
  base=$(mirror)
  [ -n "$base" ] || die "apt has no Debian mirror configured; name one in LF_DEBIAN_MIRROR, or an emcc $EMSCRIPTEN in LF_EMCC"

  # An apt of our own: the host's mirror, proxy and keys, but its own sources, lists and cache.
  mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $base $RELEASE main" >"$tmp/apt/sources.list"
  local options=(-q -o APT::Architecture=amd64 -o APT::Sandbox::User=root -o Dir::Etc::sourcelist="$tmp/apt/sources.list"
    -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$tmp/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$tmp/apt"
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Languages=none
    -o APT::Update::Error-Mode=any)
  say "downloading Emscripten $EMSCRIPTEN (250 MB) from Debian $RELEASE"
  apt-get "${options[@]}" update >&2 || die "the mirror does not serve a signed Debian $RELEASE"

  mkdir "$tmp/debs"
  cd "$tmp/debs"
  while read -r kind name version sum; do
    [ -n "$name" ] || continue
    if apt-get "${options[@]}" download "$name=$version" >&2; then
      deb=$(echo "$name"_*.deb)
      echo "$sum  $deb" | sha256sum -c --quiet - >&2 || die "$name $version does not have the pinned sha256; refused"
    elif [ "$kind" = host ]; then
      say "$name $version is no longer on the mirror; taking the version that replaced it in $RELEASE"
      apt-get "${options[@]}" download "$name" >&2 || die "can not download $name"
      deb=$(echo "$name"_*.deb)
    else
      die "$name $version is not on the mirror: it has been replaced or removed." \
        "Change the pin in tools/toolchain.sh and rebuild wasm/dist, or name an emcc $EMSCRIPTEN in LF_EMCC"
    fi
    case $kind in
      tool) mkdir -p "$tmp/root" && dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp/root" "${EXCLUDE[@]}" ;;
      host) mkdir -p "$tmp/host" && dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp/host" --wildcards './usr/lib*/*.so*' ;;
    esac
    rm "$deb"
  done <<<"$PINS"
  cd "$root"
  rm -rf "$tmp/apt" "$tmp/debs"
}

# Every path in the wrappers is relative to the wrapper, so the folder can be moved.
write_wrappers() { # into $1
  local tmp=$1 tool
  mkdir -p "$tmp/bin" "$tmp/binaryen/bin"
  for tool in wasm-opt wasm-emscripten-finalize wasm-metadce wasm-ctor-eval wasm-dis; do
    cat >"$tmp/binaryen/bin/$tool" <<SH
#!/bin/sh
d=\$(cd "\$(dirname "\$0")/../.." && pwd)
lib=\$d/host/usr/lib/x86_64-linux-gnu
exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib:\$d/root/usr/lib/x86_64-linux-gnu" "\$d/root/usr/bin/$tool" "\$@"
SH
  done
  cat >"$tmp/bin/emcc" <<'SH'
#!/bin/sh
# The pinned emcc, deaf to the environment: settings there would change the bytes.
unset EMCC_CFLAGS EMCC_DEBUG EMCC_STRICT EMCC_CORES EMCC_USE_NINJA EM_COMPILER_WRAPPER EM_CACHE EM_LLVM_ROOT EM_BINARYEN_ROOT
d=$(cd "$(dirname "$0")/.." && pwd)
export LF_TOOLCHAIN_ROOT="$d" EM_CONFIG="$d/config.py"
exec "$d/root/usr/share/emscripten/emcc" "$@"
SH
  cat >"$tmp/config.py" <<PY
import os, shutil
root = os.environ['LF_TOOLCHAIN_ROOT']
LLVM_ROOT = '$LLVM_BIN'
BINARYEN_ROOT = root + '/binaryen'
NODE_JS = shutil.which('node') or 'node'
CACHE = root + '/root/usr/share/emscripten/cache'
FROZEN_CACHE = True
PY
  chmod +x "$tmp/bin/emcc" "$tmp"/binaryen/bin/*
}

path_emcc() {
  local emcc version
  emcc=$(command -v emcc) || return 1
  version=$("$emcc" -v 2>&1) || return 1
  [[ $version == *" $EMSCRIPTEN"* && $version == *"clang version $LLVM"* ]] && { echo "$emcc"; return; }
  say "ignoring $emcc: not Emscripten $EMSCRIPTEN with LLVM $LLVM"
  return 1
}

if [ -n "${LF_EMCC:-}" ]; then command -v "$LF_EMCC" || die "LF_EMCC=$LF_EMCC is not a program"; exit; fi
if ready; then need_llvm; echo "$dir/bin/emcc"; exit; fi
if path_emcc; then exit; fi

[ "$(uname -s)/$(uname -m)" = Linux/x86_64 ] || die "packages are pinned for Linux on x86-64 only; name an emcc $EMSCRIPTEN in LF_EMCC"
for tool in apt-get dpkg-deb flock python3 node; do
  command -v "$tool" >/dev/null || die "$tool is missing (a Debian system is expected; elsewhere name an emcc $EMSCRIPTEN in LF_EMCC)"
done
need_llvm

# One run at a time: `make -j` starts several, and the later ones find the work done.
exec 9>"$dir.lock"
flock 9
if ready; then echo "$dir/bin/emcc"; exit; fi

tmp=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
unpack_all "$tmp"
write_wrappers "$tmp"
"$tmp/bin/emcc" --version | grep -q " $EMSCRIPTEN" || die 'the unpacked emcc does not start'
"$tmp/binaryen/bin/wasm-opt" --version >/dev/null || die 'the unpacked wasm-opt does not start'
echo "$PINS" >"$tmp/pins"

rm -rf "$dir"
mv -T "$tmp" "$dir"
say "ready in $dir"
echo "$dir/bin/emcc"
