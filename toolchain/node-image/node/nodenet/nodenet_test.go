package nodenet

import (
	"reflect"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func node(name, pods string, addresses ...string) *v1.Node {
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.NodeSpec{PodCIDR: pods}}
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, v1.NodeAddress{Type: v1.NodeInternalIP, Address: a})
	}
	return n
}

func TestNetworkOfNodes(t *testing.T) {
	nodes := []*v1.Node{node("b", "10.42.1.0/24", "fd00::3", "172.18.0.3"), node("a", "10.42.0.0/24", "172.18.0.2"),
		node("new", "", "172.18.0.4"), node("silent", "10.42.3.0/24")}
	want := Network{OwnPods: "10.42.0.0/24", Routes: map[string]string{"10.42.1.0/24": "172.18.0.3"},
		Addresses: []string{"172.18.0.2", "172.18.0.3", "172.18.0.4"}}
	if got := Of(nodes, "a"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Of(nodes, "new"); got.OwnPods != "" {
		t.Errorf("a node without a range: got %v", got)
	}
}

func TestRoutesFollowTheNodes(t *testing.T) {
	before := map[string]string{"10.42.1.0/24": "172.18.0.3", "10.42.2.0/24": "172.18.0.4"}
	after := map[string]string{"10.42.2.0/24": "172.18.0.5", "10.42.3.0/24": "172.18.0.3"}
	want := "route del 10.42.1.0/24 proto 142\nroute replace 10.42.2.0/24 via 172.18.0.5 proto 142\n" +
		"route replace 10.42.3.0/24 via 172.18.0.3 proto 142\n"
	if got := Commands(before, after); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Commands(after, after); got != "" {
		t.Errorf("nothing to do, got %q", got)
	}
}

func TestPodsAndNodesSeeAPodsOwnAddress(t *testing.T) {
	rule := "ip saddr 10.42.0.0/16 ip daddr != { 10.42.0.0/16, 224.0.0.0/4, 172.18.0.2 } masquerade\n"
	if got := Masquerade("10.42.0.0/16", []string{"172.18.0.2"}); !strings.Contains(got, rule) {
		t.Errorf("got %s", got)
	}
}
