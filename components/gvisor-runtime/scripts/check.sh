# Ends well only inside gVisor, whose kernel says so in its log and calls itself by a fixed version, older than every Linux
# that Kubernetes runs on. SUBJECT says in words what is tried.
set -eu
version=$(cat /proc/version)
if dmesg 2>/dev/null | grep -qi gvisor; then
  echo "$SUBJECT runs gVisor: its kernel log says so."
elif [ "${version#Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016}" != "$version" ]; then
  echo "$SUBJECT runs gVisor: $version"
else
  echo "$SUBJECT does not run gVisor: this pod is on the kernel \"$version\"." \
    "Sandboxes are not deployed. Set the nodes' container runtime up so that the handler is gVisor (runsc)," \
    "or name the handler or RuntimeClass that is." >&2
  exit 1
fi
