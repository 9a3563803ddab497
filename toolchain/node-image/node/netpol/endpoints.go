package netpol

import (
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Endpoint is a pod's address. Local is whether the pod is on this node, whose rules it then stands under.
type Endpoint struct {
	Pod   *v1.Pod
	IP    string
	Local bool
}

// Sandbox is a pod sandbox that the container runtime has given an address.
type Sandbox struct {
	PodUID types.UID
	IP     string
}

// mirrorAnnotation holds, on the API's copy of a static pod, the identity that the kubelet uses.
const mirrorAnnotation = "kubernetes.io/config.mirror"

// IdentityOf is the pod identity that the container runtime knows.
func IdentityOf(p *v1.Pod) types.UID {
	if static := p.Annotations[mirrorAnnotation]; static != "" {
		return types.UID(static)
	}
	return p.UID
}

// Endpoints gives each running pod its address. What this node's runtime says of now counts more than a pod's status,
// which lags: an address can be another pod's already.
func Endpoints(pods []*v1.Pod, sandboxes []Sandbox, node string) (endpoints []Endpoint) {
	given, taken := map[types.UID]string{}, map[string]bool{}
	for _, s := range sandboxes {
		given[s.PodUID], taken[s.IP] = s.IP, true
	}
	for _, p := range pods {
		if p.Spec.HostNetwork || p.Status.Phase == v1.PodSucceeded || p.Status.Phase == v1.PodFailed {
			continue
		}
		ip := given[IdentityOf(p)]
		if ip == "" && !taken[p.Status.PodIP] {
			ip = p.Status.PodIP
			taken[ip] = true
		}
		if ip != "" {
			endpoints = append(endpoints, Endpoint{p, ip, p.Spec.NodeName == node})
		}
	}
	// In order of address, so that the same state gives the same rules.
	slices.SortFunc(endpoints, func(a, b Endpoint) int { return strings.Compare(a.IP, b.IP) })
	return endpoints
}
