#!/usr/bin/env bash
# Installs what the build and the tests need on a Debian machine that has Node.js: packages, and the WebAssembly compiler.
# Does nothing where everything is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Reads packages, each with a file that it brings, and prints those whose file is missing: no root or network is needed.
missing() {
  local package file
  while read -r package file; do
    [ -e "$file" ] || echo "$package"
  done
}

sudo=
updated=
install() { # PACKAGE ...
  [ $# -gt 0 ] || return 0
  echo "setup: installing $*"
  command -v apt-get >/dev/null || { echo 'setup: no apt-get here; install these by other means' >&2; exit 1; }
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo 'setup: neither root nor sudo; ask for these to be installed' >&2; exit 1; }
    sudo=sudo
  fi
  [ -n "$updated" ] || $sudo apt-get update -q
  updated=1
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy -o DPkg::Lock::Timeout=600 --no-install-recommends "$@"
}

command -v node >/dev/null || { echo 'setup: Node.js 20 or newer is needed first' >&2; exit 1; }

# What tools/toolchain.sh needs comes first, so that the compiler can be downloaded while the rest is installed.
install $(missing <<'LIST'
clang-19 /usr/bin/clang-19
lld-19 /usr/bin/wasm-ld-19
llvm-19 /usr/bin/llvm-ar-19
python3 /usr/bin/python3
debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg
LIST
)
tools/toolchain.sh >/dev/null &
toolchain=$!
install $(missing <<'LIST'
clang-format-19 /usr/bin/clang-format-19
clang-tidy-19 /usr/bin/clang-tidy-19
libclang-rt-19-dev /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a
chromium /usr/bin/chromium
firefox-esr /usr/bin/firefox-esr
webkit2gtk-driver /usr/bin/WebKitWebDriver
xvfb /usr/bin/Xvfb
zstd /usr/bin/zstd
make /usr/bin/make
qemu-user /usr/bin/qemu-aarch64
libsimde-dev /usr/include/simde/wasm/simd128.h
gcc-aarch64-linux-gnu /usr/bin/aarch64-linux-gnu-gcc
libc6-dev-arm64-cross /usr/aarch64-linux-gnu/include/stdio.h
gcc /usr/bin/gcc
libc6-dev /usr/include/stdio.h
binutils /usr/bin/nm
LIST
)
wait "$toolchain"
echo "setup: compiler at $(tools/toolchain.sh)"
