#!/usr/bin/env bash
# Makes what is shipped out of what has been built, and tries it: the Debian packages are installed and removed in a bare Debian,
# and one image (default flow-wasmer) does its main job, its end-to-end scenario.
#
#   tools/try_shipped.sh [NAME]
#
# Images and containers are kept below build/, and are gone when it ends, but for the base in FISO_BUILD_CACHE/images. Where this user
# may have no namespaces of its own there are no containers: that is said, and nothing is tried.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CONTAINER_STORE=${CONTAINER_STORE:-$PWD/build/containers}
clean_up() {
  local code=$?
  . docker/tool.sh
  remove_store
  exit "$code"
}
if ! why_not=$(unshare --mount --pid --fork true 2>&1); then
  printf 'try_shipped: SKIPPED, no containers can be run here: %s\n' "$why_not"
  exit 0
fi
make deb
tools/setup.sh images
trap clean_up EXIT
tools/try_deb.sh
E2E_MODE=docker tools/e2e.sh "${1:-flow-wasmer}"
