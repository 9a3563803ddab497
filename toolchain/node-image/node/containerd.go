package main

import (
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// runContainerd returns when containerd answers and has the image archives.
func runContainerd() {
	out, err := os.Create(agentDir + "/containerd/containerd.log")
	must(err)
	c := exec.Command("containerd", "-c", agentDir+"/etc/containerd/config.toml")
	c.Stdout, c.Stderr = out, out
	must(c.Start())
	go func() { log.Fatalf("k3s: containerd ended: %v", c.Wait()) }()
	for conn, err := net.Dial("unix", sock); ; conn, err = net.Dial("unix", sock) {
		if err == nil {
			conn.Close()
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	importImages("/usr/share/k3s/images", agentDir+"/images")
}

// importImages loads image archives and pins what is new, as k3s does: there may be no registry to get an image back
// from, so the kubelet must never collect it.
func importImages(folders ...string) {
	present := images()
	for _, folder := range folders {
		archives, _ := filepath.Glob(folder + "/*.tar")
		for _, archive := range archives {
			run(nil, "ctr", ctr("import", "--local", archive)...)
		}
	}
	for _, name := range images() {
		if !slices.Contains(present, name) {
			run(nil, "ctr", ctr("label", name, "io.cri-containerd.pinned=pinned")...)
		}
	}
}

func images() []string {
	names, err := exec.Command("ctr", ctr("ls", "-q")...).Output()
	must(err)
	return strings.Fields(string(names))
}

func ctr(args ...string) []string {
	return append([]string{"-a", sock, "-n", "k8s.io", "images"}, args...)
}
