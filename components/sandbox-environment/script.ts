// The shell script that builds an environment's image and pushes it. Values come in by environment variables.

/**
 * Needs IMAGE, DOCKERFILE and REQUIREMENTS. With PUSH set, the image goes to its registry, as REGISTRY_USERNAME with
 * REGISTRY_PASSWORD if given. Prints what pods shall name: with PUSH the image with its digest, else the image.
 *
 * How the machine reaches package indexes (proxies, index addresses, certificates) is for the build alone: Docker keeps its
 * predefined proxy arguments out of images, and the rest goes into a stage that is thrown away.
 */
export const buildScript = `set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "\${REGISTRY_USERNAME:-}" ]; then
  DOCKER_CONFIG="$work/docker"
  export DOCKER_CONFIG
  mkdir -m 700 "$DOCKER_CONFIG"
  printf '%s' "$REGISTRY_PASSWORD" |
    docker login --username "$REGISTRY_USERNAME" --password-stdin "\${IMAGE%%/*}" >/dev/null
fi
present() { docker image inspect "$IMAGE" >/dev/null 2>&1; }
if ! present && [ -n "\${PUSH:-}" ]; then
  # The tag names the recipe: what is there under it need not be built again.
  docker pull --quiet "$IMAGE" >/dev/null 2>&1 || true
fi
if ! present; then
  mkdir "$work/context"
  printf '%s' "$DOCKERFILE" >"$work/context/Dockerfile"
  printf '%s' "$REQUIREMENTS" >"$work/context/requirements.txt"
  cat "\${PIP_CERT:-\${SSL_CERT_FILE:-/dev/null}}" >"$work/context/certificates.pem"
  set --
  for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_EXTRA_INDEX_URL; do
    if [ -n "$(printenv "$name" || true)" ]; then set -- "$@" --build-arg "$name"; fi
  done
  # The classic builder is gone from newer engines and BuildKit needs a plugin that older packages do not bring.
  if docker buildx version >/dev/null 2>&1; then DOCKER_BUILDKIT=1; else DOCKER_BUILDKIT=0; fi
  export DOCKER_BUILDKIT
  docker build --tag "$IMAGE" --label sandlot.dev/image=environment "$@" "$work/context" >&2
fi
if [ -z "\${PUSH:-}" ]; then
  printf '%s\\n' "$IMAGE"
  exit 0
fi
docker push --quiet "$IMAGE" >&2
repository=\${IMAGE%:*}
digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$IMAGE" |
  grep -F "$repository@sha256:" | head -n 1)
printf '%s@%s\\n' "$IMAGE" "\${digest##*@}"
`;
