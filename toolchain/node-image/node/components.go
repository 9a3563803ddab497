package main

import (
	"context"
	"log"
	"time"
	_ "unsafe" // go:linkname

	"github.com/spf13/cobra"
	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcm "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/pkg/volume/csi/nodeinfomanager"
	metrics "sigs.k8s.io/metrics-server/cmd/metrics-server/app"

	"sandlot.dev/node/options"
)

// Every component that installs the signal handler closes this channel; a second close would panic.
//
//go:linkname signalHandlerInstalled k8s.io/apiserver/pkg/server.onlyOneSignalHandler
var signalHandlerInstalled chan struct{}

// The part of the CSI plugin that speaks for the node. The kubelet and the controller manager's attach-detach controller each make one
// when they start, and a process keeps the last: the other's knows no node, with which the kubelet is never Ready and no CSI driver
// registers.
//
//go:linkname csiNode k8s.io/kubernetes/pkg/volume/csi.nim
var csiNode nodeinfomanager.Interface

// components are the parts of Kubernetes and its metrics-server, each a command that runs in this process.
type components struct {
	commands map[string]*cobra.Command
	flags    map[string][]string
}

// newComponents makes the commands; a user's --<component>-arg values follow, and so override, the node's own flags.
func newComponents(flags map[string][]string, opt options.Options) components {
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	// The controller manager goes first: making it changes the default of a feature gate.
	commands := map[string]*cobra.Command{"kube-controller-manager": kcm.NewControllerManagerCommand()}
	commands["kube-apiserver"] = apiserver.NewAPIServerCommand()
	commands["kube-scheduler"] = scheduler.NewSchedulerCommand()
	commands["kubelet"] = kubelet.NewKubeletCommand(context.Background())
	commands["kube-proxy"] = proxy.NewProxyCommand()
	commands["metrics-server"] = metrics.NewMetricsServerCommand(make(chan struct{}))
	for name := range commands {
		for _, extra := range opt[name+"-arg"] {
			flags[name] = append(flags[name], "--"+extra)
		}
	}
	return components{commands, flags}
}

// start runs a component; the node ends when it does.
func (c components) start(name string) {
	c.commands[name].SetArgs(c.flags[name])
	signalHandlerInstalled = make(chan struct{})
	go func() { log.Fatalf("k3s: %s ended: %v", name, c.commands[name].Execute()) }()
	if name == "kubelet" || name == "kube-scheduler" { // the next may start once these have taken the channel
		<-signalHandlerInstalled
	}
}

// awaitAttachDetach waits until the controller manager's part of the CSI plugin is made, so that the kubelet's will be the last. Where
// that controller is disabled, none is made and nothing is amiss.
func awaitAttachDetach() {
	for end := time.Now().Add(20 * time.Second); csiNode == nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}
