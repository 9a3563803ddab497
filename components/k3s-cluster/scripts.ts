// The shell scripts that @pulumi/command runs on the host. Values come in by environment variables, never by pasting.
// POSIX sh: they run in dash, in BusyBox and on macOS alike.

/** Makes the image present and prints its id. Needs IMAGE. */
export const pullImageScript = `set -eu
docker pull --quiet "$IMAGE" >&2
docker image inspect --format '{{.Id}}' "$IMAGE"
`;

/** Prints the id of an image that must be present. Needs IMAGE. */
export const findImageScript = `set -eu
docker image inspect --format '{{.Id}}' "$IMAGE" || {
  echo "The image $IMAGE is not in the Docker engine, and imagePullPolicy is Never. Load it with docker load or docker pull," >&2
  echo "or set imagePullPolicy to IfNotPresent." >&2
  exit 1
}
`;

/**
 * Waits until the API answers and the node is Ready, then prints the kubeconfig for use on the host.
 * Needs NODE (container, node and context name), SERVER (the API's URL on the host) and TIMEOUT (seconds).
 */
export const readyScript = `set -eu
config=/etc/rancher/k3s/k3s.yaml
deadline=$(($(date +%s) + TIMEOUT))
kubectl() { docker exec "$NODE" kubectl --kubeconfig "$config" "$@"; }

give_up() {
  echo "$1" >&2
  echo "Last answer: $answer" >&2
  echo "The node's last log lines:" >&2
  docker logs --tail 30 "$NODE" >&2 2>&1 || true
  exit 1
}

still_waiting() {
  state=$(docker inspect --format '{{.State.Status}}' "$NODE")
  [ "$state" = running ] || give_up "The node's container $NODE does not run: it is $state."
  [ "$(date +%s)" -lt "$deadline" ] || give_up "$1 within $TIMEOUT seconds (readyTimeoutSeconds)."
  sleep 0.3
}

answer=
until answer=$(kubectl get --raw /readyz 2>&1); do
  still_waiting "The Kubernetes API in $NODE did not answer"
done

# A new container with old data has a new node password, which k3s refuses until the old one is forgotten.
kubectl --namespace kube-system delete secret "$NODE.node-password.k3s" --ignore-not-found >&2

until answer=$(kubectl wait --for=condition=Ready "node/$NODE" --timeout=2s 2>&1); do
  still_waiting "The node $NODE did not become Ready"
done

kubeconfig=$(docker exec "$NODE" cat "$config")
printf '%s\\n' "$kubeconfig" | sed -e "s|server: https://.*|server: $SERVER|" -e "s|: default\\$|: $NODE|"
`;
