package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	netv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	netlisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"

	"sandlot.dev/node/gate/wire"
	"sandlot.dev/node/netpol"
)

// policyAgent keeps the nftables rules equal to the cluster's NetworkPolicies. The CNI plugin "gate" tells it of each
// pod sandbox and holds the pod back until its rules are in force, so that no pod ever runs unfiltered.
type policyAgent struct {
	node       string
	factory    informers.SharedInformerFactory
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   netlisters.NetworkPolicyLister
	changed    chan struct{}

	mu        sync.Mutex
	sandboxes map[string]netpol.Sandbox // by the runtime's identifier
	inForce   map[string]types.UID      // pods whose rules are loaded, by address
}

func newPolicyAgent(client kubernetes.Interface, node string) *policyAgent {
	factory := informers.NewSharedInformerFactory(client, 0)
	a := &policyAgent{
		node:       node,
		factory:    factory,
		pods:       factory.Core().V1().Pods().Lister(),
		namespaces: factory.Core().V1().Namespaces().Lister(),
		policies:   factory.Networking().V1().NetworkPolicies().Lister(),
		changed:    make(chan struct{}, 1),
		sandboxes:  map[string]netpol.Sandbox{},
		inForce:    map[string]types.UID{},
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { a.notify() }, UpdateFunc: func(any, any) { a.notify() }, DeleteFunc: func(any) { a.notify() }}
	for _, informer := range []cache.SharedIndexInformer{factory.Core().V1().Pods().Informer(),
		factory.Core().V1().Namespaces().Informer(), factory.Networking().V1().NetworkPolicies().Informer()} {
		informer.AddEventHandler(handler)
	}
	return a
}

func (a *policyAgent) notify() {
	select {
	case a.changed <- struct{}{}:
	default: // a load is due already and will see this change too
	}
}

// run never returns. A rule set that cannot be loaded leaves the one before in force and holds new pods back.
func (a *policyAgent) run() {
	a.factory.Start(nil)
	a.factory.WaitForCacheSync(nil)
	must(a.listen())
	last := ""
	for ; ; <-a.changed {
		rules, pods := a.compile()
		if rules != last {
			if run(strings.NewReader(rules), "nft", "-f", "-") != nil {
				continue
			}
			last = rules
		}
		a.mu.Lock()
		a.inForce = pods
		a.mu.Unlock()
		time.Sleep(5 * time.Millisecond) // changes come in bursts
	}
}

// compile returns the rules and the pods that they know, by address.
func (a *policyAgent) compile() (rules string, known map[string]types.UID) {
	a.mu.Lock()
	sandboxes := slices.Collect(maps.Values(a.sandboxes))
	a.mu.Unlock()
	pods, _ := a.pods.List(labels.Everything())
	namespaces, _ := a.namespaces.List(labels.Everything())
	policies, _ := a.policies.List(labels.Everything())
	slices.SortFunc(policies, func(x, y *netv1.NetworkPolicy) int {
		return strings.Compare(x.Namespace+"/"+x.Name, y.Namespace+"/"+y.Name)
	})
	endpoints := netpol.Endpoints(pods, sandboxes, a.node)
	known = map[string]types.UID{}
	for _, e := range endpoints {
		known[e.IP] = netpol.IdentityOf(e.Pod)
	}
	return netpol.Ruleset(endpoints, namespaces, policies), known
}

// listen answers the gate.
func (a *policyAgent) listen() error {
	listener, err := net.Listen("unix", wire.Socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				log.Printf("k3s: network policies: %v", err)
				continue
			}
			go func() {
				defer conn.Close()
				var request wire.Request
				var reply wire.Reply
				if err := json.NewDecoder(conn).Decode(&request); err != nil {
					reply.Error = err.Error()
				} else if err := a.handle(request); err != nil {
					reply.Error = err.Error()
				}
				_ = json.NewEncoder(conn).Encode(reply) // a gate that is gone needs no answer
			}()
		}
	}()
	return nil
}

// handle takes note of a sandbox that comes, and waits for its rules, or of one that goes.
func (a *policyAgent) handle(r wire.Request) error {
	a.mu.Lock()
	if r.IP == "" {
		delete(a.sandboxes, r.Sandbox)
	} else {
		a.sandboxes[r.Sandbox] = netpol.Sandbox{PodUID: types.UID(r.PodUID), IP: r.IP}
	}
	a.mu.Unlock()
	a.notify()
	if r.IP == "" {
		return nil
	}
	for deadline := time.Now().Add(wire.Patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		a.mu.Lock()
		ready := a.inForce[r.IP] == types.UID(r.PodUID)
		a.mu.Unlock()
		if ready {
			return nil
		}
	}
	return fmt.Errorf("pod %s at %s: its network policies did not come into force within %s", r.PodUID, r.IP, wire.Patience)
}
