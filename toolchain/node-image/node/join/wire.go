package join

const (
	authorityPath = "/cacerts"
	joinPath      = "/v1-k3s/join"
)

// Identities of a node, by the name of its kubeconfig: the common name and the organization of each certificate.
const (
	Kubelet    = "kubelet"
	KubeProxy  = "kube-proxy"
	Controller = "k3s-controller"
)

// Request is what a node asks for: certificates for the key that signed the certificate request (PEM). The password is
// the node's own, made at its first start, so that no other node can take its name.
type Request struct {
	Node               string `json:"node"`
	Password           string `json:"password"`
	CertificateRequest string `json:"certificateRequest"`
}

// Reply gives a certificate (PEM) for each identity, and what a node must know of the cluster.
type Reply struct {
	Certificates map[string]string `json:"certificates"`
	PodCIDR      string            `json:"podCIDR"`
	ServiceCIDR  string            `json:"serviceCIDR"`
}
