package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"sandlot.dev/sandboxd/internal/config"
)

// A web page in a browser of the machine that publishes the API can send it requests. The guard refuses them by what no
// page can change: `Origin` is on every POST and DELETE of a browser, `Sec-Fetch-Site` on what is sent to this machine
// without it (images, links), and `Host` is the page's own name when that name was pointed here later (DNS rebinding).

// admitted answers what may not come in, and tells whether the request may go on.
func (a *API) admitted(w http.ResponseWriter, r *http.Request) bool {
	if !hostAllowed(r.Host, a.settings.AllowedHosts) {
		fail(w, http.StatusForbidden, fmt.Sprintf("the request is for the host %q, which is no address, no name without a dot and "+
			"no name of a cluster; if clients call the sandbox so, name it in SANDBOXD_ALLOWED_HOSTS", r.Host))
		return false
	}
	origins := r.Header.Values("Origin")
	for _, origin := range origins {
		if !slices.Contains(a.settings.AllowedOrigins, strings.ToLower(origin)) {
			fail(w, http.StatusForbidden, fmt.Sprintf("the request comes from a web page of %q; pages may not use a sandbox "+
				"unless their origin is in SANDBOXD_ALLOWED_ORIGINS", origin))
			return false
		}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if len(origins) == 0 && site != "" && site != "same-origin" && site != "none" {
		fail(w, http.StatusForbidden, fmt.Sprintf("the request comes from another web page (Sec-Fetch-Site is %q); pages may "+
			"not use a sandbox unless they send an Origin that is in SANDBOXD_ALLOWED_ORIGINS", site))
		return false
	}
	return true
}

// allowPage tells the browser of an allowed page that it may read the answer. It tells whether that was all there is to
// do: browsers ask with OPTIONS before they send JSON.
func allowPage(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Add("Vary", "Origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	w.Header().Set("Access-Control-Allow-Headers", "authorization, content-type, x-sandbox-token")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// jsonBody refuses a POST whose body is not said to be JSON: the other types are those that a page may send without
// asking. No type at all is taken from programs (`kubectl create --raw` sends none), never from a browser, where an
// untyped Blob gives such a request.
func jsonBody(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || r.ContentLength == 0 {
		return true
	}
	given := strings.Join(r.Header.Values("Content-Type"), ", ")
	essence, _, _ := strings.Cut(given, ";")
	browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	if strings.EqualFold(strings.TrimSpace(essence), "application/json") || given == "" && !browser {
		return true
	}
	fail(w, http.StatusUnsupportedMediaType, fmt.Sprintf(
		"the body's Content-Type is %q; it must be application/json, so send the header \"Content-Type: application/json\"", given))
	return false
}

// clusterSuffixes end the names of Services. Nobody can register a name in them: .svc and .cluster.local are not domains
// of the internet. A cluster with another domain is named in SANDBOXD_ALLOWED_HOSTS, since *.svc.anything could be owned
// by anyone.
var clusterSuffixes = []string{".svc", ".cluster.local"}

// hostAllowed tells whether a Host header can be that of a legitimate client: an address, a name without a dot
// (localhost, a Service in its own namespace), a Service, Docker's name for the machine, or one of extra.
func hostAllowed(header string, extra []string) bool {
	name := header
	if host, port, err := net.SplitHostPort(header); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return false
		}
		name = host
	} else if inner, bracketed := strings.CutPrefix(header, "["); bracketed {
		name = strings.TrimSuffix(inner, "]")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !config.HostName(name) {
		return false
	}
	if !strings.Contains(name, ".") || name == "host.docker.internal" {
		return true
	}
	if slices.ContainsFunc(clusterSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) }) {
		return true
	}
	return slices.ContainsFunc(extra, func(pattern string) bool {
		if suffix, wildcard := strings.CutPrefix(pattern, "*"); wildcard {
			return strings.HasSuffix(name, suffix)
		}
		return name == pattern
	})
}
