// Package registries reads k3s' registries.yaml: from where images are pulled instead of from the registry in their name
// (https://docs.k3s.io/installation/private-registry).
package registries

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// file is the part that is served: endpoints, which need neither credentials nor certificates of their own.
type file struct {
	Mirrors map[string]struct {
		Endpoint []string       `json:"endpoint"`
		Rewrite  map[string]any `json:"rewrite"`
	} `json:"mirrors"`
	Configs map[string]any `json:"configs"`
}

// Hosts is containerd's hosts.toml for each registry, by the name of its folder
// (https://github.com/containerd/containerd/blob/main/docs/hosts.md). When no endpoint has an image, the registry itself is
// asked. Ignored are the parts of the file that k3s would heed.
func Hosts(content []byte) (hosts map[string]string, ignored []string, err error) {
	var f file
	if err := yaml.Unmarshal(content, &f); err != nil {
		return nil, nil, err
	}
	hosts = map[string]string{}
	for registry, mirror := range f.Mirrors {
		if strings.ContainsAny(registry, "/\\") || registry == "" || strings.HasPrefix(registry, ".") {
			return nil, nil, fmt.Errorf("mirrors: %q is not a registry's host, such as docker.io", registry)
		}
		text := ""
		for _, endpoint := range mirror.Endpoint {
			u, err := url.Parse(endpoint)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return nil, nil, fmt.Errorf("mirrors: %s: endpoint %q is not a URL that starts with http:// or https://", registry, endpoint)
			}
			text += fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", endpoint)
			if strings.Trim(u.Path, "/") != "" {
				text += "  override_path = true\n" // the path is whole: /v2 is in it
			}
		}
		if len(mirror.Rewrite) > 0 {
			ignored = append(ignored, "mirrors: "+registry+": rewrite")
		}
		folder := registry
		if registry == "*" {
			folder = "_default"
		}
		hosts[folder] = text
	}
	for registry := range f.Configs {
		ignored = append(ignored, "configs: "+registry)
	}
	slices.Sort(ignored)
	return hosts, ignored, nil
}
