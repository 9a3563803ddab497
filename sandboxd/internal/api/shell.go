package api

import (
	"net/http"
	"time"

	"sandlot.dev/sandboxd/internal/shell"
)

// defaultWait is how long shell/wait waits when the request does not say.
const defaultWait = 30 * time.Second

type shellResult struct {
	SessionID string         `json:"session_id"`
	Command   string         `json:"command"`
	Status    shell.Status   `json:"status"`
	Output    string         `json:"output"`
	Console   []shell.Record `json:"console"`
	ExitCode  *int           `json:"exit_code"`
}

func (a *API) shellAnswer(r shell.Result, truncate bool) shellResult {
	if truncate {
		r.Output = a.shell.Shorten(r.Output)
		for i := range r.Console {
			r.Console[i].Output = a.shell.Shorten(r.Console[i].Output)
		}
	}
	return shellResult{r.SessionID, r.Command, r.Status, r.Output, r.Console, r.ExitCode}
}

var shellMessages = map[shell.Status]string{
	shell.Running:     "Command is running",
	shell.Completed:   "Command executed",
	shell.NoChange:    "Command gave no new output for a while and is still running",
	shell.HardTimeout: "Command was stopped at its hard timeout",
	shell.Terminated:  "Command was terminated",
}

func (a *API) shellExec(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	options := shell.ExecOptions{
		Command: b.command("command"), ID: b.session("id", false), Folder: b.folder("exec_dir"),
		Strict: b.flag("strict", false), PreserveSymlinks: b.flag("preserve_symlinks", false),
		Async: b.flag("async_mode", false), Wait: b.seconds("timeout"), NoChange: b.seconds("no_change_timeout"),
		Hard: b.seconds("hard_timeout"),
	}
	truncate := b.flag("truncate", true)
	if refused(w, b) {
		return
	}
	result, err := a.shell.Exec(r.Context(), options)
	if err != nil {
		failed(w, err)
		return
	}
	hint := ""
	if result.Status == shell.Running || result.Status == shell.NoChange {
		hint = "the command goes on: see /v1/shell/view, wait with /v1/shell/wait, answer it with /v1/shell/write or end it with /v1/shell/kill"
	}
	done(w, shellMessages[result.Status], a.shellAnswer(result, truncate), hint)
}

func (a *API) shellView(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id := b.session("id", true)
	if refused(w, b) {
		return
	}
	result, err := a.shell.View(id)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, "Session content", a.shellAnswer(result, true), "")
}

func (a *API) shellWait(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id, limit := b.session("id", true), b.seconds("seconds")
	if most := b.seconds("max_wait_seconds"); most > 0 && (limit == 0 || most < limit) {
		limit = most
	}
	if refused(w, b) {
		return
	}
	if limit == 0 {
		limit = defaultWait
	}
	status, err := a.shell.Wait(r.Context(), id, limit)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, shellMessages[status], map[string]any{"status": status}, "")
}

func (a *API) shellWrite(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id, input := b.session("id", true), b.required("input")
	if _, given := b.fields["press_enter"]; b.ok() && !given {
		b.wrong("press_enter", "missing", "Field required")
	}
	enter := b.flag("press_enter", false)
	if refused(w, b) {
		return
	}
	if enter {
		input += "\n"
	}
	status, err := a.shell.Write(id, input)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, "Input written", map[string]any{"status": status}, "")
}

func (a *API) shellKill(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id := b.session("id", true)
	if refused(w, b) {
		return
	}
	status, code, err := a.shell.Kill(id)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, shellMessages[status], map[string]any{"status": status, "exit_code": code, "returncode": code}, "")
}

func (a *API) shellCreate(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	options := shell.CreateOptions{
		ID: b.session("id", false), Folder: b.folder("exec_dir"), NoChange: b.seconds("no_change_timeout"),
		PreserveSymlinks: b.flag("preserve_symlinks", false),
	}
	if refused(w, b) {
		return
	}
	session, folder, err := a.shell.Create(options)
	if err != nil {
		failed(w, err)
		return
	}
	done(w, "Session ready", map[string]string{"session_id": session.ID, "working_dir": folder}, "")
}

func (a *API) shellUpdate(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	id, noChange := b.session("id", true), b.seconds("no_change_timeout")
	if refused(w, b) {
		return
	}
	if err := a.shell.Update(id, noChange); err != nil {
		failed(w, err)
		return
	}
	done(w, "Session updated", nil, "")
}

func (a *API) shellSessions(w http.ResponseWriter, _ *http.Request) {
	done(w, "Active sessions", map[string]any{"sessions": a.shell.List()}, "")
}

func (a *API) shellDelete(w http.ResponseWriter, r *http.Request) {
	if err := a.shell.Delete(r.PathValue("id")); err != nil {
		failed(w, err)
		return
	}
	done(w, "Session deleted", nil, "")
}

func (a *API) shellDeleteAll(w http.ResponseWriter, _ *http.Request) {
	done(w, digits(int64(a.shell.DeleteAll()))+" sessions deleted", nil, "")
}
