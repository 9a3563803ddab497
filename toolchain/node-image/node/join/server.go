package join

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"regexp"
	"time"
)

// ErrPassword is what a name's owner alone does not get: the name belongs to a node with another password.
var ErrPassword = errors.New("another node has this name, or its container is a new one: delete the Secret NAME.node-password.k3s in kube-system first")

const (
	largestRequest = 64 << 10
	patience       = 20 * time.Second
)

// Server lets nodes in.
type Server struct {
	Token     Token
	Authority []byte // PEM
	// OwnNode is the name that no other node may have.
	OwnNode              string
	PodCIDR, ServiceCIDR string
	// Sign issues a certificate (PEM); with addresses, for a server too.
	Sign func(key crypto.PublicKey, cn, org string, addresses ...net.IP) ([]byte, error)
	// Claim takes a name for whoever has the password: ErrPassword if it is another's.
	Claim func(node, password string) error
}

// Serve answers until the process ends.
func (s Server) Serve(address, certificate, key string) error {
	server := http.Server{Addr: net.JoinHostPort(address, Port), Handler: s.Handler(),
		ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: largestRequest}
	return server.ListenAndServeTLS(certificate, key)
}

// Handler is the server's answers, without its TLS.
func (s Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+authorityPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(s.Authority) })
	mux.HandleFunc("POST "+joinPath, s.join)
	return mux
}

func (s Server) join(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	if !same(password, s.Token.Password) {
		http.Error(w, "the token is not this cluster's", http.StatusUnauthorized)
		return
	}
	var request Request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestRequest)).Decode(&request); err != nil {
		http.Error(w, "the request is not JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	key, err := s.check(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.Claim(request.Node, request.Password); errors.Is(err, ErrPassword) {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	reply, err := s.certificates(request.Node, key, net.ParseIP(host))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	log.Printf("k3s: node %s at %s joins", request.Node, host)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reply) // a node that is gone asks again
}

// nodeName is RFC 1123's subdomain, as the API server wants it.
var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// check returns the public key that certificates are asked for.
func (s Server) check(r Request) (crypto.PublicKey, error) {
	if len(r.Node) > 253 || !nodeName.MatchString(r.Node) {
		return nil, fmt.Errorf("node name %q is not a DNS name in lower case", r.Node)
	}
	if r.Node == s.OwnNode {
		return nil, fmt.Errorf("node name %q is the server's own; choose another with --node-name", r.Node)
	}
	if r.Password == "" {
		return nil, errors.New("the node's password is missing")
	}
	block, _ := pem.Decode([]byte(r.CertificateRequest))
	if block == nil {
		return nil, errors.New("the certificate request is not PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = request.CheckSignature()
	}
	if err != nil {
		return nil, fmt.Errorf("the certificate request: %w", err)
	}
	return request.PublicKey, nil
}

// certificates are for a server only under the address that the node called from: under a name of its choice it could pass
// for somebody else.
func (s Server) certificates(node string, key crypto.PublicKey, address net.IP) (Reply, error) {
	reply := Reply{Certificates: map[string]string{}, PodCIDR: s.PodCIDR, ServiceCIDR: s.ServiceCIDR}
	for _, each := range []struct {
		name, cn, org string
		addresses     []net.IP
	}{
		{Kubelet, "system:node:" + node, "system:nodes", []net.IP{address}},
		{KubeProxy, "system:kube-proxy", "", nil},
		{Controller, "system:k3s-controller", "", nil},
	} {
		certificate, err := s.Sign(key, each.cn, each.org, each.addresses...)
		if err != nil {
			return Reply{}, fmt.Errorf("certificate %s: %w", each.name, err)
		}
		reply.Certificates[each.name] = string(certificate)
	}
	return reply, nil
}
