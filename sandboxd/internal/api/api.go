// Package api is the HTTP face of sandboxd: routes, envelopes and error shapes of the AIO sandbox API.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"sandlot.dev/sandboxd/internal/bash"
	"sandlot.dev/sandboxd/internal/claim"
	"sandlot.dev/sandboxd/internal/config"
	"sandlot.dev/sandboxd/internal/environment"
	"sandlot.dev/sandboxd/internal/files"
	"sandlot.dev/sandboxd/internal/info"
	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
	"sandlot.dev/sandboxd/internal/shell"
)

// writeLimit is how long a client may take to accept an answer, or a part of a download.
const writeLimit = time.Minute

// API answers requests. Make one with New.
type API struct {
	settings config.Config
	version  string
	log      *slog.Logger
	mux      *http.ServeMux
	gate     *claim.Gate
	slots    *proc.Slots
	counters *metrics.Counters
	started  time.Time
	activity activity
	shell    *shell.Manager
	bash     *bash.Manager
	files    files.Store
	info     *info.Reader
}

// New wires the routes.
func New(settings config.Config, table *proc.Table, version string, log *slog.Logger) *API {
	slots, gate := proc.NewSlots(settings.MaxCommands), claim.NewGate(settings.ClaimHash)
	counters := &metrics.Counters{}
	env := func() []string {
		// What the owner brought comes later, so that it wins.
		return append(environment.Base(settings.Home), gate.Variables()...)
	}
	a := &API{
		settings: settings, version: version, log: log, mux: http.NewServeMux(), gate: gate, slots: slots,
		counters: counters, started: time.Now(),
		shell: shell.NewManager(settings, table, slots, counters, env),
		bash:  bash.NewManager(settings, table, slots, counters, env),
		files: files.Store{Settings: settings},
		info:  info.NewReader(settings.Detail, settings.Home, settings.Workspace),
	}
	uploads := newUploads(settings.MaxBody, settings.BodyTimeout)
	routes := map[string]http.HandlerFunc{
		"GET /v1/sandbox":                   a.sandbox,
		"POST /v1/shell/exec":               a.shellExec,
		"POST /v1/shell/view":               a.shellView,
		"POST /v1/shell/wait":               a.shellWait,
		"POST /v1/shell/write":              a.shellWrite,
		"POST /v1/shell/kill":               a.shellKill,
		"POST /v1/shell/sessions/create":    a.shellCreate,
		"POST /v1/shell/sessions/update":    a.shellUpdate,
		"GET /v1/shell/sessions":            a.shellSessions,
		"DELETE /v1/shell/sessions":         a.shellDeleteAll,
		"DELETE /v1/shell/sessions/{id}":    a.shellDelete,
		"POST /v1/bash/exec":                a.bashExec,
		"POST /v1/bash/output":              a.bashOutput,
		"POST /v1/bash/kill":                a.bashKill,
		"POST /v1/bash/sessions/create":     a.bashCreate,
		"POST /v1/bash/sessions/{id}/close": a.bashClose,
		"GET /v1/bash/sessions":             a.bashSessions,
		"POST /v1/file/read":                a.fileRead,
		"POST /v1/file/write":               uploads.inTurn(a.fileWrite),
		"POST /v1/file/find":                a.fileFind,
		"POST /v1/file/list":                a.fileList,
		"POST /v1/file/grep":                a.fileGrep,
		"GET /v1/file/download":             a.fileDownload,
		"GET " + activityPath:               a.showActivity,
	}
	if gate.Guarded() {
		routes["GET "+claimPath], routes["POST "+claimPath] = a.showClaim, a.claim
	}
	for pattern, handler := range routes {
		a.mux.HandleFunc(pattern, handler)
	}
	return a
}

// Prepare does ahead what the first command would wait for.
func (a *API) Prepare() error { return a.shell.Prepare() }

// Drain fails the readiness probe and lets no command or session begin from here on. The channel is closed when no
// command runs.
func (a *API) Drain() <-chan struct{} { return a.slots.Drain() }

// Running counts the commands that have not ended.
func (a *API) Running() int {
	running, _ := a.slots.Usage()
	return running
}

// Close ends all commands and sessions: politely, and after the grace for good. Drain comes before it.
func (a *API) Close(grace time.Duration) {
	asked := a.shell.Terminate() + a.bash.Terminate()
	for deadline := time.Now().Add(grace); asked > 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		if a.bash.Running() == 0 && a.shell.Members() == 0 {
			break
		}
	}
	var group sync.WaitGroup
	group.Go(func() { a.shell.DeleteAll() })
	group.Go(a.bash.KillAll)
	group.Wait()
}

// recorder remembers what was answered, for the log and the metrics.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// ServeHTTP answers one request, counts it and logs one line about it; never a body, a query or a variable.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.health(w, r) {
		return
	}
	answered := a.begin(r, w.Header())
	out := &recorder{ResponseWriter: w}
	defer func() {
		failure := recover()
		if failure == http.ErrAbortHandler {
			answered(out)
			panic(failure)
		}
		if failure != nil {
			a.log.Error("internal error", "request_id", w.Header().Get(requestIDHeader), "error", fmt.Sprint(failure),
				"stack", string(debug.Stack()))
			if out.status == 0 {
				fail(out, http.StatusInternalServerError, "internal error; the sandbox's log has the details")
			}
		}
		answered(out)
	}()
	r.Body = http.MaxBytesReader(w, r.Body, a.settings.MaxBody)
	if !a.admitted(out, r) || allowPage(out, r) || !a.permitted(out, r) {
		return
	}
	if r.URL.Path != claimPath && r.URL.Path != activityPath {
		a.activity.begin()
		defer a.activity.end()
	}
	handler, pattern := a.mux.Handler(r)
	if pattern == "" {
		a.unrouted(out, r, handler)
		return
	}
	if jsonBody(out, r) {
		a.mux.ServeHTTP(out, r)
	}
}

// unrouted says in JSON what the mux says in text: 404 or 405 with the methods allowed.
func (a *API) unrouted(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	probe := &discard{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		detail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	detail(w, http.StatusNotFound, "Not Found")
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

type envelope struct {
	Success bool    `json:"success"`
	Message string  `json:"message"`
	Data    any     `json:"data"`
	Hint    *string `json:"hint"`
}

func send(w http.ResponseWriter, status int, value any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
}

// done answers success. hint is empty, or a remark for the agent.
func done(w http.ResponseWriter, message string, data any, hint string) {
	e := envelope{Success: true, Message: message, Data: data}
	if hint != "" {
		e.Hint = &hint
	}
	send(w, http.StatusOK, e)
}

func fail(w http.ResponseWriter, status int, message string) {
	send(w, status, envelope{Message: message})
}

// detail answers as routes do that have no envelope.
func detail(w http.ResponseWriter, status int, message string) {
	send(w, status, map[string]string{"detail": message})
}

// refused answers a body that cannot be used, and tells whether it did.
func refused(w http.ResponseWriter, b *body) bool {
	if b.tooBig {
		detail(w, http.StatusRequestEntityTooLarge, "the request body is too large")
		return true
	}
	if len(b.issues) > 0 {
		send(w, http.StatusUnprocessableEntity, map[string]any{"detail": b.issues})
		return true
	}
	return false
}

// failed answers an error of a session, a command or a file.
func failed(w http.ResponseWriter, err error) {
	var file *files.Error
	var busy *shell.BusyError
	var shellFolder *shell.FolderError
	var bashFolder *bash.FolderError
	switch {
	case errors.As(err, &file):
		send(w, http.StatusOK, envelope{Message: file.Message, Data: file})
	case errors.Is(err, shell.ErrUnknown), errors.Is(err, bash.ErrUnknown), errors.Is(err, bash.ErrUnknownCommand):
		fail(w, http.StatusNotFound, err.Error())
	case errors.As(err, &busy), errors.Is(err, shell.ErrIdle), errors.Is(err, shell.ErrUnread), errors.Is(err, shell.ErrClosed):
		fail(w, http.StatusConflict, err.Error())
	case errors.As(err, &shellFolder), errors.As(err, &bashFolder):
		fail(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, syscall.E2BIG):
		fail(w, http.StatusRequestEntityTooLarge, err.Error()+": a command or a variable takes less than 128 KiB; write it to a file")
	case errors.Is(err, proc.ErrDraining):
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, shell.ErrTooMany), errors.Is(err, proc.ErrBusy):
		fail(w, http.StatusTooManyRequests, err.Error())
	default:
		fail(w, http.StatusInternalServerError, err.Error())
	}
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }
