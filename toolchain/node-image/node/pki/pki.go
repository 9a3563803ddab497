// Package pki keeps the cluster's certificate authority and issues certificates and kubeconfigs from it.
package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/kubeconfig"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"
)

const algorithm = "ECDSA-P256"

// Authority is made, with the service-account key, at first start; what it issues is renewed at every start.
type Authority struct {
	ca                    *x509.Certificate
	key                   crypto.Signer
	tlsDir, credDir, port string
}

// Load reads the authority from tlsDir, or makes it there.
func Load(tlsDir, credDir, port string) Authority {
	if !pkiutil.CertOrKeyExist(tlsDir, "ca") {
		ca, key, err := pkiutil.NewCertificateAuthority(&pkiutil.CertConfig{Config: certutil.Config{CommonName: "k3s-ca"}, EncryptionAlgorithm: algorithm})
		must(err)
		serviceAccounts, err := pkiutil.NewPrivateKey(algorithm)
		must(err)
		must(pkiutil.WriteKey(tlsDir, "sa", serviceAccounts))
		must(pkiutil.WriteCertAndKey(tlsDir, "ca", ca, key)) // last: its presence says that all is there
	}
	ca, key, err := pkiutil.TryLoadCertAndKeyFromDisk(tlsDir, "ca")
	must(err)
	return Authority{ca, key, tlsDir, credDir, port}
}

// PEM is the authority's certificate.
func (a Authority) PEM() []byte { return pkiutil.EncodeCertPEM(a.ca) }

// Sign issues a certificate for a key that somebody else holds, as a client and as a server under the given addresses.
func (a Authority) Sign(key crypto.PublicKey, cn, org string, addresses ...net.IP) ([]byte, error) {
	c := certutil.Config{CommonName: cn, AltNames: certutil.AltNames{IPs: addresses},
		Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if len(addresses) > 0 {
		c.Usages = append(c.Usages, x509.ExtKeyUsageServerAuth)
	}
	if org != "" {
		c.Organization = []string{org}
	}
	cert, err := pkiutil.NewSignedCert(&pkiutil.CertConfig{Config: c}, publicOnly{key: key}, a.ca, a.key, false)
	if err != nil {
		return nil, err
	}
	return pkiutil.EncodeCertPEM(cert), nil
}

// publicOnly stands for a key whose private half is elsewhere: signing a certificate takes the public one alone.
type publicOnly struct {
	crypto.Signer
	key crypto.PublicKey
}

func (p publicOnly) Public() crypto.PublicKey { return p.key }

// Certificate issues name.crt and name.key for a common name, an organization and subject names.
func (a Authority) Certificate(name, cn, org string, names ...string) (crt, key []byte) {
	c := certutil.Config{CommonName: cn, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if org != "" {
		c.Organization = []string{org}
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.AltNames.IPs = append(c.AltNames.IPs, ip)
		} else if n != "" {
			c.AltNames.DNSNames = append(c.AltNames.DNSNames, n)
		}
	}
	cert, k, err := pkiutil.NewCertAndKey(a.ca, a.key, &pkiutil.CertConfig{Config: c, EncryptionAlgorithm: algorithm})
	must(err)
	must(pkiutil.WriteCertAndKey(a.tlsDir, name, cert, k))
	key, err = keyutil.MarshalPrivateKeyToPEM(k)
	must(err)
	return pkiutil.EncodeCertPEM(cert), key
}

// Kubeconfig issues a certificate and writes the kubeconfig that uses it; cluster, user and context are named "default".
func (a Authority) Kubeconfig(name, cn, org string, names ...string) []byte {
	crt, key := a.Certificate(name, cn, org, names...)
	return WriteKubeconfig(a.credDir, name, "https://127.0.0.1:"+a.port, a.PEM(), crt, key)
}

// WriteKubeconfig writes name.kubeconfig into a folder and returns it.
func WriteKubeconfig(dir, name, server string, ca, crt, key []byte) []byte {
	c := kubeconfig.CreateWithCerts(server, "default", "default", ca, key, crt)
	c.Contexts["default"], c.CurrentContext = c.Contexts[c.CurrentContext], "default"
	b, err := clientcmd.Write(*c)
	must(err)
	must(os.MkdirAll(dir, 0o755))
	must(os.WriteFile(filepath.Join(dir, name+".kubeconfig"), b, 0o600))
	return b
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprint("k3s: certificates: ", err))
	}
}
