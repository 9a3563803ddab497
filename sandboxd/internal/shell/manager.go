package shell

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"sandlot.dev/sandboxd/internal/config"
	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
	"sandlot.dev/sandboxd/internal/text"
)

// Manager owns the sessions.
type Manager struct {
	settings config.Config
	table    *proc.Table
	slots    *proc.Slots
	counters *metrics.Counters
	env      func() []string

	mu        sync.Mutex
	sessions  map[string]*Session
	defaultID string
	waiting   *Session
}

// NewManager returns a manager without sessions. slots bounds the commands that run at once; env gives the environment
// that sessions start from.
func NewManager(
	settings config.Config, table *proc.Table, slots *proc.Slots, counters *metrics.Counters, env func() []string,
) *Manager {
	return &Manager{
		settings: settings, table: table, slots: slots, counters: counters, env: env, sessions: map[string]*Session{},
	}
}

// BusyError says that a session still runs a command of an earlier request.
type BusyError struct{ ID, Command string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("session %s is still running %q; wait for it, kill it, or use another session", e.ID, e.Command)
}

// ErrUnknown says that there is no session of that name. Clients of the API look for the first two words.
var ErrUnknown = errors.New("session not found: it was never made, or was deleted")

// ErrTooMany says that a limit on sessions is reached.
var ErrTooMany = errors.New("too many shell sessions; delete one")

// ErrIdle says that a session runs nothing that could be written to.
var ErrIdle = errors.New("no command is running in the session")

// ErrUnread says that a terminal takes no more input.
var ErrUnread = errors.New("the program does not read its input")

const (
	asyncTurn   = time.Second          // for an earlier request to be answered before one that is not to wait
	unreadLimit = 5 * time.Second      // for a program to read its input
	inputPause  = 5 * time.Millisecond // between looks whether it has
)

// FolderError says that a working folder cannot be used.
type FolderError struct{ Path string }

func (e *FolderError) Error() string {
	return fmt.Sprintf("working directory %s does not exist or is not a directory", e.Path)
}

// CreateOptions of a session. A zero NoChange means the server's default.
type CreateOptions struct {
	ID               string
	Folder           string
	NoChange         time.Duration
	PreserveSymlinks bool
}

// Create returns the session of that name, made if there is none, and its folder.
func (m *Manager) Create(options CreateOptions) (*Session, string, error) {
	folder := options.Folder
	if folder == "" {
		folder = m.settings.Workspace
	} else if !proc.IsFolder(folder) {
		return nil, "", &FolderError{folder}
	}
	physical := !options.PreserveSymlinks
	if physical {
		folder = withoutLinks(folder)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if existing := m.sessions[options.ID]; existing != nil {
		existing.mu.Lock()
		defer existing.mu.Unlock()
		return existing, existing.folder, nil
	}
	if m.slots.Draining() {
		return nil, "", proc.ErrDraining
	}
	if len(m.sessions) >= m.settings.MaxSessions && !m.makeRoom() {
		return nil, "", ErrTooMany
	}
	s := m.takeWaiting(folder, physical)
	if s == nil {
		s = m.newSession(folder, physical)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal == nil {
		if err := s.launch(); err != nil {
			return nil, "", err
		}
	}
	now := time.Now()
	s.ID, s.Created, s.used, s.noChange = options.ID, now, now, options.NoChange
	if s.ID == "" {
		s.ID = proc.Random()
	}
	if s.noChange == 0 {
		s.noChange = m.settings.NoChange
	}
	m.sessions[s.ID] = s
	return s, folder, nil
}

// makeRoom ends the session that has been idle the longest of those that nobody asked for and that are the default no more, and
// tells whether there was one. The manager's mutex is held.
func (m *Manager) makeRoom() bool {
	var idle []*Session
	for _, s := range m.sessions {
		if s.unasked && s.ID != m.defaultID {
			idle = append(idle, s)
		}
	}
	slices.SortFunc(idle, func(a, b *Session) int { return a.lastUsed().Compare(b.lastUsed()) })
	for _, s := range idle {
		if s.retire() {
			delete(m.sessions, s.ID)
			go s.shut()
			return true
		}
	}
	return false
}

func (s *Session) lastUsed() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// retire lets no command begin any more if the session runs none, nor anything in the background, and tells whether that is so.
func (s *Session) retire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := len(s.turn) > 0 || s.current != nil && s.current.status == Running
	s.closed = s.closed || !running && (s.scope == nil || len(s.scope.Members(nil)) == 0)
	return s.closed
}

// newSession returns one that nobody knows, without a bash.
func (m *Manager) newSession(folder string, physical bool) *Session {
	return &Session{
		manager: m, startDir: folder, physical: physical, turn: make(chan struct{}, 1), folder: folder,
	}
}

func withoutLinks(folder string) string {
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		return real
	}
	return folder
}

// Get returns the session of that name.
func (m *Manager) Get(id string) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[id]; s != nil {
		return s, nil
	}
	return nil, ErrUnknown
}

// forExec returns the session for a request: the named one or the default one, made if need be. A default session
// that is still busy with what an earlier request left running makes way for a new one.
func (m *Manager) forExec(id string, preserveSymlinks bool) (*Session, error) {
	if id != "" {
		s, _, err := m.Create(CreateOptions{ID: id, PreserveSymlinks: preserveSymlinks})
		return s, err
	}
	m.mu.Lock()
	s := m.sessions[m.defaultID]
	m.mu.Unlock()
	if s != nil && !s.abandoned() {
		return s, nil
	}
	fresh, _, err := m.Create(CreateOptions{PreserveSymlinks: preserveSymlinks})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh.unasked = true
	if now := m.sessions[m.defaultID]; now != nil && now != s {
		// Another request was faster: one default session for all.
		go m.remove(fresh)
		return now, nil
	}
	m.defaultID = fresh.ID
	return fresh, nil
}

// abandoned tells that a command runs whose request has been answered.
func (s *Session) abandoned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.turn) == 0 && s.current != nil && s.current.status == Running
}

// ExecOptions of one command. Zero durations mean: no HTTP wait limit, the session's silence limit, no hard limit.
type ExecOptions struct {
	ID               string
	Command          string
	Folder           string
	Strict           bool
	PreserveSymlinks bool
	Async            bool
	Wait             time.Duration
	NoChange         time.Duration
	Hard             time.Duration
}

// Result is what is known of a command.
type Result struct {
	SessionID string
	Command   string
	Status    Status
	Output    string
	ExitCode  *int
	Console   []Record
}

// Exec runs a command in its session and waits as long as the options say.
func (m *Manager) Exec(ctx context.Context, options ExecOptions) (Result, error) {
	s, err := m.forExec(options.ID, options.PreserveSymlinks)
	if err != nil {
		return Result{}, err
	}
	started := time.Now()
	if err := s.queue(ctx, options); err != nil {
		return Result{}, err
	}
	defer func() { <-s.turn }()
	folder, err := s.target(options)
	if err != nil {
		return Result{}, err
	}
	s.mu.Lock()
	previous := s.current
	s.mu.Unlock()
	if previous != nil {
		s.sweep(previous)
		s.recover(previous)
	}
	c, err := s.begin(options.Command, folder)
	if err != nil {
		return Result{}, err
	}
	hard := m.settings.CommandLimit
	if options.Hard > 0 {
		hard = min(hard, options.Hard)
	}
	limit := time.AfterFunc(hard, func() { s.interrupt(c, HardTimeout) })
	go func() {
		<-c.done
		limit.Stop()
	}()
	if options.Async {
		return s.result(c, Running), nil
	}
	var deadline time.Time
	if options.Wait > 0 {
		deadline = started.Add(options.Wait)
	}
	silence := options.NoChange
	if silence == 0 {
		s.mu.Lock()
		silence = s.noChange
		s.mu.Unlock()
	}
	status := s.await(ctx, c, deadline, silence)
	if status == HardTimeout {
		// Everything the command left behind dies before the answer goes out.
		s.sweep(c)
	}
	return s.result(c, status), nil
}

// queue waits for the request's turn, no longer than the client wants to wait for an answer.
func (s *Session) queue(ctx context.Context, options ExecOptions) error {
	limit := options.Wait
	if options.Async {
		limit = asyncTurn
	}
	var expired <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-expired:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	busy := &BusyError{ID: s.ID}
	if s.current != nil {
		busy.Command = s.current.text
	}
	return busy
}

func (s *Session) target(options ExecOptions) (string, error) {
	if options.Folder == "" {
		return "", nil
	}
	if !proc.IsFolder(options.Folder) {
		if options.Strict {
			return "", &FolderError{options.Folder}
		}
		return "", nil
	}
	if options.PreserveSymlinks {
		return "L" + options.Folder, nil
	}
	return "P" + options.Folder, nil
}

// await waits for the end of c, the deadline, a silence, or the client's going away.
func (s *Session) await(ctx context.Context, c *command, deadline time.Time, silence time.Duration) Status {
	for {
		s.mu.Lock()
		status, quiet := c.status, time.Since(c.changed)
		s.mu.Unlock()
		if status != Running {
			return status
		}
		if quiet >= silence {
			return NoChange
		}
		wait, atDeadline := silence-quiet, false
		if !deadline.IsZero() && time.Until(deadline) < wait {
			wait, atDeadline = time.Until(deadline), true
		}
		timer := time.NewTimer(wait)
		select {
		case <-c.done:
		case <-ctx.Done():
			timer.Stop()
			return Running
		case <-timer.C:
			if atDeadline {
				return Running
			}
		}
		timer.Stop()
	}
}

// sweep waits for an interrupt that has ended c to finish its killing.
func (s *Session) sweep(c *command) {
	s.mu.Lock()
	swept := c.swept
	s.mu.Unlock()
	if swept != nil {
		waitFor(swept, 5*time.Second)
	}
}

// recover makes sure that a shell whose last command was interrupted from its terminal still answers.
func (s *Session) recover(previous *command) {
	const interrupted = 130
	s.mu.Lock()
	t, process, code := s.terminal, s.process, previous.exitCode
	suspect := t != nil && previous.status != Running && code != nil && *code == interrupted
	s.mu.Unlock()
	if suspect {
		s.verify(t, process, previous)
	}
}

func (s *Session) result(c *command, status Status) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.status != Running {
		status = c.status
	}
	record := s.record(c)
	return Result{
		SessionID: s.ID, Command: c.text, Status: status, Output: record.Output, ExitCode: c.exitCode,
		Console: []Record{record},
	}
}

// View returns the session's last command and its console.
func (m *Manager) View(id string) (Result, error) {
	s, err := m.Get(id)
	if err != nil {
		return Result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result := Result{SessionID: id, Status: Completed, Console: append([]Record{}, s.records...)}
	if c := s.current; c != nil {
		record := s.record(c)
		result.Command, result.Status, result.Output, result.ExitCode = c.text, c.status, record.Output, c.exitCode
		result.Console = append(result.Console, record)
	}
	return result, nil
}

// Wait waits for the running command of a session, if any, and returns how it stands.
func (m *Manager) Wait(ctx context.Context, id string, limit time.Duration) (Status, error) {
	s, err := m.Get(id)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	c := s.current
	s.mu.Unlock()
	if c == nil {
		return Completed, nil
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.status, nil
}

// Write types input into the running command of a session.
func (m *Manager) Write(id, input string) (Status, error) {
	s, err := m.Get(id)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	c := s.current
	s.mu.Unlock()
	if c == nil {
		return "", ErrIdle
	}
	// A program that does not read must not hold the request: a terminal's input is bounded.
	deadline := time.Now().Add(unreadLimit)
	for rest := input; ; {
		n, err := s.put(c, rest)
		if err != nil {
			return "", err
		}
		if rest = rest[n:]; rest == "" {
			return Running, nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("%w: of %d bytes the terminal took %d", ErrUnread, len(input), len(input)-len(rest))
		}
		if n == 0 {
			time.Sleep(inputPause)
		}
	}
}

// Kill ends the running command of a session; the session stays.
func (m *Manager) Kill(id string) (Status, *int, error) {
	s, err := m.Get(id)
	if err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	c := s.current
	s.mu.Unlock()
	if c == nil {
		return Completed, nil, nil
	}
	s.interrupt(c, Terminated)
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.status, c.exitCode, nil
}

// Update changes a session's silence limit.
func (m *Manager) Update(id string, noChange time.Duration) error {
	s, err := m.Get(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if noChange > 0 {
		s.noChange = noChange
	}
	return nil
}

// Delete ends a session with everything that it started.
func (m *Manager) Delete(id string) error {
	s, err := m.Get(id)
	if err != nil {
		return err
	}
	m.remove(s)
	return nil
}

func (m *Manager) remove(s *Session) {
	m.mu.Lock()
	delete(m.sessions, s.ID)
	m.mu.Unlock()
	s.shut()
}

// Info describes a session.
type Info struct {
	WorkingDir     string  `json:"working_dir"`
	CreatedAt      string  `json:"created_at"`
	LastUsedAt     string  `json:"last_used_at"`
	AgeSeconds     int64   `json:"age_seconds"`
	Status         string  `json:"status"`
	CurrentCommand *string `json:"current_command"`
}

// List describes all sessions by id.
func (m *Manager) List() map[string]Info {
	list := map[string]Info{}
	for _, s := range m.all() {
		s.mu.Lock()
		info := Info{
			WorkingDir: s.folder, CreatedAt: s.Created.UTC().Format(time.RFC3339), LastUsedAt: s.used.UTC().Format(time.RFC3339),
			AgeSeconds: int64(time.Since(s.Created).Seconds()), Status: "ready",
		}
		if c := s.current; c != nil && c.status == Running {
			info.Status, info.CurrentCommand = string(Running), &c.text
		}
		s.mu.Unlock()
		list[s.ID] = info
	}
	return list
}

// Sessions counts the sessions there are.
func (m *Manager) Sessions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sessions)
}

func (m *Manager) all() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Session
	for _, s := range m.sessions {
		all = append(all, s)
	}
	return all
}

// DeleteAll ends every session and returns how many there were.
func (m *Manager) DeleteAll() int {
	m.dismiss()
	all := m.all()
	var group sync.WaitGroup
	for _, s := range all {
		group.Go(func() { m.remove(s) })
	}
	group.Wait()
	return len(all)
}

// Terminate asks every process of every session to end.
func (m *Manager) Terminate() int {
	asked := 0
	for _, s := range m.all() {
		s.mu.Lock()
		scope := s.scope
		if c := s.current; c != nil && c.status == Running {
			c.ending = Terminated
		}
		s.mu.Unlock()
		if scope != nil {
			asked += scope.Signal(syscall.SIGTERM, nil)
		}
	}
	return asked
}

// Members counts the living processes of all sessions, without the shells themselves.
func (m *Manager) Members() int {
	count := 0
	for _, s := range m.all() {
		s.mu.Lock()
		scope := s.scope
		s.mu.Unlock()
		if scope != nil {
			count += len(scope.Members(nil))
		}
	}
	return count
}

func (m *Manager) acquire() error {
	err := m.slots.Acquire()
	if err != nil {
		m.counters.Command(metrics.Shell, metrics.Refused)
	}
	return err
}

func (m *Manager) release() { m.slots.Release() }

// count tells how a command ended. Its session's mutex is held.
func (m *Manager) count(c *command) {
	switch {
	case c.status == HardTimeout:
		m.counters.Command(metrics.Shell, metrics.TimedOut)
	case c.exitCode == nil:
		m.counters.Command(metrics.Shell, metrics.Killed)
	default:
		m.counters.Ended(metrics.Shell, *c.exitCode)
	}
}

// Shorten returns the output that shell/exec answers with.
func (m *Manager) Shorten(output string) string { return text.Middle(output, m.settings.ShellChars) }
