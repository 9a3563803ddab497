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

	"sandlot.dev/node/registries"
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

// writeRegistries tells containerd of the registries' mirrors. What an earlier start was told is forgotten.
func writeRegistries() {
	folder := agentDir + "/etc/containerd/certs.d"
	must(os.RemoveAll(folder))
	content, err := os.ReadFile("/etc/rancher/k3s/registries.yaml")
	if os.IsNotExist(err) {
		return
	}
	must(err)
	hosts, ignored, err := registries.Hosts(content)
	if err != nil {
		log.Fatalf("k3s: /etc/rancher/k3s/registries.yaml: %v", err)
	}
	for _, part := range ignored {
		log.Printf("k3s: /etc/rancher/k3s/registries.yaml: %s: not served by this node, and ignored", part)
	}
	for name, text := range hosts {
		write(folder+"/"+name+"/hosts.toml", text, 0o600)
	}
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
