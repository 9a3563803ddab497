package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// hostName is a name as DNS and Docker allow it, in lower case and without the last dot.
var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// HostName tells whether a text can be the name of a host.
func HostName(name string) bool { return len(name) <= 253 && hostName.MatchString(name) }

// allowedHosts reads SANDBOXD_ALLOWED_HOSTS: names, or "*." and the end of names.
func allowedHosts(value string) ([]string, error) {
	var hosts []string
	for _, item := range items(value) {
		host := strings.ToLower(strings.TrimSuffix(item, "."))
		if !HostName(strings.TrimPrefix(host, "*.")) {
			return nil, fmt.Errorf("SANDBOXD_ALLOWED_HOSTS has %q; it must be names without scheme and port, separated by commas, "+
				"such as sandbox.example.com or *.svc.example.com", item)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

// allowedOrigins reads SANDBOXD_ALLOWED_ORIGINS, as browsers write origins: in lower case, without a default port.
func allowedOrigins(value string) ([]string, error) {
	var origins []string
	for _, item := range items(value) {
		origin, err := url.Parse(strings.ToLower(item))
		if err != nil || origin.Scheme == "" || origin.Hostname() == "" || strings.Contains(origin.Host, "*") ||
			origin.Scheme+"://"+origin.Host != strings.ToLower(item) {
			return nil, fmt.Errorf("SANDBOXD_ALLOWED_ORIGINS has %q; it must be origins (scheme, host and port, no path, no *), "+
				"separated by commas, such as https://agent.example.com or http://localhost:3000", item)
		}
		if port := map[string]string{"http": ":80", "https": ":443"}[origin.Scheme]; port != "" {
			origin.Host = strings.TrimSuffix(origin.Host, port)
		}
		origins = append(origins, origin.Scheme+"://"+origin.Host)
	}
	return origins, nil
}

func items(value string) []string {
	var list []string
	for _, item := range strings.Split(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
