package api

import (
	"net/http"
	"syscall"
	"time"

	"sandlot.dev/sandboxd/internal/bash"
)

// defaultOutputChars is what bash/exec returns of each stream when the request does not say.
const defaultOutputChars = 50_000

var bashMessages = map[bash.Status]string{
	bash.Running:   "Command is running",
	bash.Completed: "Command executed",
	bash.TimedOut:  "Command was killed at its hard timeout",
	bash.Killed:    "Command was killed",
}

var signals = map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL, "SIGINT": syscall.SIGINT}

func (a *API) bashExec(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	options := bash.ExecOptions{
		Command: b.command("command"), SessionID: b.session("session_id", false), Folder: b.folder("exec_dir"),
		Env: b.variables("env"), Async: b.flag("async_mode", false), Wait: b.seconds("timeout"), Hard: b.seconds("hard_timeout"),
		MaxChars: b.count("max_output_length", defaultOutputChars, 0, 1<<31),
	}
	if refused(w, b) {
		return
	}
	result, err := a.bash.Exec(r.Context(), options)
	if err != nil {
		failed(w, err)
		return
	}
	hint := ""
	if result.Status == bash.Running {
		hint = "the command goes on: read it with /v1/bash/output or end it with /v1/bash/kill"
	}
	done(w, bashMessages[result.Status], result, hint)
}

func (a *API) bashOutput(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	options := bash.OutputOptions{SessionID: b.session("session_id", true), CommandID: b.text("command_id")}
	if n := b.integer("offset", 0, 1<<53); n != nil {
		options.Offset = *n
	}
	if n := b.integer("stderr_offset", 0, 1<<53); n != nil {
		options.StderrOffset = *n
	}
	limit := b.seconds("wait_timeout")
	if b.flag("wait", false) {
		if limit == 0 {
			limit = 30 * time.Second
		}
		options.Wait = limit
	}
	if refused(w, b) {
		return
	}
	result, err := a.bash.Output(r.Context(), options)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, bashMessages[result.Status], result, "")
}

func (a *API) bashKill(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id, name := b.session("session_id", true), b.choice("signal", "SIGTERM", "SIGTERM", "SIGKILL", "SIGINT")
	if refused(w, b) {
		return
	}
	count, err := a.bash.Kill(id, signals[name])
	if err != nil {
		failed(w, err)
		return
	}
	done(w, name+" sent to "+digits(int64(count))+" running commands", nil, "")
}

func (a *API) bashCreate(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id, folder := b.session("session_id", false), b.folder("exec_dir")
	if b.text("snapshot_path") != "" {
		b.wrong("snapshot_path", "value_error", "Snapshots are not supported: leave it out, and source the file in the command")
	}
	if refused(w, b) {
		return
	}
	session, err := a.bash.Create(id, folder)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, "Session ready", session, "")
}

func (a *API) bashClose(w http.ResponseWriter, r *http.Request) {
	if err := a.bash.Close(r.PathValue("id")); err != nil {
		failed(w, err)
		return
	}
	done(w, "Session closed", nil, "")
}

func (a *API) bashSessions(w http.ResponseWriter, _ *http.Request) {
	done(w, "Active sessions", a.bash.List(), "")
}
