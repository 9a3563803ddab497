package bash

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"sandlot.dev/sandboxd/internal/fixture"
	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
)

// newManager returns one whose commands start in an empty folder of their own.
func newManager(t *testing.T) *Manager {
	t.Helper()
	settings := fixture.Settings(t)
	env := func() []string { return []string{"PATH=" + os.Getenv("PATH")} }
	m := NewManager(settings, fixture.Table(t), proc.NewSlots(settings.MaxCommands), &metrics.Counters{}, env)
	t.Cleanup(m.KillAll)
	return m
}

func run(t *testing.T, m *Manager, options ExecOptions) Result {
	t.Helper()
	result, err := m.Exec(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// reads counts the system calls of this process that read, so far.
func reads(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	count, err := strconv.Atoi(regexp.MustCompile(`syscr: (\d+)`).FindStringSubmatch(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// Looking at every process takes long where there are many, so it must not be done for each command that is remembered.
func TestEndingManyCommandsLooksForAllTogether(t *testing.T) {
	m := newManager(t)
	ends := map[string]func(){
		"at the end": func() { m.Terminate(); m.KillAll() },
		"by kill": func() {
			if _, err := m.Kill("s", 9); err != nil {
				t.Fatal(err)
			}
		},
	}
	cost := func(end func()) int {
		before := reads(t)
		end()
		return reads(t) - before
	}
	run(t, m, ExecOptions{SessionID: "s", Command: ":"})
	few := map[string]int{}
	for name, end := range ends {
		few[name] = cost(end)
	}
	for range 60 {
		run(t, m, ExecOptions{SessionID: "s", Command: ":"})
	}
	for name, end := range ends {
		if many := cost(end); many > 10*few[name] {
			t.Errorf("%s: %d reads for one command that is over, %d for 61", name, few[name], many)
		}
	}
}

func TestKillFindsWhatEachCommandLeft(t *testing.T) {
	m := newManager(t)
	for range 3 {
		run(t, m, ExecOptions{SessionID: "s", Command: "setsid sleep 1000 >/dev/null 2>&1 & "})
	}
	running := run(t, m, ExecOptions{SessionID: "s", Command: "sleep 1000; :", Async: true})
	other := run(t, m, ExecOptions{SessionID: "t", Command: "sleep 1000; :", Async: true})
	commands := append([]*command(nil), m.sessions["s"].commands...)
	if count, err := m.Kill("s", 9); count != 1 || err != nil {
		t.Errorf("%d killed, %v", count, err)
	}
	if left := scopes(commands).Members(nil); len(left) > 0 {
		t.Errorf("%v live on", left)
	}
	for session, command := range map[string]string{"s": running.CommandID, "t": other.CommandID} {
		result, err := m.Output(context.Background(), OutputOptions{SessionID: session, CommandID: command})
		if want := map[string]Status{"s": Killed, "t": Running}[session]; err != nil || result.Status != want {
			t.Errorf("%s is %s, %v", session, result.Status, err)
		}
	}
}

// However late output is read, a command is over only when what it has written is there.
func TestOutputThatIsReadLateIsComplete(t *testing.T) {
	m := newManager(t)
	const size = 60_000 // more than one read takes, and less than a pipe holds
	for _, to := range []string{"1", "2"} {
		// The background process keeps the pipes open, so that their end does not tell.
		line := fmt.Sprintf("sleep 1000 & head -c %d /dev/zero >&%s", size, to)
		run(t, m, ExecOptions{SessionID: to, Command: line, Async: true})
		c := m.sessions[to].commands[0]
		c.mu.Lock() // nothing can be read
		<-c.process.Done
		time.Sleep(2 * drain)
		for c.status == Running {
			c.mu.Unlock()
			c.mu.Lock()
		}
		if got := c.out.capture.Total() + c.err.capture.Total(); got != size {
			t.Errorf("stream %s: the command is %s with %d bytes of %d", to, c.status, got, size)
		}
		c.mu.Unlock()
	}
}

func TestBackgroundThatWritesForEverDoesNotKeepACommand(t *testing.T) {
	m := newManager(t)
	result := run(t, m, ExecOptions{Command: "yes & yes >&2 &", Wait: 30 * time.Second})
	if result.Status != Completed {
		t.Errorf("the command is %s", result.Status)
	}
}

// A command that is one process is asked like others, and then has the grace.
func TestTerminateCountsTheCommandItself(t *testing.T) {
	m := newManager(t)
	run(t, m, ExecOptions{SessionID: "s", Command: "exec sleep 1000", Async: true})
	if asked := m.Terminate(); asked != 1 {
		t.Errorf("%d processes were asked to end", asked)
	}
}
