#!/usr/bin/env bash
# Installs the Debian packages of dist/ in a Debian that has nothing but their libraries, runs each program there, and removes them.
# In a container, of the base that images are made from (docker/build.sh).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. docker/tool.sh
readonly script='
set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg -i "$1"/*.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
getent passwd fiso >/dev/null
for program in $(dpkg -L fiso fiso-wasmer | grep "^/usr/bin/."); do "$program" --version; done
dpkg -L fiso fiso-wasmer | grep -q "/systemd/system/fiso-flow.service"
[ ! -x /usr/bin/fiso-wasmer ] || test -x /usr/libexec/fiso/fiso-wasmer-host
dpkg -P fiso-wasmer fiso >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
test ! -e /usr/bin/fiso && test ! -e /usr/share/fiso && echo "packages: installed, run, removed"
'
base=$(docker/build.sh --base)
places=("$PWD/dist") variables=()
run_image "fiso-try-deb-$$" places variables "$base" sh -c "$script" sh "$PWD/dist"
