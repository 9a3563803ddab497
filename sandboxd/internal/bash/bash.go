// Package bash runs one bash process per call, with pipes: output and error apart, variables for one command only.
package bash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandlot.dev/sandboxd/internal/config"
	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
	"sandlot.dev/sandboxd/internal/text"
)

// Status of a command, as the API spells it.
type Status string

// The states of a command. "pending" of the API does not occur: a command starts at once or is refused.
const (
	Running   Status = "running"
	Completed Status = "completed"
	TimedOut  Status = "timed_out"
	Killed    Status = "killed"
)

// drain is how long output may still come after the command has ended while something else holds its pipes.
const drain = 150 * time.Millisecond

// ErrUnknown says that there is no such session. Clients of the API look for the first two words.
var ErrUnknown = errors.New("session not found: it was never made, was closed, or is forgotten")

// ErrUnknownCommand says that a session does not know a command, or has forgotten it.
var ErrUnknownCommand = errors.New("unknown command")

// FolderError says that a working folder cannot be used.
type FolderError struct{ Path string }

func (e *FolderError) Error() string {
	return fmt.Sprintf("working directory %s does not exist or is not a directory", e.Path)
}

// Manager owns bash sessions: names under which commands and a working folder are remembered.
type Manager struct {
	settings config.Config
	table    *proc.Table
	slots    *proc.Slots
	counters *metrics.Counters
	env      func() []string

	mu       sync.Mutex
	sessions map[string]*session
	finished []*command // oldest first
	retained int64
}

type session struct {
	id       string
	folder   string
	commands []*command
	created  time.Time
	used     time.Time
	closed   bool
}

type command struct {
	id, line string
	process  *proc.Process
	scope    *proc.Scope
	done     chan struct{} // closed when status is final and output complete

	mu       sync.Mutex
	status   Status
	ending   Status
	exitCode *int
	out, err stream
	changed  chan struct{} // closed and replaced when output or status change

	// Of the manager, under its mutex: what was counted of a finished command, and whether it is forgotten.
	counted   int64
	forgotten bool
}

type stream struct {
	file     *os.File
	capacity int // of the pipe, in bytes
	capture  *text.Capture
	closed   chan struct{} // closed when there can be no more
	settled  chan struct{} // closed when what was in the pipe at hurry is captured
}

func newStream(file *os.File, limit int) stream {
	return stream{
		file: file, capacity: capacity(file), capture: text.NewCapture(limit), closed: make(chan struct{}),
		settled: make(chan struct{}),
	}
}

// capacity is how much a pipe can hold.
func capacity(pipe *os.File) int {
	size := 64 << 10 // pipe(7)
	if connection, err := pipe.SyscallConn(); err == nil {
		_ = connection.Control(func(fd uintptr) {
			if n, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil {
				size = n
			}
		})
	}
	return size
}

// NewManager returns a manager without sessions; env gives the environment that commands start from.
func NewManager(
	settings config.Config, table *proc.Table, slots *proc.Slots, counters *metrics.Counters, env func() []string,
) *Manager {
	return &Manager{
		settings: settings, table: table, slots: slots, counters: counters, env: env, sessions: map[string]*session{},
	}
}

// ExecOptions of one command. Zero durations mean no limit; MaxChars 0 means no truncation.
type ExecOptions struct {
	SessionID string
	Command   string
	Folder    string
	Env       map[string]string
	Async     bool
	Wait      time.Duration
	Hard      time.Duration
	MaxChars  int
}

// Result is what is known of a command. Offsets count bytes.
type Result struct {
	SessionID    string `json:"session_id"`
	CommandID    string `json:"command_id"`
	Command      string `json:"command"`
	Status       Status `json:"status"`
	Stdout       string `json:"stdout"`
	Stderr       string `json:"stderr"`
	ExitCode     *int   `json:"exit_code"`
	Offset       int64  `json:"offset"`
	StderrOffset int64  `json:"stderr_offset"`
}

// Exec starts a command and waits as long as the options say.
func (m *Manager) Exec(ctx context.Context, options ExecOptions) (Result, error) {
	s, folder, err := m.open(options.SessionID, options.Folder)
	if err != nil {
		return Result{}, err
	}
	c, err := m.start(s, folder, options)
	if err != nil {
		return Result{}, err
	}
	if !options.Async {
		var timer <-chan time.Time
		if options.Wait > 0 {
			t := time.NewTimer(options.Wait)
			defer t.Stop()
			timer = t.C
		}
		select {
		case <-c.done:
		case <-timer:
		case <-ctx.Done():
		}
	}
	result := c.result(s.id, 0, 0)
	result.Stdout = text.Middle(result.Stdout, options.MaxChars)
	result.Stderr = text.Middle(result.Stderr, options.MaxChars)
	return result, nil
}

// Create returns the session of that name, made if there is none. Without a name it gets one; without a folder, its commands
// begin in the workspace.
func (m *Manager) Create(id, folder string) (Info, error) {
	if m.slots.Draining() {
		return Info{}, proc.ErrDraining
	}
	s, _, err := m.open(id, folder)
	if err != nil {
		return Info{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.info(), nil
}

// Close ends what still runs in a session, and forgets it with its commands. What commands that are over left in the
// background goes on, as after any command.
func (m *Manager) Close(id string) error {
	m.mu.Lock()
	s := m.sessions[id]
	if s == nil {
		m.mu.Unlock()
		return ErrUnknown
	}
	delete(m.sessions, id)
	s.closed = true
	commands := s.commands
	m.forget(commands...)
	m.mu.Unlock()
	running := ended(commands)
	m.killTrees(running...)
	for _, c := range running {
		<-c.done
	}
	return nil
}

// forget takes commands off the books. The manager's mutex is held.
func (m *Manager) forget(commands ...*command) {
	for _, c := range commands {
		c.forgotten = true
		m.retained -= c.counted
	}
	m.finished = slices.DeleteFunc(m.finished, func(c *command) bool { return c.forgotten })
}

// open returns the named session, made if need be, and the folder for the next command, which becomes its default.
func (m *Manager) open(id, folder string) (*session, string, error) {
	if folder != "" && !proc.IsFolder(folder) {
		return nil, "", &FolderError{folder}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[id]
	if s == nil {
		if id == "" {
			id = proc.Random()
		}
		m.makeRoom()
		s = &session{id: id, folder: m.settings.Workspace, created: time.Now()}
		m.sessions[id] = s
	}
	if folder != "" {
		s.folder = folder
	}
	s.used = time.Now()
	return s, s.folder, nil
}

// makeRoom forgets the session that has been idle the longest when there are too many.
func (m *Manager) makeRoom() {
	if len(m.sessions) < m.settings.MaxBashRecall {
		return
	}
	var oldest *session
	for _, s := range m.sessions {
		if !s.busy() && (oldest == nil || s.used.Before(oldest.used)) {
			oldest = s
		}
	}
	if oldest != nil {
		delete(m.sessions, oldest.id)
	}
}

func (s *session) busy() bool {
	for _, c := range s.commands {
		select {
		case <-c.done:
		default:
			return true
		}
	}
	return false
}

func (m *Manager) start(s *session, folder string, options ExecOptions) (*command, error) {
	if err := m.slots.Acquire(); err != nil {
		m.counters.Command(metrics.Bash, metrics.Refused)
		return nil, err
	}
	started := false
	defer func() {
		if !started {
			m.slots.Release()
		}
	}()
	scope := proc.NewScope()
	cmd := exec.Command(m.settings.Shell, "-c", options.Command)
	cmd.Dir = folder
	cmd.Env = m.env()
	for name, value := range options.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, scope.Env(), "PWD="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer outWrite.Close()
	errRead, errWrite, err := os.Pipe()
	if err != nil {
		outRead.Close()
		return nil, err
	}
	defer errWrite.Close()
	cmd.Stdout, cmd.Stderr = outWrite, errWrite
	process, err := m.table.Start(cmd)
	if err != nil {
		outRead.Close()
		errRead.Close()
		if !proc.IsFolder(folder) {
			// The session's, which was there when it was named.
			return nil, &FolderError{folder}
		}
		return nil, fmt.Errorf("cannot start the command: %w", err)
	}
	started = true
	scope.SetRoot(process.Pid)
	limit := m.settings.MaxOutput
	c := &command{
		id: proc.Random(), line: options.Command, process: process, scope: scope, done: make(chan struct{}),
		status: Running, changed: make(chan struct{}),
		out: newStream(outRead, limit), err: newStream(errRead, limit),
	}
	m.mu.Lock()
	s.commands = append(s.commands, c)
	// The session may have been closed since it was found.
	late := s.closed
	c.forgotten = late
	m.mu.Unlock()
	go m.read(c, &c.out)
	go m.read(c, &c.err)
	hard := m.settings.CommandLimit
	if options.Hard > 0 {
		hard = min(hard, options.Hard)
	}
	go m.watch(c, hard)
	if late && c.end(Killed) {
		m.killTrees(c)
	}
	return c, nil
}

func (m *Manager) read(c *command, s *stream) {
	defer close(s.closed)
	defer s.file.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := s.file.Read(buffer)
		m.receive(c, s, buffer[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_ = s.file.SetReadDeadline(time.Time{})
			m.empty(c, s, buffer)
			close(s.settled)
		} else if err != nil {
			return
		}
	}
}

// hurry makes the reader say when it has what is in the pipe now.
func (s *stream) hurry() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) }

// empty reads what is in the pipe and waits for no more. What has been written by now is at most what the pipe holds, so a
// writer that never stops does not keep it.
func (m *Manager) empty(c *command, s *stream, buffer []byte) {
	connection, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	for left := s.capacity; left > 0; {
		n := 0
		_ = connection.Read(func(fd uintptr) bool {
			n, _ = unix.Read(int(fd), buffer)
			return true
		})
		if n <= 0 {
			return
		}
		m.receive(c, s, buffer[:n])
		left -= n
	}
}

func (m *Manager) receive(c *command, s *stream, data []byte) {
	if len(data) == 0 {
		return
	}
	m.counters.Output(metrics.Bash, len(data))
	c.mu.Lock()
	_, _ = s.capture.Write(data)
	c.notify()
	late := c.status != Running
	c.mu.Unlock()
	if late {
		// What a command left in the background goes on writing.
		m.retain(c)
	}
}

// notify wakes those who wait for news. The command's mutex is held.
func (c *command) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// watch ends the command at its hard limit and settles its result when it is over.
func (m *Manager) watch(c *command, hard time.Duration) {
	timer := time.NewTimer(hard)
	defer timer.Stop()
	select {
	case <-c.process.Done:
	case <-timer.C:
		c.end(TimedOut)
		m.killTrees(c)
		<-c.process.Done
	}
	c.scope.SetRoot(0)
	// What the command left in the background may hold the pipes for good.
	late := time.NewTimer(drain)
	defer late.Stop()
	for _, s := range []*stream{&c.out, &c.err} {
		select {
		case <-s.closed:
		case <-late.C:
			// On a busy machine the command's own output may not have been read so far.
			s.hurry()
			select {
			case <-s.closed:
			case <-s.settled:
			}
			late.Reset(0)
		}
	}
	c.mu.Lock()
	if c.status = Completed; c.ending != "" {
		// A command that was ended from outside has no code of its own.
		c.status = c.ending
	} else {
		code := c.process.ExitCode()
		c.exitCode = &code
	}
	m.count(c)
	c.notify()
	c.mu.Unlock()
	// Whoever hears that it is over may start another at once.
	m.slots.Release()
	close(c.done)
	m.retain(c)
}

// count tells how a command ended. Its mutex is held.
func (m *Manager) count(c *command) {
	switch c.status {
	case TimedOut:
		m.counters.Command(metrics.Bash, metrics.TimedOut)
	case Killed:
		m.counters.Command(metrics.Bash, metrics.Killed)
	default:
		m.counters.Ended(metrics.Bash, *c.exitCode)
	}
}

// cost is what remembering a finished command takes. Its own text counts: it may be longer than what it wrote.
func (c *command) cost() int64 {
	const perEntry = 1 << 10 // what a command costs beside its texts
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.capture.Kept() + c.err.capture.Kept() + int64(len(c.line)) + perEntry
}

// retain remembers a finished command, or that it has more output, and forgets the oldest ones that no longer fit.
func (m *Manager) retain(c *command) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.forgotten {
		return
	}
	if c.counted == 0 {
		m.finished = append(m.finished, c)
	}
	cost := c.cost()
	m.retained += cost - c.counted
	c.counted = cost
	for m.retained > m.settings.MaxRetained && len(m.finished) > 1 {
		old := m.finished[0]
		m.forget(old)
		for _, s := range m.sessions {
			for i, candidate := range s.commands {
				if candidate == old {
					s.commands = append(append([]*command(nil), s.commands[:i]...), s.commands[i+1:]...)
					break
				}
			}
		}
	}
}

func (m *Manager) killTrees(commands ...*command) {
	if len(commands) == 0 {
		return
	}
	// A bash that sees its children die would report it.
	m.signal(commands, syscall.SIGSTOP)
	scopes(commands).Kill(nil)
	m.signal(commands, syscall.SIGKILL)
	scopes(commands).Kill(nil)
}

// signal sends a signal to the bash of each command that still has one.
func (m *Manager) signal(commands []*command, signal syscall.Signal) {
	for _, c := range commands {
		m.table.Signal(c.process, signal)
	}
}

func scopes(commands []*command) proc.Scopes {
	var all proc.Scopes
	for _, c := range commands {
		all = append(all, c.scope)
	}
	return all
}

// result reads a command's output from the given offsets on.
func (c *command) result(sessionID string, offset, errOffset int64) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Result{SessionID: sessionID, CommandID: c.id, Command: c.line, Status: c.status, ExitCode: c.exitCode}
	r.Stdout, r.Offset = c.out.since(offset, c.status == Running)
	r.Stderr, r.StderrOffset = c.err.since(errOffset, c.status == Running)
	return r
}

// since returns text from offset on and the offset to go on from. While more may come, a cut character waits.
func (s *stream) since(offset int64, more bool) (string, int64) {
	data, next := s.capture.Since(offset), s.capture.Total()
	if more {
		whole := text.Whole(data)
		next -= int64(len(data) - whole)
		data = data[:whole]
	}
	return text.Valid(data), next
}

// OutputOptions say what to read, and whether to wait for more.
type OutputOptions struct {
	SessionID, CommandID string
	Offset, StderrOffset int64
	Wait                 time.Duration
}

// Output returns a command's output from the offsets on; of the session's last command when none is named.
func (m *Manager) Output(ctx context.Context, options OutputOptions) (Result, error) {
	c, err := m.find(options.SessionID, options.CommandID)
	if err != nil {
		return Result{}, err
	}
	deadline := time.NewTimer(options.Wait)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		r := c.result(options.SessionID, options.Offset, options.StderrOffset)
		if r.Stdout != "" || r.Stderr != "" || r.Status != Running || options.Wait <= 0 {
			return r, nil
		}
		select {
		case <-changed:
		case <-deadline.C:
			return r, nil
		case <-ctx.Done():
			return r, nil
		}
	}
}

func (m *Manager) find(sessionID, commandID string) (*command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[sessionID]
	if s == nil {
		return nil, ErrUnknown
	}
	for i := len(s.commands) - 1; i >= 0; i-- {
		if commandID == "" || s.commands[i].id == commandID {
			return s.commands[i], nil
		}
	}
	return nil, ErrUnknownCommand
}

// Kill sends a signal to everything that the session's commands started and that still runs. SIGKILL waits for the
// end; other signals may be ignored by the programs. It returns how many commands were running.
func (m *Manager) Kill(sessionID string, signal syscall.Signal) (int, error) {
	m.mu.Lock()
	s := m.sessions[sessionID]
	if s == nil {
		m.mu.Unlock()
		return 0, ErrUnknown
	}
	commands := append([]*command(nil), s.commands...)
	m.mu.Unlock()
	running := ended(commands)
	if signal != syscall.SIGKILL {
		scopes(commands).Signal(signal, nil)
		m.signal(commands, signal)
		return len(running), nil
	}
	m.killTrees(commands...)
	for _, c := range running {
		<-c.done
	}
	return len(running), nil
}

// Info describes a session.
type Info struct {
	SessionID  string  `json:"session_id"`
	Status     string  `json:"status"`
	WorkingDir string  `json:"working_dir"`
	CreatedAt  string  `json:"created_at"`
	LastUsedAt string  `json:"last_used_at"`
	Current    *string `json:"current_command"`
	Count      int     `json:"command_count"` // that are remembered
	Commands   []Brief `json:"commands"`
}

// Brief names a command and how it stands.
type Brief struct {
	CommandID string `json:"command_id"`
	Command   string `json:"command"`
	Status    Status `json:"status"`
	ExitCode  *int   `json:"exit_code"`
}

// List describes all sessions.
func (m *Manager) List() []Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []Info{}
	for _, s := range m.sessions {
		list = append(list, s.info())
	}
	return list
}

// info describes the session. The manager's mutex is held.
func (s *session) info() Info {
	info := Info{
		SessionID: s.id, Status: "ready", WorkingDir: s.folder, CreatedAt: s.created.UTC().Format(time.RFC3339),
		LastUsedAt: s.used.UTC().Format(time.RFC3339), Count: len(s.commands), Commands: []Brief{},
	}
	for _, c := range s.commands {
		c.mu.Lock()
		info.Commands = append(info.Commands, Brief{c.id, c.line, c.status, c.exitCode})
		if c.status == Running {
			info.Current = &c.line
		}
		c.mu.Unlock()
	}
	return info
}

// Sessions counts the sessions that are remembered.
func (m *Manager) Sessions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sessions)
}

// Terminate asks every process of every command to end, and returns how many there were.
func (m *Manager) Terminate() int {
	all := m.all()
	// A command's first process is no member of its scope.
	asked := len(ended(all)) + scopes(all).Signal(syscall.SIGTERM, nil)
	m.signal(all, syscall.SIGTERM)
	return asked
}

// Running counts the commands that have not ended.
func (m *Manager) Running() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := 0
	for _, s := range m.sessions {
		if s.busy() {
			count++
		}
	}
	return count
}

// KillAll ends every process of every command.
func (m *Manager) KillAll() {
	all := m.all()
	ended(all)
	m.killTrees(all...)
}

// ended says of the commands that run that they will be called killed, and returns them.
func ended(commands []*command) []*command {
	var running []*command
	for _, c := range commands {
		if c.end(Killed) {
			running = append(running, c)
		}
	}
	return running
}

// end says what a running command will be called once it is over, and whether it was running.
func (c *command) end(status Status) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != Running {
		return false
	}
	c.ending = status
	return true
}

func (m *Manager) all() []*command {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*command
	for _, s := range m.sessions {
		all = append(all, s.commands...)
	}
	return all
}
