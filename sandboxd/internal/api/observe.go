package api

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
)

// requestIDHeader carries a name for one request: the client's if it sent one, so that its logs and these can be laid
// side by side, and a random one otherwise. The answer repeats it.
const requestIDHeader = "X-Request-Id"

// traceparent is how W3C Trace Context names a trace (https://www.w3.org/TR/trace-context/#traceparent-header): version, trace,
// span, flags, and in versions to come more behind them.
var traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// traceOf is the trace that a request is a part of; empty if its header does not say so. The server makes no spans of its own.
func traceOf(header string) string {
	parts := traceparent.FindStringSubmatch(header)
	if parts == nil || parts[1] == "ff" || parts[1] == "00" && parts[4] != "" ||
		strings.Trim(parts[2], "0") == "" || strings.Trim(parts[3], "0") == "" {
		return ""
	}
	return parts[2]
}

// begin names a request and returns what is to be called once it is answered: it counts it and logs one line.
func (a *API) begin(r *http.Request, answer http.Header) func(*recorder) {
	started, count := time.Now(), a.counters.Begin()
	id := r.Header.Get(requestIDHeader)
	if !validSession(id) {
		id = proc.Random()
	}
	answer.Set(requestIDHeader, id)
	return func(out *recorder) {
		took := time.Since(started)
		// Asked again rather than carried along, so that a request that was refused counts for the route it was meant for.
		_, pattern := a.mux.Handler(r)
		method, route, _ := strings.Cut(pattern, " ")
		count(method, route, out.status, took)
		fields := []any{"request_id", id, "method", r.Method, "path", r.URL.Path, "route", route,
			"status", out.status, "bytes", out.bytes, "ms", took.Milliseconds()}
		if trace := traceOf(r.Header.Get("Traceparent")); trace != "" {
			fields = append(fields, "trace_id", trace)
		}
		a.log.Info("request", fields...)
	}
}

// Metrics serves GET /metrics and nothing else, for a listener of its own: who may read numbers need not be allowed to
// run commands.
func (a *API) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit))
		w.Header().Set("Content-Type", metrics.ContentType)
		_ = a.counters.Write(w, metrics.State{
			Version: a.version, Started: a.started,
			ShellSessions: a.shell.Sessions(), BashSessions: a.bash.Sessions(), MaxSessions: a.settings.MaxSessions,
			RunningCommands: a.Running(), MaxCommands: a.settings.MaxCommands,
		})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.admitted(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}
