#!/usr/bin/env bash
# Makes the Debian packages fiso and fiso-wasmer, into dist/, with CPack, and puts them into SHA256SUMS. `make dist` was before.
#
#   tools/deb.sh [BUILD_DIR] [OUT_DIR]
#
# The same programs give the same bytes, as with tools/dist.sh.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$(realpath "${1:-build/release}") out=$(realpath "${2:-dist}")
readonly build out
export LC_ALL=C TZ=UTC
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
rm -f "$out"/*.deb
mv "$work"/*.deb "$out/"
(cd "$out" && sha256sum fiso*.tar.gz fiso*.cdx.json ./*.deb | sed 's# \./# #' >SHA256SUMS)
printf 'deb: %s\n' "$out"/*.deb
