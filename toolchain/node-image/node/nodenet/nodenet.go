// Package nodenet says how pods reach pods on other nodes: each node has a range of its own, and sends what is for another
// node's range to that node's address, over the network that the nodes share ("host gateway").
package nodenet

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
)

// Network is what a node must know of all nodes.
type Network struct {
	// OwnPods is the range of this node's pods; empty until the controller manager has given it one.
	OwnPods string
	// Routes are the other nodes' addresses by the ranges of their pods.
	Routes map[string]string
	// Addresses of all nodes, sorted.
	Addresses []string
}

// Of reads the network off the nodes.
func Of(nodes []*v1.Node, self string) Network {
	n := Network{Routes: map[string]string{}}
	for _, node := range nodes {
		address := internalAddress(node)
		if address != "" {
			n.Addresses = append(n.Addresses, address)
		}
		switch {
		case node.Name == self:
			n.OwnPods = node.Spec.PodCIDR
		case address != "" && node.Spec.PodCIDR != "":
			n.Routes[node.Spec.PodCIDR] = address
		}
	}
	slices.Sort(n.Addresses)
	return n
}

func internalAddress(node *v1.Node) string {
	for _, a := range node.Status.Addresses {
		if a.Type == v1.NodeInternalIP && !strings.Contains(a.Address, ":") {
			return a.Address
		}
	}
	return ""
}

// protocol marks the routes that are ours (rtnetlink: 4 and more are for whoever makes routes, below 192 unassigned here).
const protocol = "142"

// Commands are those of `ip -batch` that turn the routes there were into those there must be.
func Commands(before, after map[string]string) string {
	var lines []string
	for pods := range before {
		if after[pods] == "" {
			lines = append(lines, fmt.Sprintf("route del %s proto %s", pods, protocol))
		}
	}
	for pods, address := range after {
		if before[pods] != address {
			lines = append(lines, fmt.Sprintf("route replace %s via %s proto %s", pods, address, protocol))
		}
	}
	slices.Sort(lines) // "del" before "replace"
	return strings.Join(append(lines, ""), "\n")
}

// Masquerade is the nftables table that gives what pods send out of the cluster the node's address. Pods and nodes are in
// the cluster: they see the pod's own address, which network policies go by.
func Masquerade(pods string, nodes []string) string {
	inside := append([]string{pods, "224.0.0.0/4"}, nodes...)
	return "table ip k3s_masquerade\ndelete table ip k3s_masquerade\ntable ip k3s_masquerade {\n" +
		"  chain leaving {\n    type nat hook postrouting priority srcnat;\n" +
		fmt.Sprintf("    ip saddr %s ip daddr != { %s } masquerade\n", pods, strings.Join(inside, ", ")) +
		"  }\n}\n"
}
