package netpol

import (
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(namespace, name, ip string, labels map[string]string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name), Labels: labels},
		Spec: v1.PodSpec{Containers: []v1.Container{{Ports: []v1.ContainerPort{
			{Name: "http", ContainerPort: 8080, Protocol: v1.ProtocolTCP}}}}},
		Status: v1.PodStatus{PodIP: ip, Phase: v1.PodRunning},
	}
}

var (
	web      = pod("apps", "web", "10.42.0.2", map[string]string{"app": "web"})
	client   = pod("apps", "client", "10.42.0.3", map[string]string{"app": "client"})
	stranger = pod("other", "client", "10.42.0.4", map[string]string{"app": "client"})
	spaces   = []*v1.Namespace{
		{ObjectMeta: metav1.ObjectMeta{Name: "apps", Labels: map[string]string{"team": "a"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"team": "b"}}},
	}
	named = intstr.FromString("http")
	port  = intstr.FromInt32(8000)
	end   = int32(8090)
)

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// chain returns the rules of one chain, one a line; empty if there is no such chain.
func chain(rules, name string) string {
	_, after, found := strings.Cut(rules, "  chain "+name+" {\n")
	if !found {
		return ""
	}
	body, _, _ := strings.Cut(after, "  }\n")
	return strings.ReplaceAll(body, "    ", "")
}

func compile(policies ...*netv1.NetworkPolicy) string {
	return Ruleset(Endpoints([]*v1.Pod{web, client, stranger}, nil, ""), spaces, policies)
}

func policy(app string, ingress []netv1.NetworkPolicyIngressRule, egress []netv1.NetworkPolicyEgressRule, kinds ...netv1.PolicyType) *netv1.NetworkPolicy {
	return &netv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "apps"},
		Spec: netv1.NetworkPolicySpec{PodSelector: *selector(app), Ingress: ingress, Egress: egress, PolicyTypes: kinds}}
}

func TestUnselectedPodsHaveNoChain(t *testing.T) {
	rules := compile(policy("web", nil, nil, netv1.PolicyTypeIngress))
	if got := chain(rules, "in0"); got != "ip saddr 10.42.0.2 accept\ndrop\n" {
		t.Errorf("the selected pod must be denied all but itself, got %q", got)
	}
	for _, name := range []string{"in1", "in2", "out0"} {
		if chain(rules, name) != "" {
			t.Errorf("unexpected chain %s", name)
		}
	}
	if !strings.Contains(chain(rules, "ingress"), "ip daddr vmap { 10.42.0.2 : goto in0 }") {
		t.Errorf("nothing leads to the chain:\n%s", rules)
	}
}

func TestPeers(t *testing.T) {
	for _, c := range []struct {
		name string
		peer netv1.NetworkPolicyPeer
		want string
	}{
		{"pods of the own namespace", netv1.NetworkPolicyPeer{PodSelector: selector("client")}, "ip saddr 10.42.0.3 accept\n"},
		{"pods of a namespace", netv1.NetworkPolicyPeer{PodSelector: selector("client"),
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}}}, "ip saddr 10.42.0.4 accept\n"},
		{"every namespace", netv1.NetworkPolicyPeer{PodSelector: selector("client"), NamespaceSelector: &metav1.LabelSelector{}},
			"ip saddr 10.42.0.3 accept\nip saddr 10.42.0.4 accept\n"},
		{"nobody", netv1.NetworkPolicyPeer{PodSelector: selector("nobody")}, ""},
		{"block", netv1.NetworkPolicyPeer{IPBlock: &netv1.IPBlock{CIDR: "172.16.0.1/32"}}, "ip saddr 172.16.0.1/32 accept\n"},
		{"block with exceptions", netv1.NetworkPolicyPeer{IPBlock: &netv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.0.0.0/8", "169.254.0.0/16"}}},
			"ip saddr 0.0.0.0/0 ip saddr != { 10.0.0.0/8, 169.254.0.0/16 } accept\n"},
		{"IPv6 block", netv1.NetworkPolicyPeer{IPBlock: &netv1.IPBlock{CIDR: "::/0"}}, ""},
	} {
		rules := compile(policy("web", []netv1.NetworkPolicyIngressRule{{From: []netv1.NetworkPolicyPeer{c.peer}}}, nil, netv1.PolicyTypeIngress))
		if got, want := chain(rules, "in0"), "ip saddr 10.42.0.2 accept\n"+c.want+"drop\n"; got != want {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

func TestPorts(t *testing.T) {
	udp := v1.ProtocolUDP
	for _, c := range []struct {
		name string
		port netv1.NetworkPolicyPort
		want string
	}{
		{"number", netv1.NetworkPolicyPort{Port: &port}, "tcp dport 8000 accept\n"},
		{"range", netv1.NetworkPolicyPort{Port: &port, EndPort: &end}, "tcp dport 8000-8090 accept\n"},
		{"protocol", netv1.NetworkPolicyPort{Protocol: &udp}, "meta l4proto udp accept\n"},
		{"name, of the pod connected to", netv1.NetworkPolicyPort{Port: &named}, "tcp dport 8080 accept\n"},
		{"name under another protocol", netv1.NetworkPolicyPort{Port: &named, Protocol: &udp}, ""},
	} {
		to := netv1.NetworkPolicyEgressRule{To: []netv1.NetworkPolicyPeer{{PodSelector: selector("web")}}, Ports: []netv1.NetworkPolicyPort{c.port}}
		want := "ip daddr 10.42.0.3 accept\n"
		if c.want != "" {
			want += "ip daddr 10.42.0.2 " + c.want
		}
		got := chain(compile(policy("client", nil, []netv1.NetworkPolicyEgressRule{to}, netv1.PolicyTypeEgress)), "out1")
		if got != want+"drop\n" {
			t.Errorf("%s: got %q, want %q", c.name, got, want+"drop\n")
		}
	}
}

// The start gap: an address that no endpoint has may neither send nor receive, on any hook, policies or not.
func TestUnknownAddressesAreDropped(t *testing.T) {
	rules := compile()
	known := "!= { 10.42.0.2, 10.42.0.3, 10.42.0.4 } drop\n"
	for name, want := range map[string]string{
		"egress": `iifname "veth*" ip saddr ` + known, "egress_to_node": `iifname "veth*" ip saddr ` + known, "ingress": `oifname "veth*" ip daddr ` + known} {
		if got := chain(rules, name); !strings.HasSuffix(got, want) {
			t.Errorf("%s: got %q, want the rule %q", name, got, want)
		}
	}
	if got := chain(Ruleset(nil, nil, nil), "egress"); !strings.HasSuffix(got, "iifname \"veth*\" drop\n") {
		t.Errorf("without endpoints all must be dropped, got %q", got)
	}
}

func TestEgressToTheNodeIsJudged(t *testing.T) {
	rules := compile(policy("client", nil, nil, netv1.PolicyTypeEgress))
	if !strings.Contains(chain(rules, "egress_to_node"), "10.42.0.3 : goto out1") {
		t.Errorf("no verdict on the input hook:\n%s", rules)
	}
}

// What pods of other nodes send is those nodes' business, and nothing here may use their addresses; what they get is judged
// here as well.
func TestPodsOfOtherNodes(t *testing.T) {
	elsewhere := pod("apps", "elsewhere", "10.42.1.2", map[string]string{"app": "client"})
	elsewhere.Spec.NodeName = "agent"
	from := []netv1.NetworkPolicyIngressRule{{From: []netv1.NetworkPolicyPeer{{PodSelector: selector("client")}}}}
	rules := Ruleset(Endpoints([]*v1.Pod{web, elsewhere}, nil, ""), spaces, []*netv1.NetworkPolicy{
		policy("web", from, nil, netv1.PolicyTypeIngress),
		policy("client", nil, nil, netv1.PolicyTypeEgress, netv1.PolicyTypeIngress),
	})
	if got, want := chain(rules, "in0"), "ip saddr 10.42.0.2 accept\nip saddr 10.42.1.2 accept\ndrop\n"; got != want {
		t.Errorf("as a peer: got %q, want %q", got, want)
	}
	if got, want := chain(rules, "in1"), "ip saddr 10.42.1.2 accept\ndrop\n"; got != want {
		t.Errorf("what it gets: got %q, want %q", got, want)
	}
	if chain(rules, "out1") != "" {
		t.Errorf("what it sends must not be judged here:\n%s", rules)
	}
	if got, want := chain(rules, "egress"), "iifname \"veth*\" ip saddr != { 10.42.0.2 } drop\n"; !strings.HasSuffix(got, want) {
		t.Errorf("the other node's address may be used here: %q", got)
	}
}
