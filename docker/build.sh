#!/usr/bin/env bash
# Builds images from dist/ (`make dist`) with docker, podman or buildah, whichever is there.
#
#   docker/build.sh NAME...     flow, link, wasmer, flow-wasmer, wasmer-link, wasmer-aio
#   docker/build.sh --base      only says what the base is, and makes it if it must
#
#   IMAGE_REPO   fiso          images are IMAGE_REPO/NAME:IMAGE_TAG
#   IMAGE_TAG    the version
#   IMAGE_BASE   docker.io/library/debian:bookworm-slim; where it can neither be found nor pulled, a Debian with what the programs
#                need is made by mmdebstrap, and kept in FISO_BUILD_CACHE/images
#   CONTAINER_TOOL, CONTAINER_STORE   see docker/tool.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
. docker/tool.sh
readonly dist=${DIST:-dist} cache=${FISO_BUILD_CACHE:-$HOME/.cache/fiso}/images
readonly wanted=${IMAGE_BASE:-docker.io/library/debian:bookworm-slim}

say() { printf 'images: %s\n' "$*"; }
tarball=$(compgen -G "$dist/fiso-[0-9]*-linux-*.tar.gz") || { say "$dist has no tarball: make dist" >&2; exit 2; }
part=${tarball##*/fiso-}
part=${part%.tar.gz}
readonly version=${part%%-linux-*} platform=linux-${part##*-linux-}

# The base, by the packages that it was made with: others, another base.
make_base() {
  local packages name archive
  command -v mmdebstrap >/dev/null || tools/setup.sh images >&2
  packages=$(for one in "$dist"/fiso*-linux-*.tar.gz; do
    tar -xzOf "$one" --wildcards '*/share/doc/*/runtime-packages'
  done | sort -u | paste -sd,)
  name=localhost/fiso-base:$(sha256sum <<<"$packages" | cut -c1-12)
  archive=$cache/base-${name##*:}.tar
  if [[ ! -e $archive ]]; then
    say "no registry can be reached: making a Debian base with mmdebstrap ($archive)" >&2
    mkdir -p "$cache"
    mmdebstrap --quiet --variant=minbase --include="ca-certificates,$packages" --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/man/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$archive.part.tar" >&2
    mv "$archive.part.tar" "$archive"
  fi
  has_image "$name" || import_image "$archive" "$name" >/dev/null
  echo "$name"
}

if has_image "$wanted" || pull_image "$wanted"; then base=$wanted; else base=$(make_base); fi
if [[ ${1:-} == --base ]]; then
  echo "$base"
  exit
fi
say "$tool, base $base"
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
for name in "$@"; do
  image=${IMAGE_REPO:-fiso}/$name:${IMAGE_TAG:-$version}
  build_image -q -f docker/Dockerfile --target "$name" -t "$image" --build-arg BASE="$base" --build-arg VERSION="$version" \
    --build-arg PLATFORM="$platform" --build-arg REVISION="$(git rev-parse -q --verify HEAD 2>/dev/null || true)" \
    --build-arg CREATED="$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)" "$dist"
  say "built $image"
done
