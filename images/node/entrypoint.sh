#!/bin/sh
# Puts the containerd templates where k3s looks for them, then becomes k3s. They are put there at every start because the
# folder is a volume, which keeps what an older image left in it.
set -e
target=/var/lib/rancher/k3s/agent/etc/containerd
mkdir -p "$target"
cp /usr/share/sandlot/containerd/*.tmpl "$target/"
exec k3s "$@"
