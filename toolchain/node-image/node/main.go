// A small Kubernetes for machines that cannot pull rancher/k3s: upstream components, etcd, a NetworkPolicy agent
// and a local-path provisioner in one process, containerd as its child. It keeps k3s's container contract.
package main

import (
	"log"
	"os"
	"path/filepath"
	"syscall"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"

	"sandlot.dev/node/options"
)

func main() {
	// Called as "k3s <command>", or through a link named after the command.
	if filepath.Base(os.Args[0]) == "k3s" && len(os.Args) > 1 {
		os.Args = os.Args[1:]
	}
	switch filepath.Base(os.Args[0]) {
	case "server":
		serve(options.Parse(os.Args[1:]))
	case "agent":
		serveAgent(options.Parse(os.Args[1:]))
	case "kubectl":
		os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
	case "ctr":
		log.Fatal(syscall.Exec("/usr/bin/ctr", os.Args, os.Environ()))
	default:
		log.Fatal("usage: k3s server [flags] | agent [flags] | kubectl | ctr")
	}
}
