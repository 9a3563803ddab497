package main

import (
	"log"
	"maps"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"sandlot.dev/node/config"
	"sandlot.dev/node/nodenet"
)

// podNetwork is the CNI configuration, which names the range of the node's pods.
const podNetwork = agentDir + "/etc/cni/net.d/10-k3s.conflist"

// writePodNetwork lets pods start: a node without it is not Ready.
func writePodNetwork(values map[string]string) {
	_, files := config.Render(values)
	for _, f := range files {
		if f.Path == podNetwork {
			write(f.Path+".new", f.Body, 0o600) // not a name that containerd reads: it must never see half a file
			must(os.Rename(f.Path+".new", f.Path))
		}
	}
}

// followNodes keeps the range of this node's pods, the routes to the others' and what is masqueraded as the nodes are. It
// never returns.
func followNodes(client kubernetes.Interface, values map[string]string) {
	values = maps.Clone(values)
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // a look is due already
		}
	}
	nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify() }, UpdateFunc: func(any, any) { notify() }, DeleteFunc: func(any) { notify() }})
	factory.Start(nil)
	factory.WaitForCacheSync(nil)
	routes, masquerade := map[string]string{}, ""
	for ; ; <-changed {
		all, err := nodes.Lister().List(labels.Everything())
		must(err)
		network := nodenet.Of(all, values["NODE"])
		if network.OwnPods != "" && network.OwnPods != values["NODE_PODS"] {
			log.Printf("k3s: this node's pods are in %s", network.OwnPods)
			values["NODE_PODS"] = network.OwnPods
			writePodNetwork(values)
		}
		if commands := nodenet.Commands(routes, network.Routes); commands != "" && run(strings.NewReader(commands), "ip", "-force", "-batch", "-") == nil {
			routes = network.Routes
		}
		if rules := nodenet.Masquerade(values["PODS"], network.Addresses); rules != masquerade && run(strings.NewReader(rules), "nft", "-f", "-") == nil {
			masquerade = rules
		}
	}
}
