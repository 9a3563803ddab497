// Package proc starts processes, reaps them and everything orphaned to this one, and kills whole process trees.
package proc

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Table knows the processes that this server started. It makes the server the reaper of their orphans too.
type Table struct {
	mu      sync.Mutex
	started map[int]*Process
}

// Process is one started child. Done is closed when it has ended, after which Status is valid.
type Process struct {
	Pid    int
	Done   chan struct{}
	status syscall.WaitStatus
}

// NewTable becomes the subreaper (harmless where this is already process 1) and starts reaping.
func NewTable() (*Table, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("cannot become the reaper of orphaned processes: %w", err)
	}
	t := &Table{started: map[int]*Process{}}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() {
		for range children {
			t.reap()
		}
	}()
	return t, nil
}

// Start runs cmd, whose streams must be files. The caller waits on Done, never on cmd.
func (t *Table) Start(cmd *exec.Cmd) (*Process, error) {
	// The reaper must not see the child's end before the child is in the table.
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{Pid: cmd.Process.Pid, Done: make(chan struct{})}
	_ = cmd.Process.Release()
	t.started[p.Pid] = p
	return p, nil
}

func (t *Table) reap() {
	for {
		t.mu.Lock()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			t.mu.Unlock()
			continue
		}
		if err != nil || pid <= 0 {
			t.mu.Unlock()
			return
		}
		if p := t.started[pid]; p != nil {
			delete(t.started, pid)
			p.status = status
			close(p.Done)
		}
		t.mu.Unlock()
	}
}

// Signal sends a signal to a child that has not been reaped, so never to a process that reused its number.
func (t *Table) Signal(p *Process, signal syscall.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.started[p.Pid] == p {
		_ = syscall.Kill(p.Pid, signal)
	}
}

// ExitCode is the code as a shell shows it: 128 plus the signal's number when a signal ended the process.
func (p *Process) ExitCode() int {
	if p.status.Signaled() {
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// KillAll ends every process of the container when this is process 1, and does nothing elsewhere.
func (t *Table) KillAll() {
	if os.Getpid() == 1 {
		_ = syscall.Kill(-1, syscall.SIGKILL)
	}
}

// KeepFilesPrivate keeps files that this server was started with from reaching its commands.
func KeepFilesPrivate() {
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// KeepMemoryPrivate keeps commands, which have the same user, from reading this process' memory, where the owner's
// variables and, for moments, the token are. What it starts is not affected.
func KeepMemoryPrivate() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot keep this process' memory private: %w", err)
	}
	return nil
}
