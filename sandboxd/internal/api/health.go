package api

import "net/http"

// health answers the probes of the kubelet: without token, claim or log, and from memory alone. It tells whether the
// request was one.
func (a *API) health(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.URL.Path {
	case "/livez":
	case "/readyz":
		if a.slots.Draining() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return true
		}
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
	return true
}
