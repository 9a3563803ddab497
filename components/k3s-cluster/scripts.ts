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

/** Prints the token that lets nodes into the cluster. Needs SERVER (the server's container). */
export const tokenScript = `set -eu
docker exec "$SERVER" cat /var/lib/rancher/k3s/server/node-token
`;

/**
 * Waits until an agent's node is Ready, and that by the word of this container and not of one before it.
 * Needs SERVER and NODE (containers; NODE is the node's name too) and TIMEOUT (seconds).
 */
export const agentReadyScript = `set -eu
config=/etc/rancher/k3s/k3s.yaml
deadline=$(($(date +%s) + TIMEOUT))
kubectl() { docker exec "$SERVER" kubectl --kubeconfig "$config" "$@"; }

# A new container has a new node password, which the server refuses until the old one is forgotten.
kubectl --namespace kube-system delete secret "$NODE.node-password.k3s" --ignore-not-found >&2

ready() {
  # Both times are UTC in the same form; the digits beyond seconds do not matter.
  started=$(docker inspect --format '{{.State.StartedAt}}' "$NODE" | cut -c 1-19)
  heard=$(kubectl get lease --namespace kube-node-lease "$NODE" --output 'jsonpath={.spec.renewTime}' | cut -c 1-19)
  if [ "$(printf '%s\\n%s\\n' "$started" "$heard" | sort | head -n 1)" != "$started" ]; then
    echo "the node was last heard of at $heard, before its container started at $started"
    return 1
  fi
  kubectl wait --for=condition=Ready "node/$NODE" --timeout=2s
}

until answer=$(ready 2>&1); do
  state=$(docker inspect --format '{{.State.Status}}' "$NODE")
  if [ "$state" != running ] || [ "$(date +%s)" -ge "$deadline" ]; then
    echo "The node $NODE, whose container is $state, did not become Ready within $TIMEOUT seconds (readyTimeoutSeconds)." >&2
    echo "Last answer: $answer" >&2
    echo "The node's last log lines:" >&2
    docker logs --tail 30 "$NODE" >&2 2>&1 || true
    exit 1
  fi
  sleep 0.3
done
`;

/**
 * Takes a node out of the cluster: its pods move to other nodes as far as their disruption budgets allow, then it is
 * forgotten. Without a running server there is no cluster to leave, and a container that does not run has no pods to move.
 * Needs SERVER, NODE and TIMEOUT, as {@link agentReadyScript} does.
 */
export const leaveScript = `set -eu
config=/etc/rancher/k3s/k3s.yaml
kubectl() { docker exec "$SERVER" kubectl --kubeconfig "$config" "$@"; }
running() { [ "$(docker inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }

running "$SERVER" || exit 0
[ -n "$(kubectl get node "$NODE" --ignore-not-found --output name)" ] || exit 0
if running "$NODE"; then
  kubectl drain "$NODE" --ignore-daemonsets --delete-emptydir-data --force --timeout="\${TIMEOUT}s" >&2 || {
    kubectl uncordon "$NODE" >&2
    echo "The node $NODE was not removed: not all of its pods could move to other nodes within $TIMEOUT seconds" >&2
    echo "(readyTimeoutSeconds). Make room, or loosen the disruption budget that is in the way; docker stop $NODE" >&2
    echo "gives the pods up. Then run this again." >&2
    exit 1
  }
fi
kubectl delete node "$NODE" --ignore-not-found >&2
kubectl --namespace kube-system delete secret "$NODE.node-password.k3s" --ignore-not-found >&2
`;
