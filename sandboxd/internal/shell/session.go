// Package shell keeps interactive bash sessions on pseudo-terminals: folder, variables and functions live on from
// one command to the next.
package shell

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
	"sandlot.dev/sandboxd/internal/text"
)

// maxRecords is how many finished commands a session remembers for its console.
const maxRecords = 20

// keptRecord is how much output a session remembers of each finished command but the last.
const keptRecord = 64 << 10

// Record is one command of a console.
type Record struct {
	Prompt  string `json:"ps1"`
	Command string `json:"command"`
	Output  string `json:"output"`
}

// Session is one bash. Its exported fields do not change once others know it.
type Session struct {
	ID      string
	Created time.Time

	manager  *Manager
	startDir string
	physical bool
	turn     chan struct{} // held by the request whose turn it is
	unasked  bool          // made for a command that named none; guarded by the manager's mutex

	mu       sync.Mutex
	noChange time.Duration
	folder   string
	used     time.Time
	current  *command
	records  []Record
	terminal *terminal
	process  *proc.Process
	scope    *proc.Scope
	pending  []byte
	closed   bool

	env    []string // what the bash was started with
	newEnv []string // what the bash has to learn with its next command, because its owner came later
}

// ErrClosed says that a session was deleted while a request waited for its turn.
var ErrClosed = errors.New("the session was deleted")

// launch starts the bash. The session's mutex is held.
func (s *Session) launch() error {
	settings := s.manager.settings
	cmd := exec.Command(settings.Shell, "--noprofile", "--rcfile", "/proc/self/fd/4", "--noediting", "-i")
	scope := proc.NewScope()
	folder := s.startDir
	if !proc.IsFolder(folder) {
		folder = "/"
	}
	cmd.Dir = folder
	s.env, s.newEnv = s.manager.env(), nil
	cmd.Env = append(slices.Clone(s.env), scope.Env(), "PWD="+folder)
	if s.physical {
		cmd.Args = append(cmd.Args, "-P")
	}
	terminal, startup, err := openTerminal(cmd)
	if err != nil {
		return fmt.Errorf("cannot open a terminal: %w", err)
	}
	process, err := s.manager.table.Start(cmd)
	startup.Close()
	if err != nil {
		terminal.close()
		return fmt.Errorf("cannot start %s: %w", settings.Shell, err)
	}
	scope.SetRoot(process.Pid)
	s.terminal, s.process, s.scope, s.pending, s.folder = terminal, process, scope, nil, folder
	drained := make(chan struct{})
	go s.read(terminal, drained)
	go s.watch(terminal, process, scope, drained)
	return nil
}

func (s *Session) read(t *terminal, drained chan struct{}) {
	defer close(drained)
	buffer := make([]byte, 32<<10)
	for {
		n, err := t.master.Read(buffer)
		if n > 0 {
			s.receive(t, buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

// receive gives output to the command it belongs to.
func (s *Session) receive(t *terminal, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal != t {
		return
	}
	c := s.current
	if c == nil {
		return
	}
	if c.status != Running {
		// Between commands: a background job speaks. It shows in view, up to the bounds of the last command.
		c.add(data)
		s.manager.counters.Output(metrics.Shell, len(data))
		return
	}
	before := c.output.Total()
	rest, ended, code, folder := c.take(append(s.pending, data...))
	if !c.hidden {
		s.manager.counters.Output(metrics.Shell, int(c.output.Total()-before))
	}
	s.pending = bytes.Clone(rest)
	if !ended {
		return
	}
	t.forget()
	t.waits = true
	s.pending = nil
	s.folder = folder
	status := Completed
	if c.ending != "" {
		status = c.ending
	}
	s.finish(c, status, &code)
}

// finish ends a command. The session's mutex is held.
func (s *Session) finish(c *command, status Status, code *int) {
	c.status, c.older = status, nil
	if c.ending == "" {
		// A command that was ended from outside has no code of its own.
		c.exitCode = code
	}
	s.used = time.Now()
	if !c.hidden {
		s.manager.count(c)
		// Whoever hears that it is over may start another at once.
		s.manager.release()
	}
	close(c.done)
}

// watch waits for the bash to end, then gives its last output time to arrive and closes the terminal.
func (s *Session) watch(t *terminal, process *proc.Process, scope *proc.Scope, drained chan struct{}) {
	<-process.Done
	scope.SetRoot(0)
	scope.Kill(nil)
	// With every process of the session dead, what is in the terminal is all there will ever be.
	s.mu.Lock()
	t.closeSlave()
	s.mu.Unlock()
	all := waitFor(drained, time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.master.Close()
	t.control.Close()
	if s.terminal != t {
		return
	}
	s.terminal, s.process, s.scope = nil, nil, nil
	s.folder = s.startDir
	c := s.current
	if c == nil || c.status != Running {
		return
	}
	// A bash that had ended before it took the command, which nobody had noticed yet, is none that the command ended. Whoever has
	// not read all that it said cannot know that, and must not run the command twice.
	if all && !c.begun && c.ending == "" && !s.closed && c.anew != nil && c.anew() == nil {
		return
	}
	if c.begun && len(s.pending) > 0 {
		c.add(s.pending)
	}
	s.pending = nil
	status, code := Terminated, process.ExitCode()
	if c.ending != "" {
		status = c.ending
	}
	s.finish(c, status, &code)
}

// begin starts a command; the caller holds the turn. folder is empty or starts with P or L and holds a path.
func (s *Session) begin(line, folder string) (*command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.current != nil && s.current.status == Running {
		return nil, &BusyError{ID: s.ID, Command: s.current.text}
	}
	if s.terminal == nil {
		if err := s.launch(); err != nil {
			return nil, err
		}
	}
	if err := s.manager.acquire(); err != nil {
		return nil, err
	}
	s.remember()
	c, first, last := newCommand(line, prompt(s.folder), s.manager.settings.MaxOutput)
	c.older = proc.Snapshot()
	s.current, s.pending, s.used = c, nil, time.Now()
	c.anew = func() error {
		c.anew = nil
		if err := s.launch(); err != nil {
			return err
		}
		s.terminal.next(nil, folder, first, line, last)
		return nil
	}
	if !s.terminal.next(s.newEnv, folder, first, line, last) {
		// It reads no more, and is not waited for.
		process, scope := s.process, s.scope
		s.terminal = nil
		go s.end(process, scope)
		if err := c.anew(); err != nil {
			s.finish(c, Terminated, nil)
			return nil, err
		}
	}
	s.newEnv = nil
	return c, nil
}

// remember moves the last command to the console's records.
func (s *Session) remember() {
	if s.current == nil {
		return
	}
	old := s.record(s.current)
	old.Output = text.Middle(old.Output, keptRecord)
	s.records = append(s.records, old)
	if len(s.records) > maxRecords {
		s.records = append([]Record(nil), s.records[1:]...)
	}
}

func (s *Session) record(c *command) Record {
	return Record{Prompt: c.prompt, Command: c.text, Output: output(c)}
}

// output is a command's output so far as plain text.
func output(c *command) string {
	data := c.output.Since(0)
	if c.status == Running {
		data = data[:text.Whole(data)]
	}
	plain := text.Plain(data)
	if c.status == Terminated && strings.HasSuffix(plain, "exit\n") && (len(plain) == 5 || plain[len(plain)-6] == '\n') {
		// An interactive bash says so when it is told to exit; nobody asked.
		plain = strings.TrimSuffix(plain, "exit\n")
	}
	return strings.TrimSuffix(plain, "\n")
}

var account = sync.OnceValue(func() string {
	name := strconv.Itoa(os.Geteuid())
	if found, err := user.Current(); err == nil {
		name = found.Username
	}
	host, _ := os.Hostname()
	return name + "@" + host
})

// prompt is what a console shows before a command; the session itself prints none.
func prompt(folder string) string { return account() + ":" + folder + "$" }

// put types as much input for c as the terminal takes, while c runs: what comes too late must not reach the next command.
func (s *Session) put(c *command, input string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != c || c.status != Running || s.terminal == nil {
		return 0, ErrIdle
	}
	s.used, s.terminal.typed = time.Now(), true
	return s.terminal.put(input)
}

// interrupt ends the running command as the API calls it with status: first as Ctrl-C does, then by killing what the
// command started, at last with the whole bash.
func (s *Session) interrupt(c *command, status Status) {
	s.mu.Lock()
	if c.status != Running || s.terminal == nil {
		s.mu.Unlock()
		return
	}
	if c.swept != nil {
		// Somebody else is at it.
		swept := c.swept
		s.mu.Unlock()
		waitFor(swept, 5*time.Second)
		return
	}
	c.ending, c.swept = status, make(chan struct{})
	defer close(c.swept)
	t, process, scope, older := s.terminal, s.process, s.scope, c.older
	t.typed = true
	s.mu.Unlock()
	_, _ = t.put("\x03")
	ended := waitFor(c.done, 100*time.Millisecond)
	s.mu.Lock()
	c.frozen = true
	s.mu.Unlock()
	for try := 0; try < 10 && !ended; try++ {
		scope.Kill(older)
		// Often that was all; a signal that comes too late would hit the shell at its prompt.
		if ended = waitFor(c.done, 40*time.Millisecond); ended {
			break
		}
		s.manager.table.Signal(process, syscall.SIGINT)
		ended = waitFor(c.done, time.Duration(5+10*try)*time.Millisecond)
	}
	if !ended {
		s.manager.table.Signal(process, syscall.SIGKILL)
		waitFor(c.done, 3*time.Second)
	} else {
		s.verify(t, process, c)
	}
	// What survived because it had left the terminal, or was started last.
	scope.Kill(older)
}

// verify gives the shell a command that does nothing: a signal may have hit it between two commands, where it loses
// its place in the protocol, and under gVisor a bash whose foreground job was interrupted sometimes does not come back to its
// terminal. A shell that does not answer is replaced.
func (s *Session) verify(t *terminal, process *proc.Process, last *command) {
	s.mu.Lock()
	if s.terminal != t {
		s.mu.Unlock()
		return
	}
	probe, first, word := newCommand(":", last.prompt, 1<<10)
	probe.hidden, probe.swept = true, last.swept
	s.current, s.pending = probe, nil
	t.next(nil, "", first, ":", word)
	s.mu.Unlock()
	if !waitFor(probe.done, time.Second) {
		s.manager.table.Signal(process, syscall.SIGKILL)
		waitFor(probe.done, 3*time.Second)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == probe {
		s.current = last
	}
}

// shut ends the session with everything in it.
func (s *Session) shut() {
	s.mu.Lock()
	s.closed = true
	if c := s.current; c != nil && c.status == Running {
		c.ending = Terminated
	}
	process, scope := s.process, s.scope
	s.mu.Unlock()
	if process != nil {
		s.end(process, scope)
	}
}

// end kills a bash with everything that was started from it.
func (s *Session) end(process *proc.Process, scope *proc.Scope) {
	scope.Kill(nil)
	s.manager.table.Signal(process, syscall.SIGKILL)
	waitFor(process.Done, 3*time.Second)
	scope.SetRoot(0)
	scope.Kill(nil)
}

func waitFor(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
