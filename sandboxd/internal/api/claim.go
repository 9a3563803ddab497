package api

import (
	"fmt"
	"net/http"
	"strings"

	"sandlot.dev/sandboxd/internal/claim"
	"sandlot.dev/sandboxd/internal/environment"
)

const claimPath = "/v1/claim"

// What a claim may bring. Linux takes no variable longer than 128 KiB, and no more than 2 MiB with the arguments.
const (
	maxClaimBody      = 1 << 20
	maxVariables      = 256
	maxVariableBytes  = 128<<10 - 1
	maxVariablesBytes = 256 << 10
	minToken          = 16
	maxToken          = 512
)

// permitted answers calls to a sandbox that is not claimed yet or belongs to somebody else, and tells whether the request
// may go on. The claim itself shows another secret.
func (a *API) permitted(w http.ResponseWriter, r *http.Request) bool {
	if a.gate.Guarded() && r.URL.Path == claimPath {
		return true
	}
	switch a.gate.Admit(token(r)) {
	case claim.Unclaimed:
		fail(w, http.StatusConflict, "not claimed: this sandbox waits for its owner and takes no calls before that")
		return false
	case claim.Denied:
		unauthorized(w, "the sandbox's token is missing or wrong; send it as \"Authorization: Bearer\" or \"X-Sandbox-Token\"")
		return false
	}
	return true
}

// token is what the request shows: of the two headers the one that is meant for nothing else first.
func token(r *http.Request) string {
	if own := r.Header.Get("X-Sandbox-Token"); own != "" {
		return own
	}
	return bearer(r)
}

func bearer(r *http.Request) string {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(value)
}

func unauthorized(w http.ResponseWriter, message string) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	fail(w, http.StatusUnauthorized, message)
}

// proved answers a request to the claim routes that does not show the claim secret.
func (a *API) proved(w http.ResponseWriter, r *http.Request) bool {
	if a.gate.Proves(bearer(r)) {
		return true
	}
	unauthorized(w, "the claim secret is missing or wrong")
	return false
}

type claimData struct {
	Claimed bool    `json:"claimed"`
	ID      *string `json:"claim_id"`
}

func (a *API) claimState() claimData {
	id, claimed := a.gate.Owner()
	if !claimed {
		return claimData{}
	}
	return claimData{true, &id}
}

func (a *API) showClaim(w http.ResponseWriter, r *http.Request) {
	if a.proved(w, r) {
		done(w, "Claim", a.claimState(), "")
	}
}

func (a *API) claim(w http.ResponseWriter, r *http.Request) {
	if !a.proved(w, r) {
		return
	}
	if a.slots.Draining() {
		fail(w, http.StatusServiceUnavailable, "the sandbox is shutting down and cannot be claimed; take another")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxClaimBody)
	b := readBody(r)
	handover := claim.Handover{ID: b.required("claim_id"), Token: b.ownersToken("token"), Variables: b.ownersVariables()}
	if b.ok() && (len(handover.ID) == 0 || len(handover.ID) > 256) {
		b.wrong("claim_id", "value_error", "Input should have 1 to 256 bytes")
	}
	if refused(w, b) {
		return
	}
	if err := a.gate.Claim(handover); err != nil {
		fail(w, http.StatusConflict, err.Error())
		return
	}
	a.activity.add(0)
	done(w, "Sandbox claimed", a.claimState(), "")
}

// ownersToken reads a field that has to be given, so that a sandbox is never opened by a forgotten one; null opens it.
func (b *body) ownersToken(field string) *string {
	raw, given := b.fields[field]
	if b.ok() && !given {
		b.wrong(field, "missing", "Field required: a token, or null for a sandbox that asks for none")
	}
	if !given || string(raw) == "null" {
		return nil
	}
	value := b.text(field)
	visible := strings.IndexFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if !visible || len(value) < minToken || len(value) > maxToken {
		b.wrong(field, "value_error", fmt.Sprintf("Input should be %d to %d visible ASCII characters", minToken, maxToken))
	}
	return &value
}

// ownersVariables reads env and secrets. Their names may be told, their values never.
func (b *body) ownersVariables() map[string]string {
	all, size := map[string]string{}, 0
	for _, field := range []string{"env", "secrets"} {
		for name, value := range b.variables(field) {
			size += len(name) + len(value) + 2
			_, twice := all[name]
			switch {
			case !environment.ValidName(name):
				b.wrong(field, "value_error", fmt.Sprintf("%.64q is no name of a variable: letters, digits and _, not a digit first", name))
			case environment.Reserved(name):
				b.wrong(field, "value_error", fmt.Sprintf("%.64q is one of the server's own names", name))
			case twice:
				b.wrong(field, "value_error", fmt.Sprintf("%.64q is in env and in secrets; give it once", name))
			case len(name)+len(value)+1 > maxVariableBytes:
				b.wrong(field, "value_error", fmt.Sprintf("%.64q is longer than %d bytes, which no program could be given", name, maxVariableBytes))
			}
			all[name] = value
		}
	}
	if len(all) > maxVariables || size > maxVariablesBytes {
		b.wrong("env", "value_error", fmt.Sprintf("%d variables of %d bytes in all; at most %d variables and %d bytes fit",
			len(all), size, maxVariables, maxVariablesBytes))
	}
	return all
}
