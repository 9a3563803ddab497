package registries

import (
	"reflect"
	"testing"
)

func TestHosts(t *testing.T) {
	hosts, ignored, err := Hosts([]byte(`
mirrors:
  docker.io: { endpoint: ["https://mirror.example.com", "https://cache.example.com/v2/hub"], rewrite: { "^a": b } }
  "127.0.0.1:5000": { endpoint: ["http://registry:5000"] }
  "*": { endpoint: ["https://mirror.example.com/"] }
configs:
  mirror.example.com: { auth: { username: a } }
`))
	if err != nil {
		t.Fatal(err)
	}
	const pull = "\n  capabilities = [\"pull\", \"resolve\"]\n"
	want := map[string]string{
		"docker.io": `[host."https://mirror.example.com"]` + pull +
			`[host."https://cache.example.com/v2/hub"]` + pull + "  override_path = true\n",
		"127.0.0.1:5000": `[host."http://registry:5000"]` + pull,
		"_default":       `[host."https://mirror.example.com/"]` + pull,
	}
	if !reflect.DeepEqual(hosts, want) {
		t.Errorf("got %q, want %q", hosts, want)
	}
	if want := []string{"configs: mirror.example.com", "mirrors: docker.io: rewrite"}; !reflect.DeepEqual(ignored, want) {
		t.Errorf("ignored %q, want %q", ignored, want)
	}
}

func TestWhatIsNoMirror(t *testing.T) {
	for _, bad := range []string{
		"mirrors: [docker.io]",
		`mirrors: { docker.io: { endpoint: ["mirror.example.com"] } }`,
		`mirrors: { docker.io: { endpoint: ["ftp://mirror.example.com"] } }`,
		`mirrors: { "../docker.io": { endpoint: ["https://mirror.example.com"] } }`,
		`mirrors: { "..": { endpoint: ["https://mirror.example.com"] } }`,
	} {
		if hosts, _, err := Hosts([]byte(bad)); err == nil {
			t.Errorf("%s was taken: %q", bad, hosts)
		}
	}
	if hosts, ignored, err := Hosts(nil); err != nil || len(hosts)+len(ignored) > 0 {
		t.Errorf("an empty file: got %v, %v, %v", hosts, ignored, err)
	}
}
