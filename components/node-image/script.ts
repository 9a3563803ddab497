// The shell script that loads an image into the node. Values come in by environment variables.

/**
 * Needs IMAGE (in the host's Docker engine), REFERENCE (the same, with its registry), NODE (the container) and, if the image can
 * be made, BUILD. The image's id is kept as a label in the node, so that the same image is not loaded twice.
 */
export const loadScript = `set -eu
if ! docker image inspect "$IMAGE" >/dev/null 2>&1; then
  if [ -z "\${BUILD:-}" ]; then
    echo "The image $IMAGE is not in the Docker engine. Build it, or fetch it with: docker pull $IMAGE" >&2
    exit 1
  fi
  echo "Making $IMAGE" >&2
  sh -c "$BUILD" >&2
fi
id=$(docker image inspect --format '{{.Id}}' "$IMAGE")
containerd() { docker exec -i "$NODE" ctr --namespace k8s.io "$@"; }
if containerd images ls "name==$REFERENCE" </dev/null | grep -qF "sandlot.dev/id=$id"; then
  echo "$REFERENCE is already in $NODE" >&2
else
  # sh has no pipefail: a failed save leaves a mark.
  mark=$(mktemp)
  trap 'rm -f "$mark"' EXIT
  { docker save "$IMAGE" || echo failed >"$mark"; } | containerd images import - >&2
  if [ -s "$mark" ]; then
    echo "docker save $IMAGE failed" >&2
    exit 1
  fi
  containerd images label "$REFERENCE" "sandlot.dev/id=$id" </dev/null >/dev/null
fi
echo "$id"
`;
