#!/bin/sh
# Runs on each node that shall have gVisor: installs it, labels the node, and waits. When the DaemonSet is being deleted, and
# only then, it takes the label and gVisor away again: an update or a drain of the node leaves sandboxes alone.
#
# Given by environment variables, beside those of install.sh:
#   NODE          the node's name
#   READY_LABEL   the label that says that the node has gVisor
#   DAEMONSET     "<namespace>/<name>" of the DaemonSet that this is a pod of
#   API, ACCOUNT  the API server's address, and the folder with the service account's token and certificate
#   READY_FILE    is there once the node has gVisor
set -eu

here=$(dirname "$0")

call() {
  method=$1 path=$2
  shift 2
  curl --silent --show-error --retry 5 --retry-connrefused --connect-timeout 10 --max-time 60 \
    --cacert "$ACCOUNT/ca.crt" --header "Authorization: Bearer $(cat "$ACCOUNT/token")" --request "$method" "$@" "$API$path"
}

# Sets the label, or with null takes it off.
label() {
  echo "{\"metadata\":{\"labels\":{\"$READY_LABEL\":$1}}}" |
    call PATCH "/api/v1/nodes/$NODE" --fail --output /dev/null --header "Content-Type: application/merge-patch+json" --data-binary @-
}

# Whether the DaemonSet is gone or going. If the API server cannot say, it is taken to stay: removing is what cannot be undone.
going() {
  answer=$(call GET "/apis/apps/v1/namespaces/${DAEMONSET%/*}/daemonsets/${DAEMONSET#*/}" --write-out '\n%{http_code}') || return 1
  case $answer in
  *'
404') return 0 ;;
  *'
200') echo "$answer" | grep -q '"deletionTimestamp"' ;;
  *) return 1 ;;
  esac
}

stopping= waiting=
trap 'stopping=yes; kill $waiting 2>/dev/null || true' TERM INT

rm -f "$READY_FILE"
sh "$here/install.sh" install
label '"true"'
: >"$READY_FILE"

while [ -z "$stopping" ]; do
  # Not for long: some shells lose a signal that comes just as they begin to wait.
  sleep 5 &
  waiting=$!
  # For a signal that came before there was anything to end.
  [ -z "$stopping" ] || kill "$waiting" 2>/dev/null || true
  wait "$waiting" || true
done

if going; then
  # No new sandbox is sent here while gVisor goes.
  label null
  sh "$here/install.sh" remove
fi
