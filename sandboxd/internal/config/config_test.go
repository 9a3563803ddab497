package config

import (
	"slices"
	"strings"
	"testing"
)

func TestFromEnv(t *testing.T) {
	folder := t.TempDir()
	get := func(extra map[string]string) func(string) string {
		return func(name string) string {
			if value, ok := extra[name]; ok {
				return value
			}
			return map[string]string{"SANDBOXD_HOME": folder}[name]
		}
	}
	c, err := FromEnv(get(map[string]string{
		"SANDBOXD_MAX_BODY": "5", "SANDBOXD_GRACE_SECONDS": "7", "SANDBOXD_DRAIN_SECONDS": "0",
		"SANDBOXD_CLAIM_SHA256": strings.Repeat("aB", 32),
	}))
	if err != nil || c.MaxBody != 5 || c.Drain != 0 || len(c.ClaimHash) != 32 || c.Grace.Seconds() != 7 || c.Workspace != folder {
		t.Errorf("%+v, %v", c, err)
	}
	for name, value := range map[string]string{
		"SANDBOXD_MAX_READ": "1M", "SANDBOXD_MAX_BODY": "0", "SANDBOXD_DRAIN_SECONDS": "-1", "SANDBOXD_HOME": "/nope",
		"SANDBOXD_WORKSPACE": "x", "SANDBOXD_CLAIM_SHA256": strings.Repeat("ab", 31) + "xx",
	} {
		if _, err := FromEnv(get(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestAllowed(t *testing.T) {
	hosts, err := allowedHosts(" Sandbox.example.com., *.svc.corp.example,")
	if err != nil || !slices.Equal(hosts, []string{"sandbox.example.com", "*.svc.corp.example"}) {
		t.Errorf("%q, %v", hosts, err)
	}
	origins, err := allowedOrigins("HTTPS://Agent.example.com:443, http://localhost:3000,http://[::1]:3000,https://x:8443")
	if err != nil || !slices.Equal(origins,
		[]string{"https://agent.example.com", "http://localhost:3000", "http://[::1]:3000", "https://x:8443"}) {
		t.Errorf("%q, %v", origins, err)
	}
	for _, value := range []string{"*", "*.", "http://a.example", "a.example:80", "a.*.example", "a b", "a..b"} {
		if _, err := allowedHosts(value); err == nil || !strings.Contains(err.Error(), "SANDBOXD_ALLOWED_HOSTS") {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, value := range []string{"*", "null", "a.example", "https://", "https://a/", "https://*.a.example", "https://u@a", "https://a?b"} {
		if _, err := allowedOrigins(value); err == nil || !strings.Contains(err.Error(), "SANDBOXD_ALLOWED_ORIGINS") {
			t.Errorf("%s: %v", value, err)
		}
	}
}
