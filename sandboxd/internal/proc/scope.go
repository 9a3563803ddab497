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

// Random returns 32 random hexadecimal digits.
func Random() string {
	var b [16]byte
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

// Members returns the scope's living processes with their parents, without the root and without those in spare.
func (s *Scope) Members(spare Pids) map[int]int {
	type process struct {
		parent int
		member bool
	}
	all := map[int]*process{}
	self, root := os.Getpid(), int(s.root.Load())
	for _, pid := range list() {
		parent, session, zombie, ok := stat(pid)
		if !ok || zombie || pid == self {
			continue
		}
		inSession := root != 0 && session == root
		all[pid] = &process{parent: parent, member: inSession || s.carries(pid)}
	}
	descends := func(pid int) bool {
		for depth := 0; depth < 4096; depth++ {
			p := all[pid]
			switch {
			case p == nil:
				return false
			case p.member, root != 0 && p.parent == root:
				return true
			}
			pid = p.parent
		}
		return false
	}
	members := map[int]int{}
	for pid, p := range all {
		if pid != root && !spare[pid] && descends(pid) {
			members[pid] = p.parent
		}
	}
	return members
}

// Signal sends a signal to every member and returns how many there were.
func (s *Scope) Signal(signal syscall.Signal, spare Pids) int {
	members := s.Members(spare)
	for pid := range members {
		_ = syscall.Kill(pid, signal)
	}
	return len(members)
}

// Kill ends every member but the spared. Members are stopped first, so that none forks away while others are found.
func (s *Scope) Kill(spare Pids) {
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
				if parent == int(s.root.Load()) {
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

func (s *Scope) carries(pid int) bool {
	environment, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && bytes.Contains(environment, s.mark)
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
