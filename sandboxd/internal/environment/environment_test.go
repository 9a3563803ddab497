package environment

import (
	"slices"
	"testing"
)

func TestBase(t *testing.T) {
	t.Setenv("SANDBOXD_CLAIM_SHA256", "x")
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.43.0.1")
	t.Setenv("KEPT", "yes=1")
	t.Setenv("HOME", "/elsewhere")
	env := Base("/home/sandbox")
	for _, entry := range []string{"SANDBOXD_CLAIM_SHA256=x", "KUBERNETES_SERVICE_HOST=10.43.0.1", "HOME=/elsewhere"} {
		if slices.Contains(env, entry) {
			t.Errorf("%s reaches commands", entry)
		}
	}
	for _, entry := range []string{"KEPT=yes=1", "HOME=/home/sandbox", "TERM=dumb"} {
		if !slices.Contains(env, entry) {
			t.Errorf("%s is missing", entry)
		}
	}
}

func TestValidName(t *testing.T) {
	for _, name := range []string{"A", "_", "a_1", "PATH"} {
		if !ValidName(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", "1A", "A-B", "A B", "A=B", "É", "BASH_FUNC_x%%", "A\x00"} {
		if ValidName(name) {
			t.Errorf("%q is taken", name)
		}
	}
}
