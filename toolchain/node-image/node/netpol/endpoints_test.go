package netpol

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

func addresses(pods []*v1.Pod, sandboxes ...Sandbox) map[string]string {
	found := map[string]string{}
	for _, e := range Endpoints(pods, sandboxes, "") {
		found[e.IP] = e.Pod.Name
	}
	return found
}

func TestRuntimeKnowsAddressFirst(t *testing.T) {
	starting := pod("apps", "starting", "", nil)
	if got := addresses([]*v1.Pod{starting}, Sandbox{starting.UID, "10.42.0.9"}); got["10.42.0.9"] != "starting" {
		t.Errorf("a pod without a status must have its sandbox's address, got %v", got)
	}
}

func TestReusedAddressBelongsToTheNewPod(t *testing.T) {
	old, fresh := pod("apps", "old", "10.42.0.9", nil), pod("apps", "fresh", "", nil)
	if got := addresses([]*v1.Pod{old, fresh}, Sandbox{fresh.UID, "10.42.0.9"}); len(got) != 1 || got["10.42.0.9"] != "fresh" {
		t.Errorf("got %v, want the address to be the new pod's alone", got)
	}
}

func TestPodsWithoutAnAddressOfTheirOwn(t *testing.T) {
	done, host, pending := pod("a", "done", "10.42.0.2", nil), pod("a", "host", "172.17.0.2", nil), pod("a", "pending", "", nil)
	done.Status.Phase, host.Spec.HostNetwork = v1.PodSucceeded, true
	if got := addresses([]*v1.Pod{done, host, pending}); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
}

func TestStaticPodIsKnownByItsMirror(t *testing.T) {
	static := pod("kube-system", "static", "", nil)
	static.Annotations = map[string]string{mirrorAnnotation: "hash"}
	if got := addresses([]*v1.Pod{static}, Sandbox{types.UID("hash"), "10.42.0.9"}); got["10.42.0.9"] != "static" {
		t.Errorf("got %v", got)
	}
}
