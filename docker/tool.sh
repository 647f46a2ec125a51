# What makes and runs containers here; to be sourced. Sets `tool`, and knows its ways.
#
#   CONTAINER_TOOL    docker, podman or buildah; default: the first that works
#   CONTAINER_STORE   a directory for images and containers of podman and buildah; default: their own
#
# Of what Debian 12 has. Inside a machine that takes capabilities away, podman needs runc and limits that
# it may set: see run_image.

find_tool() {
  local one
  for one in docker podman buildah; do
    command -v "$one" >/dev/null || continue
    if [[ $one != docker ]] || timeout 20 docker info >/dev/null 2>&1; then
      echo "$one"
      return 0
    fi
  done
  echo "containers: neither docker, podman nor buildah works here (apt-get install podman buildah; tools/setup.sh images)" >&2
  return 2
}

tool=${CONTAINER_TOOL:-$(find_tool)} || exit 2
store=()
if [[ -n ${CONTAINER_STORE:-} && $tool != docker ]]; then
  store=(--root "$CONTAINER_STORE/storage" --runroot "$CONTAINER_STORE/run" --storage-driver overlay)
fi

has_image() { "$tool" "${store[@]}" inspect --type image "$1" >/dev/null 2>&1; }
pull_image() { timeout "${PULL_TIMEOUT:-20}" "$tool" "${store[@]}" pull -q "$1" >/dev/null 2>&1; }

# import_image TARBALL NAME
import_image() {
  local container
  if [[ $tool != buildah ]]; then
    "$tool" "${store[@]}" import "$1" "$2"
    return
  fi
  container=$(buildah "${store[@]}" from scratch)
  buildah "${store[@]}" add -q "$container" "$1" /
  buildah "${store[@]}" commit -q --rm "$container" "$2"
}

build_image() {
  case $tool in
    docker) docker build "$@" ;;
    # chroot: the few commands of the Dockerfile need no container of their own. docker's format has HEALTHCHECK.
    *) "$tool" "${store[@]}" build --isolation chroot --format docker --layers --pull-never "$@" ;;
  esac
}

# run_image NAME DIRECTORIES ENVIRONMENT IMAGE ARGUMENTS...: until it ends, with our streams and signals, on the host's network.
# DIRECTORIES are seen inside under the same name, or NAME:PLACE is a volume; ENVIRONMENT: NAME=VALUE. Both are arrays, by name.
run_image() {
  local -n directories=$2 environment=$3
  local name=$1 image=$4 one options=()
  shift 4
  for one in "${directories[@]}"; do if [[ $one == *:* ]]; then options+=(-v "$one"); else options+=(-v "$one:$one"); fi; done
  for one in "${environment[@]}"; do options+=(-e "$one"); done
  case $tool in
    docker) exec docker run --rm --name "$name" --network host "${options[@]}" "$image" "$@" ;;
    podman)
      # Its defaults are above what may be set without CAP_SYS_RESOURCE.
      local processes
      processes=$(ulimit -Hu)
      if [[ $processes == unlimited ]] || ((processes > 32768)); then processes=32768; fi
      options+=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit "nproc=$processes:$processes")
      if command -v runc >/dev/null; then store+=(--runtime runc); fi
      exec podman "${store[@]}" --cgroup-manager cgroupfs run --rm --name "$name" --pull never --network host --no-healthcheck \
        "${options[@]}" "$image" "$@"
      ;;
    *) echo "containers: buildah only builds; podman or docker is needed to run $image" >&2; return 2 ;;
  esac
}

# Everything that is in CONTAINER_STORE, if there is one.
remove_store() {
  [[ -n ${CONTAINER_STORE:-} && $tool != docker ]] || return 0
  if [[ $tool == podman ]]; then podman "${store[@]}" rm --all --force >/dev/null 2>&1 || true; fi
  "$tool" "${store[@]}" rmi --all --force >/dev/null 2>&1 || true
  umount "$CONTAINER_STORE/storage/overlay" 2>/dev/null || true
  rm -rf "$CONTAINER_STORE"
}
