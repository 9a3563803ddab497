package join

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Joined is what a node has once it was let in: the certificate authority (PEM) and the server's reply.
type Joined struct {
	Authority []byte
	Reply
}

// Join asks the server for certificates for a key. server is the API server's URL, as k3s takes it.
func Join(server string, token Token, node, password string, key crypto.Signer) (Joined, error) {
	base, err := address(server)
	if err != nil {
		return Joined{}, err
	}
	authority, err := authorityOf(base, token)
	if err != nil {
		return Joined{}, err
	}
	body, err := requestFor(node, password, key)
	if err != nil {
		return Joined{}, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	request, err := http.NewRequest(http.MethodPost, base+joinPath, bytes.NewReader(body))
	if err != nil {
		return Joined{}, err
	}
	request.SetBasicAuth(user, token.Password)
	answer, err := ask(&tls.Config{RootCAs: trusted}, request)
	if err != nil {
		return Joined{}, err
	}
	joined := Joined{Authority: authority}
	if err := json.Unmarshal(answer, &joined.Reply); err != nil {
		return Joined{}, fmt.Errorf("%s: %w", base, err)
	}
	return joined, nil
}

// address is where the server that has this URL lets nodes in.
func address(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return "", fmt.Errorf("the server's URL is %q; give one such as https://server:6443 (--server, K3S_URL)", server)
	}
	return "https://" + net.JoinHostPort(u.Hostname(), Port), nil
}

// authorityOf fetches the authority without trust in whoever answers, and then holds it against the token.
func authorityOf(base string, token Token) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, base+authorityPath, nil)
	if err != nil {
		return nil, err
	}
	authority, err := ask(&tls.Config{InsecureSkipVerify: true}, request)
	if err != nil {
		return nil, err
	}
	if !token.Trusts(authority) {
		return nil, fmt.Errorf("%s has another certificate authority than the token says: it is not the cluster that the token is from", base)
	}
	return authority, nil
}

func requestFor(node, password string, key crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return json.Marshal(Request{Node: node, Password: password, CertificateRequest: string(csr)})
}

func ask(trust *tls.Config, request *http.Request) ([]byte, error) {
	transport := &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", request.URL, response.Status, strings.TrimSpace(string(body)))
	}
	return body, err
}
