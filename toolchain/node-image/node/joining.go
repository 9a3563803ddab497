package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"log"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"sandlot.dev/node/join"
	"sandlot.dev/node/options"
	"sandlot.dev/node/pki"
)

// letNodesJoin serves what further nodes ask for. It never returns.
func letNodesJoin(client kubernetes.Interface, authority pki.Authority, v map[string]string, opt options.Options) {
	server := join.Server{
		Token: clusterToken(authority, opt), Authority: authority.PEM(), OwnNode: v["NODE"],
		PodCIDR: v["PODS"], ServiceCIDR: v["SERVICES"], Sign: authority.Sign,
		Claim: func(node, password string) error { return claimName(client, node, password) },
	}
	log.Fatalf("k3s: joining: %v", server.Serve(v["IP"], tlsDir+"/apiserver.crt", tlsDir+"/apiserver.key"))
}

// clusterToken is the one that was given, else that of the first start; in full it is in the node token's file, as in k3s.
func clusterToken(authority pki.Authority, opt options.Options) join.Token {
	given := givenToken(opt)
	if given == "" {
		kept, _ := os.ReadFile(nodeTokenFile)
		given = string(kept)
	}
	if strings.TrimSpace(given) == "" {
		given = join.Secret()
	}
	token, err := join.ParseToken(given)
	must(err)
	token = join.NewToken(authority.PEM(), token.Password)
	write(nodeTokenFile, token.String()+"\n", 0o600)
	return token
}

// givenToken is a node's --token or --token-file, or the variables that k3s reads for them.
func givenToken(opt options.Options) string {
	if token := opt.Last("token", os.Getenv("K3S_TOKEN")); token != "" {
		return token
	}
	file := opt.Last("token-file", os.Getenv("K3S_TOKEN_FILE"))
	if file == "" {
		return ""
	}
	content, err := os.ReadFile(file)
	must(err)
	return string(content)
}

// claimName keeps a hash of each node's password in a Secret named as k3s names it. Who deletes the Secret gives the name
// free.
func claimName(client kubernetes.Interface, node, password string) error {
	secrets := client.CoreV1().Secrets("kube-system")
	name := node + ".node-password.k3s"
	sum := sha256.Sum256([]byte(password))
	hash := []byte(hex.EncodeToString(sum[:]))
	found, err := secrets.Get(context.Background(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = secrets.Create(context.Background(), &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name},
			Data: map[string][]byte{"hash": hash}}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(found.Data["hash"], hash) != 1 {
		return join.ErrPassword
	}
	return nil
}
