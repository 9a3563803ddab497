package bash

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"sandlot.dev/sandboxd/internal/config"
	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
)

var table = sync.OnceValues(proc.NewTable)

// newManager returns one whose commands start in an empty folder of their own.
func newManager(t *testing.T) *Manager {
	t.Helper()
	processes, err := table()
	if err != nil {
		t.Fatal(err)
	}
	settings := config.Default()
	settings.Home = t.TempDir()
	settings.Workspace = settings.Home
	env := func() []string { return []string{"PATH=" + os.Getenv("PATH")} }
	m := NewManager(settings, processes, proc.NewSlots(settings.MaxCommands), &metrics.Counters{}, env)
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
