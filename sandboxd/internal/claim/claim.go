// Package claim hands a waiting sandbox over to its owner, once, and afterwards knows who may call.
//
// The pod's environment holds the SHA-256 of a claim secret that was made for this pod alone. Nothing that runs in the
// sandbox, before or after the claim, can learn from it the secret, the token, or anything about another sandbox.
package claim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
)

// ErrTaken says that the sandbox has an owner already, or the same one with other content.
var ErrTaken = errors.New("the sandbox is claimed already; a claim can be repeated, not changed")

// Access is what the gate says to a call.
type Access int

// What the gate can say.
const (
	Admitted  Access = iota
	Unclaimed        // nobody owns the sandbox yet
	Denied           // the call has no token, or not the owner's
)

// Handover is what the owner brings. A nil Token leaves the sandbox open to whoever reaches it.
type Handover struct {
	ID        string
	Token     *string
	Variables map[string]string
}

type owner struct {
	id        string
	content   [sha256.Size]byte // of the whole handover, so that a repeated one is recognised
	token     *[sha256.Size]byte
	variables []string
}

// Gate is closed until the claim. Make one with NewGate.
type Gate struct {
	secret []byte
	owner  atomic.Pointer[owner]
}

// NewGate returns a gate that opens to the secret with this SHA-256; without a hash it is always open.
func NewGate(secretHash []byte) *Gate { return &Gate{secret: secretHash} }

// Guarded tells whether the sandbox has to be claimed at all.
func (g *Gate) Guarded() bool { return len(g.secret) > 0 }

// Proves tells whether the text is the claim secret, in time that does not depend on it.
func (g *Gate) Proves(secret string) bool {
	return g.Guarded() && sameHash(secret, g.secret)
}

// Claim makes the sandbox the owner's. The same claim again succeeds again, any other fails with ErrTaken.
func (g *Gate) Claim(h Handover) error {
	fresh := &owner{id: h.ID, content: digest(h)}
	if h.Token != nil {
		hash := sha256.Sum256([]byte(*h.Token))
		fresh.token = &hash
	}
	for name, value := range h.Variables {
		fresh.variables = append(fresh.variables, name+"="+value)
	}
	slices.Sort(fresh.variables)
	if g.owner.CompareAndSwap(nil, fresh) {
		return nil
	}
	if present := g.owner.Load(); subtle.ConstantTimeCompare(present.content[:], fresh.content[:]) != 1 {
		return ErrTaken
	}
	return nil
}

// Owner returns the id of the claim and whether there is one.
func (g *Gate) Owner() (string, bool) {
	if present := g.owner.Load(); present != nil {
		return present.id, true
	}
	return "", false
}

// Admit says whether a call with this token (empty: none) may go on.
func (g *Gate) Admit(token string) Access {
	present := g.owner.Load()
	switch {
	case !g.Guarded():
		return Admitted
	case present == nil:
		return Unclaimed
	case present.token == nil || sameHash(token, present.token[:]):
		return Admitted
	}
	return Denied
}

// Variables are what the owner adds to the environment of commands, as NAME=value.
func (g *Gate) Variables() []string {
	if present := g.owner.Load(); present != nil {
		return present.variables
	}
	return nil
}

func sameHash(text string, hash []byte) bool {
	given := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(given[:], hash) == 1
}

// digest does not depend on the order in which variables were sent: maps are encoded by name.
func digest(h Handover) [sha256.Size]byte {
	encoded, _ := json.Marshal(h) // text, a pointer to text and a map of texts cannot fail
	return sha256.Sum256(encoded)
}
