package claim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

const secret = "a claim secret of this pod alone"

func gate() *Gate {
	hash := sha256.Sum256([]byte(secret))
	return NewGate(hash[:])
}

func handover(id, token string, variables map[string]string) Handover {
	return Handover{ID: id, Token: &token, Variables: variables}
}

func TestGateWithoutSecretIsOpen(t *testing.T) {
	g := NewGate(nil)
	if g.Guarded() || g.Admit("") != Admitted || g.Admit("anything") != Admitted || g.Proves("") {
		t.Error("a sandbox that need not be claimed refuses calls or takes a claim")
	}
}

func TestOnlyTheSecretClaims(t *testing.T) {
	hash := sha256.Sum256([]byte(secret))
	for _, guess := range []string{"", secret + "x", secret[1:], string(hash[:]), fmt.Sprintf("%x", hash)} {
		if gate().Proves(guess) {
			t.Errorf("%q passes for the secret", guess)
		}
	}
	if !gate().Proves(secret) {
		t.Error("the secret does not pass")
	}
}

func TestOnlyTheOwnersTokenIsAdmitted(t *testing.T) {
	g := gate()
	for _, token := range []string{"", "token", secret} {
		if g.Admit(token) != Unclaimed {
			t.Errorf("%q is admitted before the claim", token)
		}
	}
	if err := g.Claim(handover("a", "token", map[string]string{"B": "2", "A": "1=1"})); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "toke", "tokens", "Token", secret} {
		if g.Admit(token) != Denied {
			t.Errorf("%q is admitted", token)
		}
	}
	if g.Admit("token") != Admitted {
		t.Error("the owner is refused")
	}
	if got := g.Variables(); !slices.Equal(got, []string{"A=1=1", "B=2"}) {
		t.Errorf("variables %q", got)
	}
}

func TestClaimWithoutTokenOpens(t *testing.T) {
	g := gate()
	if err := g.Claim(Handover{ID: "a"}); err != nil || g.Admit("") != Admitted || g.Admit("x") != Admitted {
		t.Errorf("%v", err)
	}
}

func TestSecondClaim(t *testing.T) {
	g := gate()
	first := handover("a", "token", map[string]string{"A": "1", "B": "2"})
	empty := ""
	if err := g.Claim(first); err != nil {
		t.Fatal(err)
	}
	if err := g.Claim(handover("a", "token", map[string]string{"B": "2", "A": "1"})); err != nil {
		t.Errorf("the same claim again: %v", err)
	}
	for what, other := range map[string]Handover{
		"another id":       handover("b", "token", first.Variables),
		"another token":    handover("a", "other", first.Variables),
		"no token":         {ID: "a", Variables: first.Variables},
		"an empty token":   {ID: "a", Token: &empty, Variables: first.Variables},
		"another variable": handover("a", "token", map[string]string{"A": "1"}),
	} {
		if err := g.Claim(other); !errors.Is(err, ErrTaken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if id, _ := g.Owner(); id != "a" || g.Admit("token") != Admitted {
		t.Error("the owner has changed")
	}
}

func TestOneOfManyClaimsWins(t *testing.T) {
	g := gate()
	var won atomic.Int64
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if g.Claim(handover(fmt.Sprint("id-", i), fmt.Sprint("token-", i), nil)) == nil {
				won.Add(1)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d claims won", won.Load())
	}
}
