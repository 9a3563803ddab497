package proc

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// scopeVariable marks every process of a session in its environment, so that one that left its process group, its
// session and its parent (a daemon) is still found.
const scopeVariable = "SANDBOXD_SCOPE="

// Scope is a set of processes that belong together: one root, its descendants, and whoever carries the mark.
type Scope struct {
	mark []byte
	root atomic.Int64
}

// NewScope returns a scope with a fresh mark; its Env goes into the root's environment.
func NewScope() *Scope {
	return &Scope{mark: []byte(scopeVariable + Random())}
}

// digits is how many Random returns.
const digits = 32

// Random returns 32 random hexadecimal digits.
func Random() string {
	var b [digits / 2]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Env is the mark as an environment entry.
func (s *Scope) Env() string { return string(s.mark) }

// SetRoot names the process whose descendants belong to the scope; 0 when it has been reaped.
func (s *Scope) SetRoot(pid int) { s.root.Store(int64(pid)) }

// Pids is a set of process numbers.
type Pids map[int]bool

// Snapshot returns the processes that exist now: what Kill can spare as older than a command.
func Snapshot() Pids {
	pids := Pids{}
	for _, pid := range list() {
		pids[pid] = true
	}
	return pids
}

// Scopes are several of them, which are looked for together: reading all of /proc is what takes time.
type Scopes []*Scope

// Members returns the scope's living processes with their parents, without the root and without those in spare.
func (s *Scope) Members(spare Pids) map[int]int { return Scopes{s}.Members(spare) }

// Signal sends a signal to every member and returns how many there were.
func (s *Scope) Signal(signal syscall.Signal, spare Pids) int { return Scopes{s}.Signal(signal, spare) }

// Kill ends every member but the spared.
func (s *Scope) Kill(spare Pids) { Scopes{s}.Kill(spare) }

// Members returns the scopes' living processes with their parents, without the roots and without those in spare.
func (s Scopes) Members(spare Pids) map[int]int {
	type process struct {
		parent int
		member bool
	}
	all := map[int]*process{}
	self, roots, marks := os.Getpid(), s.roots(), s.marks()
	for _, pid := range list() {
		parent, session, zombie, ok := stat(pid)
		if !ok || zombie || pid == self {
			continue
		}
		all[pid] = &process{parent: parent, member: roots[session] || carries(pid, marks)}
	}
	descends := func(pid int) bool {
		for depth := 0; depth < 4096; depth++ {
			p := all[pid]
			switch {
			case p == nil:
				return false
			case p.member, roots[p.parent]:
				return true
			}
			pid = p.parent
		}
		return false
	}
	members := map[int]int{}
	for pid, p := range all {
		if !roots[pid] && !spare[pid] && descends(pid) {
			members[pid] = p.parent
		}
	}
	return members
}

// Signal sends a signal to every member and returns how many there were.
func (s Scopes) Signal(signal syscall.Signal, spare Pids) int {
	members := s.Members(spare)
	for pid := range members {
		_ = syscall.Kill(pid, signal)
	}
	return len(members)
}

// Kill ends every member but the spared. Members are stopped first, so that none forks away while others are found.
func (s Scopes) Kill(spare Pids) {
	const rounds = 60
	for round := 0; round < rounds; round++ {
		stopped := Pids{}
		for scan := 0; scan < 20; scan++ {
			fresh := 0
			for pid, parent := range s.Members(spare) {
				if stopped[pid] {
					continue
				}
				stopped[pid] = true
				fresh++
				signal := syscall.SIGSTOP
				if s.roots()[parent] {
					// A shell would take note of a stopped child.
					signal = syscall.SIGKILL
				}
				_ = syscall.Kill(pid, signal)
			}
			if fresh == 0 {
				break
			}
		}
		if len(stopped) == 0 {
			return
		}
		for pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Duration(1+round) * time.Millisecond)
	}
}

// roots returns the roots that have not been reaped.
func (s Scopes) roots() Pids {
	roots := Pids{}
	for _, scope := range s {
		if root := int(scope.root.Load()); root != 0 {
			roots[root] = true
		}
	}
	return roots
}

func (s Scopes) marks() map[string]bool {
	marks := map[string]bool{}
	for _, scope := range s {
		marks[string(scope.mark)] = true
	}
	return marks
}

// carries tells whether a process has one of the marks in its environment.
func carries(pid int, marks map[string]bool) bool {
	rest, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for {
		at := bytes.Index(rest, []byte(scopeVariable))
		if at < 0 {
			return false
		}
		rest = rest[at:]
		if marks[string(rest[:min(len(rest), len(scopeVariable)+digits)])] {
			return true
		}
		rest = rest[len(scopeVariable):]
	}
}

func list() []int {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stat reads parent and session from /proc/PID/stat, whose second field may hold spaces and parentheses.
func stat(pid int) (parent, session int, zombie, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, false, false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 4 {
		return 0, 0, false, false
	}
	parent, _ = strconv.Atoi(string(fields[1]))
	session, _ = strconv.Atoi(string(fields[3]))
	state := fields[0][0]
	return parent, session, state == 'Z' || state == 'X', true
}
