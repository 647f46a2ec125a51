#!/usr/bin/env bash
# Runs the program of this name (fiso-flow is a link to it) out of its image as if it were here: same arguments, streams, signals,
# exit code, FISO_ variables, network; and the same temporary files and guests. For tests (E2E_MODE=docker).
#
# Two variables are left behind, since they are about this machine's files: FISO_WASMER_HOST and FISO_CACHE_DIR.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$here/docker/tool.sh"
called=$(basename "$0")
name=${called#fiso-}
mapfile -t variables < <(env | grep -E '^(FISO_|OTEL_)' | grep -vE '^FISO_(WASMER_HOST|CACHE_DIR)=' || true)
# On the host's network apps answer where they do without an image.
variables+=("FISO_APPS_LISTEN=${FISO_APPS_LISTEN:-127.0.0.1}")
# The volume: modules are compiled once for all tests.
places=(fiso-e2e-cache:/var/cache/fiso "${TMPDIR:-/tmp}" "${FISO_GUESTS:-$here/build/release/guests}")
tag=${IMAGE_TAG:-$(sed -n 's/^CMAKE_PROJECT_VERSION:[A-Z]*=//p' "$here/build/release/CMakeCache.txt")}
run_image "fiso-e2e-$name-$$" places variables "${IMAGE_REPO:-fiso}/$name:$tag" "$@"
