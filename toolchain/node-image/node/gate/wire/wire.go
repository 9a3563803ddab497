// Package wire is what the CNI plugin "gate" and the policy agent say to each other: one JSON request, one reply.
package wire

import "time"

// Socket is where the policy agent listens, once it knows the cluster's policies.
const Socket = "/run/k3s/netpol.sock"

// Patience is how long a pod is held back before its start is given up; the kubelet tries again.
const Patience = 10 * time.Second

// Request tells of a pod sandbox that got an address, or, without one, of a sandbox that is gone.
type Request struct {
	Sandbox string `json:"sandbox"`
	PodUID  string `json:"podUID,omitempty"`
	IP      string `json:"ip,omitempty"`
}

// Reply comes when the pod's rules are in force; Error says why they are not.
type Reply struct {
	Error string `json:"error,omitempty"`
}
