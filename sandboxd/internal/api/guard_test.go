package api

import "testing"

func TestHostAllowed(t *testing.T) {
	extra := []string{"sandbox.example.com", "*.svc.corp.example"}
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1:8080", "10.42.0.7:8080", "[::1]:8080", "[::1]", "[fe80::1%25eth0]:8080",
		"localhost", "localhost:8080", "LOCALHOST:8080", "sandbox", "sandbox:8080", "deer_flow-sandbox-1:8080",
		"sandbox.sandlot.svc", "sandbox.sandlot.svc:8080", "sandbox.sandlot.svc.cluster.local:8080",
		"Sandbox.Sandlot.svc.cluster.local.:8080", "host.docker.internal:8080",
		"sandbox.example.com", "SANDBOX.example.com:443", "sandbox.sandlot.svc.corp.example:8080",
	} {
		if !hostAllowed(host, extra) {
			t.Errorf("%s is refused", host)
		}
	}
	for _, host := range []string{
		"", ":8080", ".", "evil.example", "evil.example:8080", "evil.example.", "127.0.0.1.evil.example", "localhost.evil.example",
		"a.svc.evil.example", "a.svc.cluster.local.evil.example", "cluster.local.evil.example", "evilcluster.local",
		"host.docker.internal.evil.example", "evil.host.docker.internal", "evil.sandbox.example.com", "svc.corp.example",
		"evil-svc.corp.example", "127.0.0.1:8080:80", "[evil.example]:8080", "a b", "evil.example/.svc", "evil.example#.svc", "x@.svc",
		".svc", ".cluster.local", "localhost:http", "[::1].evil.example",
	} {
		if hostAllowed(host, extra) {
			t.Errorf("%s is admitted", host)
		}
	}
}
