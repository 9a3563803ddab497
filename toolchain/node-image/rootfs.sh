#!/bin/sh
# Writes the node's root file system, without our own programs, as a tar archive: Debian trixie packages, trimmed to
# what a node runs. Arguments: apt sources file for trixie, archive to write; further ones go to mmdebstrap.
# Nothing is executed in the new root, so nothing is mounted in it. Needs root, for the owners of files.
set -eu
sources=$1 archive=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/tmp}/node-rootfs.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
r=$work/root
packages=base-files,busybox-static,iptables,nftables,conntrack,containerd,runc,containernetworking-plugins,iproute2,tini,mount,util-linux,ca-certificates

mmdebstrap --quiet --variant=extract --mode=root --skip=chroot/mount --include=$packages "$@" trixie "$r" "$sources"

rm -rf "$r"/usr/share/doc "$r"/usr/share/man "$r"/usr/share/locale "$r"/usr/share/info "$r"/usr/share/bash-completion \
  "$r"/usr/bin/containerd-stress "$r"/usr/bin/containerd-shim "$r"/usr/bin/containerd-shim-runc-v1 \
  "$r"/var/cache/apt "$r"/var/lib/apt "$r"/etc/apt "$r"/usr/lib/systemd
find "$r/usr/lib/cni" -type f ! -name ptp ! -name host-local ! -name portmap ! -name loopback -delete

# What the packages' own scripts would have done.
for applet in $("$r/usr/bin/busybox" --list); do [ -e "$r/usr/bin/$applet" ] || [ -e "$r/usr/sbin/$applet" ] || ln -s busybox "$r/usr/bin/$applet"; done
for command in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf xtables-nft-multi "$r/usr/sbin/$command"
done
echo root:x:0:0:root:/root:/bin/sh > "$r/etc/passwd"
echo root:x:0: > "$r/etc/group"
mkdir -p "$r/etc/ssl/certs"
cat "$r"/usr/share/ca-certificates/mozilla/*.crt > "$r/etc/ssl/certs/ca-certificates.crt"

tar -C "$r" --sort=name --numeric-owner -cf "$archive.part" .
mv "$archive.part" "$archive"
