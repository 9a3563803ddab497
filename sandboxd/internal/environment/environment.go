// Package environment says which variables commands start with.
package environment

import (
	"os"
	"strings"
)

// Base is the server's own environment without what is the server's business, and with a terminal that asks programs for
// plain output.
func Base(home string) []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		// The kubelet tells every container where the API server is; what runs here has no business there.
		case strings.HasPrefix(name, "KUBERNETES_"):
		case Reserved(name), name == "HOME", name == "TERM", name == "PWD", name == "OLDPWD":
		default:
			env = append(env, entry)
		}
	}
	env = append(env, "HOME="+home, "TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat", "MANPAGER=cat")
	if os.Getenv("LANG") == "" && os.Getenv("LC_ALL") == "" {
		env = append(env, "LANG=C.UTF-8")
	}
	return env
}

// Reserved tells whether a name is one of the server's own settings or marks.
func Reserved(name string) bool { return strings.HasPrefix(name, "SANDBOXD_") }

// ValidName tells whether a shell can use a variable of that name.
func ValidName(name string) bool {
	for i, r := range name {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return name != ""
}
