package config

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRenderSeparatesFlagsFromFiles(t *testing.T) {
	flags, files := Render(map[string]string{"PORT": "7443", "AGENT": "/agent", "DATA": "/data", "NODE": "n"})
	if !slices.Contains(flags["kube-apiserver"], "--secure-port=7443") {
		t.Errorf("the API server's port is missing from %v", flags["kube-apiserver"])
	}
	for _, component := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "metrics-server"} {
		for _, flag := range flags[component] {
			if !strings.HasPrefix(flag, "--") {
				t.Errorf("%s: %q is no flag", component, flag)
			}
		}
	}
	if !slices.ContainsFunc(files, func(f File) bool { return f.Path == "/agent/etc/kubelet.yaml" }) {
		t.Error("the kubelet's configuration is missing")
	}
}

// A dollar sign in a file that is no placeholder would be swallowed.
func TestOnlyKnownPlaceholders(t *testing.T) {
	known := []string{"PORT", "IP", "SERVICES", "PODS", "NODE_PODS", "TLS", "CRED", "AGENT", "DATA", "NODE", "SOCK", "DNS", "RESOLV", "METRICS_PORT", "CA"}
	for _, m := range regexp.MustCompile(`\$\{?(\w*)\}?`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("unknown placeholder %q", m[0])
		}
	}
}
