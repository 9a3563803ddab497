package join

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var authority = []byte("-----BEGIN CERTIFICATE-----\n")

func TestTokens(t *testing.T) {
	full := NewToken(authority, "word")
	parsed, err := ParseToken(full.String() + "\n")
	if err != nil || parsed != full {
		t.Errorf("got %v, %v", parsed, err)
	}
	if !full.Trusts(authority) || full.Trusts([]byte("another")) {
		t.Error("a token in full must trust its own authority alone")
	}
	if short, err := ParseToken("word"); err != nil || short.Password != "word" || !short.Trusts(authority) {
		t.Errorf("a password alone: got %v, %v", short, err)
	}
	// k3s' own tokens name the user "server".
	if other, err := ParseToken("K10" + full.CAHash + "::server:word"); err != nil || other != full {
		t.Errorf("got %v, %v", other, err)
	}
	for _, bad := range []string{"", " \n", "K10::node:word", "K10" + full.CAHash, "K10" + full.CAHash + "::node:", "K10zz::node:word"} {
		if _, err := ParseToken(bad); err == nil {
			t.Errorf("%q was taken for a token", bad)
		}
	}
}

// issued is what the server was asked to sign, as "cn/org/addresses".
func server(issued *[]string) Server {
	return Server{
		Token: NewToken(authority, "word"), Authority: authority, OwnNode: "server", PodCIDR: "10.42.0.0/16",
		Sign: func(_ crypto.PublicKey, cn, org string, addresses ...net.IP) ([]byte, error) {
			names := []string{cn, org}
			for _, a := range addresses {
				names = append(names, a.String())
			}
			*issued = append(*issued, strings.Join(names, "/"))
			return []byte("certificate of " + cn), nil
		},
		Claim: func(node, password string) error {
			if password != "own" {
				return ErrPassword
			}
			return nil
		},
	}
}

func post(t *testing.T, password string, r Request) (*httptest.ResponseRecorder, []string) {
	t.Helper()
	var issued []string
	body, _ := json.Marshal(r)
	request := httptest.NewRequest(http.MethodPost, joinPath, strings.NewReader(string(body)))
	request.RemoteAddr = "172.18.0.3:4711"
	request.SetBasicAuth(user, password)
	recorder := httptest.NewRecorder()
	server(&issued).Handler().ServeHTTP(recorder, request)
	return recorder, issued
}

func goodRequest(t *testing.T) Request {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	body, err := requestFor("agent", "own", key)
	if err != nil {
		t.Fatal(err)
	}
	var r Request
	_ = json.Unmarshal(body, &r)
	return r
}

func TestNodeGetsItsCertificates(t *testing.T) {
	recorder, issued := post(t, "word", goodRequest(t))
	var reply Reply
	if err := json.Unmarshal(recorder.Body.Bytes(), &reply); err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("%d: %s", recorder.Code, recorder.Body)
	}
	want := "system:node:agent/system:nodes/172.18.0.3 system:kube-proxy/ system:k3s-controller/"
	if got := strings.Join(issued, " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if reply.Certificates[KubeProxy] != "certificate of system:kube-proxy" || reply.PodCIDR != "10.42.0.0/16" {
		t.Errorf("got %v", reply)
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		change func(*Request)
		want   int
	}{
		"another token":        {"wrong", func(*Request) {}, http.StatusUnauthorized},
		"no token":             {"", func(*Request) {}, http.StatusUnauthorized},
		"another's name":       {"word", func(r *Request) { r.Password = "guess" }, http.StatusForbidden},
		"no password":          {"word", func(r *Request) { r.Password = "" }, http.StatusBadRequest},
		"the server's name":    {"word", func(r *Request) { r.Node = "server" }, http.StatusBadRequest},
		"a name with a colon":  {"word", func(r *Request) { r.Node = "a:b" }, http.StatusBadRequest},
		"no name":              {"word", func(r *Request) { r.Node = "" }, http.StatusBadRequest},
		"no request":           {"word", func(r *Request) { r.CertificateRequest = "" }, http.StatusBadRequest},
		"a request of nothing": {"word", func(r *Request) { r.CertificateRequest = "-----BEGIN X-----\n-----END X-----\n" }, http.StatusBadRequest},
	} {
		r := goodRequest(t)
		c.change(&r)
		recorder, issued := post(t, c.token, r)
		if recorder.Code != c.want || len(issued) > 0 {
			t.Errorf("%s: got %d and %v, want %d and nothing signed: %s", name, recorder.Code, issued, c.want, recorder.Body)
		}
	}
}

func TestAuthorityIsHeldAgainstTheToken(t *testing.T) {
	var issued []string
	impostor := httptest.NewTLSServer(server(&issued).Handler())
	defer impostor.Close()
	if _, err := authorityOf(impostor.URL, NewToken([]byte("the real one"), "word")); err == nil || !strings.Contains(err.Error(), "another certificate authority") {
		t.Errorf("an impostor was trusted: %v", err)
	}
	if got, err := authorityOf(impostor.URL, NewToken(authority, "word")); err != nil || string(got) != string(authority) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestServerAddress(t *testing.T) {
	if got, err := address("https://sandlot-dev:6443"); err != nil || got != "https://sandlot-dev:9345" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{"", "sandlot-dev:6443", "http://sandlot-dev:6443"} {
		if _, err := address(bad); err == nil {
			t.Errorf("%q was taken for a URL", bad)
		}
	}
}
