// Package netpol turns NetworkPolicy objects into one nftables table.
package netpol

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Direction of traffic, seen from the pod that a policy selects.
type direction struct {
	policyType netv1.PolicyType
	chain      string // prefix of the pods' chains
	self, peer string // the packet field that holds the pod's own address, and the peer's
}

var (
	egress  = direction{netv1.PolicyTypeEgress, "out", "saddr", "daddr"}
	ingress = direction{netv1.PolicyTypeIngress, "in", "daddr", "saddr"}
)

// Ruleset returns the whole table, made to replace the one before in a single transaction.
//
// Egress is judged before ingress, in base chains of their own, so that an "accept" in one still meets the other.
// Traffic from the node itself (probes, the API server's proxy) leaves by the output hook and is never filtered.
// Whatever comes from or goes to a pod's interface under an address that is not an endpoint's of this node is dropped:
// an address that is not known yet, no longer, or forged.
//
// What a pod may send is judged on its own node. What it may get is judged on every node on the way: a Service's port on
// another node shows the pod's node that node's address in place of the caller's, which only the other node sees.
func Ruleset(endpoints []Endpoint, namespaces []*v1.Namespace, policies []*netv1.NetworkPolicy) string {
	c := compiler{endpoints: endpoints, policies: policies, namespaces: map[string]labels.Set{}}
	for _, n := range namespaces {
		c.namespaces[n.Name] = n.Labels
	}
	chains, egressMap := c.pods(egress)
	ingressChains, ingressMap := c.pods(ingress)
	return "table ip k3s_netpol\ndelete table ip k3s_netpol\ntable ip k3s_netpol {\n" + chains + ingressChains +
		c.base("egress", "forward", -20, "iifname", "saddr", egressMap) +
		c.base("egress_to_node", "input", -20, "iifname", "saddr", egressMap) +
		c.base("ingress", "forward", -10, "oifname", "daddr", ingressMap) + "}\n" +
		noIPv6
}

// The cluster is IPv4 only, but interfaces give themselves link-local IPv6 addresses: no way around the rules above.
const noIPv6 = `table ip6 k3s_netpol
delete table ip6 k3s_netpol
table ip6 k3s_netpol {
  chain to_node {
    type filter hook input priority -20;
    iifname "veth*" drop
  }
  chain beyond {
    type filter hook forward priority -20;
    iifname "veth*" drop
  }
}
`

type compiler struct {
	endpoints  []Endpoint
	namespaces map[string]labels.Set
	policies   []*netv1.NetworkPolicy
}

// base is a chain that packets enter first.
func (c compiler) base(name, hook string, priority int, device, field string, verdicts []string) string {
	var known []string
	for _, e := range c.endpoints {
		if e.Local {
			known = append(known, e.IP)
		}
	}
	rules := fmt.Sprintf("    %s \"veth*\" drop\n", device)
	if len(known) > 0 {
		rules = fmt.Sprintf("    %s \"veth*\" ip %s != { %s } drop\n", device, field, strings.Join(known, ", "))
	}
	if len(verdicts) > 0 {
		rules += fmt.Sprintf("    ip %s vmap { %s }\n", field, strings.Join(verdicts, ", "))
	}
	return fmt.Sprintf("  chain %s {\n    type filter hook %s priority %d;\n    ct state established,related accept\n%s  }\n", name, hook, priority, rules)
}

// pods returns a chain for each pod that a policy selects, and the map entries that lead to them.
func (c compiler) pods(d direction) (chains string, verdicts []string) {
	for i, e := range c.endpoints {
		if !e.Local && d == egress {
			continue
		}
		selected, rules := false, fmt.Sprintf("    ip %s %s accept\n", d.peer, e.IP) // a pod always reaches itself
		for _, p := range c.policies {
			if p.Namespace == e.Pod.Namespace && slices.Contains(p.Spec.PolicyTypes, d.policyType) && matches(&p.Spec.PodSelector, e.Pod.Labels) {
				selected = true
				rules += c.policy(e, p, d)
			}
		}
		if selected {
			chains += fmt.Sprintf("  chain %s%d {\n%s    drop\n  }\n", d.chain, i, rules)
			verdicts = append(verdicts, fmt.Sprintf("%s : goto %s%d", e.IP, d.chain, i))
		}
	}
	return chains, verdicts
}

func (c compiler) policy(self Endpoint, p *netv1.NetworkPolicy, d direction) (rules string) {
	if d == egress {
		for _, r := range p.Spec.Egress {
			rules += c.allow(self, p.Namespace, d, r.To, r.Ports)
		}
		return rules
	}
	for _, r := range p.Spec.Ingress {
		rules += c.allow(self, p.Namespace, d, r.From, r.Ports)
	}
	return rules
}

// allow writes one rule of a policy for one pod: peers times ports.
func (c compiler) allow(self Endpoint, namespace string, d direction, peers []netv1.NetworkPolicyPeer, ports []netv1.NetworkPolicyPort) (rules string) {
	for _, from := range c.matchPeers(namespace, d, peers) {
		if len(ports) == 0 {
			rules += "    " + from.match + "accept\n"
		}
		target := from.pod // the pod whose named ports count is the one that is connected to
		if d == ingress {
			target = self.Pod
		}
		for _, p := range ports {
			for _, port := range matchPort(p, target) {
				rules += "    " + from.match + port + " accept\n"
			}
		}
	}
	return rules
}

// peerMatch is a packet match and, where the peer is a pod, the pod.
type peerMatch struct {
	match string
	pod   *v1.Pod
}

func (c compiler) matchPeers(namespace string, d direction, peers []netv1.NetworkPolicyPeer) (found []peerMatch) {
	if len(peers) == 0 { // no peers named: anyone
		return []peerMatch{{}}
	}
	for _, p := range peers {
		if p.IPBlock != nil {
			if match, ok := matchBlock(*p.IPBlock, d); ok {
				found = append(found, peerMatch{match: match})
			}
			continue
		}
		for _, e := range c.endpoints {
			if c.selects(p, namespace, e.Pod) {
				found = append(found, peerMatch{fmt.Sprintf("ip %s %s ", d.peer, e.IP), e.Pod})
			}
		}
	}
	return found
}

func (c compiler) selects(p netv1.NetworkPolicyPeer, namespace string, pod *v1.Pod) bool {
	if p.NamespaceSelector == nil && pod.Namespace != namespace {
		return false
	}
	if p.NamespaceSelector != nil && !matches(p.NamespaceSelector, c.namespaces[pod.Namespace]) {
		return false
	}
	return p.PodSelector == nil || matches(p.PodSelector, pod.Labels)
}

// matchBlock is false for an IPv6 block: no pod has such an address.
func matchBlock(b netv1.IPBlock, d direction) (match string, ok bool) {
	if strings.Contains(b.CIDR, ":") {
		return "", false
	}
	match = fmt.Sprintf("ip %s %s ", d.peer, b.CIDR)
	if len(b.Except) > 0 {
		match += fmt.Sprintf("ip %s != { %s } ", d.peer, strings.Join(b.Except, ", "))
	}
	return match, true
}

func matchPort(p netv1.NetworkPolicyPort, target *v1.Pod) (found []string) {
	protocol := "tcp"
	if p.Protocol != nil {
		protocol = strings.ToLower(string(*p.Protocol))
	}
	switch {
	case p.Port == nil:
		return []string{"meta l4proto " + protocol}
	case p.Port.Type == intstr.String:
		for _, port := range containerPorts(target) {
			if port.Name == p.Port.StrVal && strings.EqualFold(string(port.Protocol), protocol) {
				found = append(found, fmt.Sprintf("%s dport %d", protocol, port.ContainerPort))
			}
		}
		return found
	case p.EndPort != nil:
		return []string{fmt.Sprintf("%s dport %d-%d", protocol, p.Port.IntVal, *p.EndPort)}
	default:
		return []string{fmt.Sprintf("%s dport %d", protocol, p.Port.IntVal)}
	}
}

// containerPorts are those of a pod; of none where the peer is no pod.
func containerPorts(p *v1.Pod) (ports []v1.ContainerPort) {
	if p == nil {
		return nil
	}
	for _, containers := range [][]v1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for _, c := range containers {
			ports = append(ports, c.Ports...)
		}
	}
	return ports
}

func matches(s *metav1.LabelSelector, l map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(l))
}
