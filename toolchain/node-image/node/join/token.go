// Package join lets further nodes into the cluster, as k3s does: who knows the token gets certificates for a node, and the
// token in full says which cluster's certificate authority to trust.
package join

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
)

// Port is where the server answers nodes that join; RKE2's supervisor has the same.
const Port = "9345"

const (
	fullPrefix = "K10"
	user       = "node"
)

// Token is what a node shows. CAHash, the SHA-256 of the authority's PEM, is empty in a token that is a password only.
type Token struct{ CAHash, Password string }

// ParseToken reads a token in full, K10<hash>::<user>:<password> (https://docs.k3s.io/cli/token), or a password alone.
func ParseToken(text string) (Token, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, fullPrefix) {
		if text == "" {
			return Token{}, fmt.Errorf("the token is empty; give --token, --token-file, K3S_TOKEN or K3S_TOKEN_FILE")
		}
		return Token{Password: text}, nil
	}
	hash, credentials, _ := strings.Cut(strings.TrimPrefix(text, fullPrefix), "::")
	_, password, _ := strings.Cut(credentials, ":")
	if decoded, err := hex.DecodeString(hash); err != nil || len(decoded) != sha256.Size || password == "" {
		return Token{}, fmt.Errorf("the token is not of the form K10<hash>::node:<password>; take the one in server/node-token on the server")
	}
	return Token{CAHash: hash, Password: password}, nil
}

// NewToken is a token in full for a cluster with this authority.
func NewToken(authority []byte, password string) Token {
	return Token{CAHash: hashOf(authority), Password: password}
}

func (t Token) String() string {
	return fullPrefix + t.CAHash + "::" + user + ":" + t.Password
}

// Trusts says whether the authority is the one that the token names. A token without one trusts any.
func (t Token) Trusts(authority []byte) bool {
	return t.CAHash == "" || t.CAHash == hashOf(authority)
}

// Secret is a new random text.
func Secret() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails: it ends the program instead
	return hex.EncodeToString(random)
}

func hashOf(authority []byte) string {
	sum := sha256.Sum256(authority)
	return hex.EncodeToString(sum[:])
}

func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b)) // of one length, whatever was sent
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
