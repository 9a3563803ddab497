package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/util/keyutil"

	"sandlot.dev/node/join"
	"sandlot.dev/node/localpath"
	"sandlot.dev/node/options"
	"sandlot.dev/node/pki"
)

const (
	agentTLS  = agentDir + "/tls"
	agentCred = agentDir + "/cred"
	// As in k3s: in the container, not in the volume.
	nodePasswordFile = "/etc/rancher/node/password"
)

// serveAgent joins a server's cluster and runs until it is told to stop: kubelet, kube-proxy and network policies.
func serveAgent(opt options.Options) {
	started := time.Now()
	done := func(what string) { log.Printf("k3s: %s after %.1fs", what, time.Since(started).Seconds()) }
	server := strings.TrimSuffix(opt.Last("server", os.Getenv("K3S_URL")), "/")
	token, err := join.ParseToken(givenToken(opt))
	must(err)
	if token.CAHash == "" {
		log.Print("k3s: the token is a password only: whoever answers as the server is believed; the one in server/node-token is in full")
	}
	values := placeholders(opt, agentTLS, agentCred)
	prepareMachine()
	key, keyPEM := newKey()
	joined := joinPatiently(server, token, values["NODE"], key)
	done("joined " + server)
	values["PODS"], values["SERVICES"] = joined.PodCIDR, joined.ServiceCIDR
	deriveAddresses(values)
	// No pods until the controller manager has given the node a range, which may be another than in an earlier life.
	values["NODE_PODS"] = ""
	flags := writeFiles(values, []string{partOf(podNetwork)}, dataDir+"/server")
	os.RemoveAll(podNetwork)
	writeRegistries()
	write(agentTLS+"/ca.crt", string(joined.Authority), 0o600)
	write(agentTLS+"/kubelet.crt", joined.Certificates[join.Kubelet], 0o600)
	write(agentTLS+"/kubelet.key", string(keyPEM), 0o600)
	credentials := map[string][]byte{}
	for name, certificate := range joined.Certificates {
		credentials[name] = pki.WriteKubeconfig(agentCred, name, server, joined.Authority, []byte(certificate), keyPEM)
	}
	runContainerd()
	done("containerd ready, images imported")

	c := newComponents(flags, opt)
	client := connect(credentials[join.Controller])
	go newPolicyAgent(client, values["NODE"]).run() // before the kubelet: no pod starts without its rules
	go followNodes(client, values)
	go localpath.Serve(client, dataDir+"/storage", values["NODE"], false)
	for _, name := range []string{"kubelet", "kube-proxy"} {
		c.start(name)
	}
	done("all components started")
	waitForStop()
	os.Exit(0)
}

// newKey is made at every start, as the certificates are.
func newKey() (crypto.Signer, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	pem, err := keyutil.MarshalPrivateKeyToPEM(key)
	must(err)
	return key, pem
}

// joinPatiently asks until it is let in: the server may start later, or be told first to give the node's name free.
func joinPatiently(server string, token join.Token, node string, key crypto.Signer) join.Joined {
	password, _ := os.ReadFile(nodePasswordFile)
	if len(password) == 0 {
		password = []byte(join.Secret())
		write(nodePasswordFile, string(password), 0o600)
	}
	said := ""
	for {
		joined, err := join.Join(server, token, node, string(password), key)
		if err == nil {
			return joined
		}
		if err.Error() != said {
			said = err.Error()
			log.Printf("k3s: joining %s: %s; trying again", server, said)
		}
		time.Sleep(500 * time.Millisecond)
	}
}
