#!/usr/bin/env bash
# Makes dist/: for each package (fiso, fiso-wasmer) a tarball of its programs and pages, and a bill of materials; the sources,
# where git has them; and SHA256SUMS over all. `make dist` has built what goes in.
#
#   tools/dist.sh [BUILD_DIR] [OUT_DIR]     default build/release and dist
#
# The same programs give the same bytes: names in order, no owners, and one time for all, SOURCE_DATE_EPOCH (default: that of the
# commit).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly build=${1:-build/release} out=${2:-dist}
export LC_ALL=C TZ=UTC
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
umask 022

cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
readonly version=$(cached CMAKE_PROJECT_VERSION) platform=linux-$(dpkg --print-architecture)
packages=(fiso)
if [[ $(cached FISO_WASMER) == ON ]]; then packages+=(fiso-wasmer); fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$out"
rm -f "$out"/fiso*.tar.gz "$out"/fiso*.cdx.json "$out"/SHA256SUMS

for package in "${packages[@]}"; do
  name=$package-$version-$platform
  tree=$stage/$name
  cmake --install "$build" --prefix "$tree" --component "$package" --strip >/dev/null
  mapfile -t programs < <(find "$tree/bin" "$tree/libexec" -type f -perm -u+x 2>/dev/null | sort)
  python3 -B tools/sbom.py "$package" "$version" --deps "$(cached FISO_DEPS_DIR)" --packages "$tree/share/doc/$package/runtime-packages" \
    "${programs[@]}" >"$stage/$package.cdx.json"
  cp "$stage/$package.cdx.json" "$tree/share/doc/$package/$package.cdx.json"
  cp "$stage/$package.cdx.json" "$out/$package-$version.cdx.json"
  tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+w,go=rX --mtime="@$SOURCE_DATE_EPOCH" --format=gnu \
    -C "$stage" -cf - "$name" | gzip -n -6 >"$out/$name.tar.gz"
done
if git rev-parse -q --verify HEAD >/dev/null 2>&1; then
  git archive --format=tar --prefix="fiso-$version/" HEAD | gzip -n -6 >"$out/fiso-$version-source.tar.gz"
fi
(cd "$out" && sha256sum fiso*.tar.gz fiso*.cdx.json >SHA256SUMS)
printf 'dist: %s\n' "$out"/*.tar.gz "$out"/*.cdx.json "$out"/SHA256SUMS
