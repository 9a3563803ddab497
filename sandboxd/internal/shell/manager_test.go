package shell

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"sandlot.dev/sandboxd/internal/fixture"
	"sandlot.dev/sandboxd/internal/metrics"
	"sandlot.dev/sandboxd/internal/proc"
)

// newManager returns one whose sessions start in an empty folder of their own.
func newManager(t *testing.T) *Manager {
	t.Helper()
	settings := fixture.Settings(t)
	env := func() []string { return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + settings.Home} }
	m := NewManager(settings, fixture.Table(t), proc.NewSlots(settings.MaxCommands), &metrics.Counters{}, env)
	t.Cleanup(func() { m.DeleteAll() })
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

// within fails the test if something takes so long that it must be stuck.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	if !waitFor(done, 30*time.Second) {
		t.Fatalf("%s does not end", what)
	}
}

// waitUntil waits for something that happens by itself.
func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestSessionsThatWereLeftMakeRoom(t *testing.T) {
	m := newManager(t)
	m.settings.MaxSessions = 4
	begin := func() string { return run(t, m, ExecOptions{Command: "read -r line", Async: true}).SessionID }
	end := func(id string) {
		if _, err := m.Write(id, "\n"); err != nil {
			t.Fatal(err)
		}
		if status, err := m.Wait(context.Background(), id, 30*time.Second); status != Completed || err != nil {
			t.Fatalf("%s, %v", status, err)
		}
	}
	try := func(id string) error {
		_, err := m.Exec(context.Background(), ExecOptions{ID: id, Command: ":"})
		return err
	}
	if err := try("named"); err != nil {
		t.Fatal(err)
	}
	first, second, last := begin(), begin(), begin()
	if err := try("a"); !errors.Is(err, ErrTooMany) {
		t.Fatalf("while all that were left run: %v", err)
	}
	end(second)
	end(first)
	for _, id := range []string{"a", "b"} {
		if err := try(id); err != nil {
			t.Fatalf("beside sessions that were left: %v", err)
		}
		if id == "a" {
			if _, err := m.Get(first); err != nil {
				t.Error("another has been idle for longer")
			}
		}
	}
	end(last)
	if err := try("c"); !errors.Is(err, ErrTooMany) {
		t.Errorf("beside the default session and those with a name: %v", err)
	}
	for _, id := range []string{"named", "a", "b", last} {
		if _, err := m.Get(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A session whose programs go on in the background is in use.
func TestSessionWithBackgroundStays(t *testing.T) {
	m := newManager(t)
	m.settings.MaxSessions = 2
	left := run(t, m, ExecOptions{Command: "sleep 1000 & read -r line", Async: true}).SessionID
	run(t, m, ExecOptions{Command: ":"})
	if _, err := m.Write(left, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Wait(context.Background(), left, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Exec(context.Background(), ExecOptions{ID: "a", Command: ":"}); !errors.Is(err, ErrTooMany) {
		t.Errorf("beside a session that has something running: %v", err)
	}
}

func TestNobodyQueuesForLongerThanTheyWouldWait(t *testing.T) {
	m := newManager(t)
	background, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() { _, _ = m.Exec(background, ExecOptions{ID: "s", Command: "sleep 1000"}) }()
	waitUntil(t, "the command runs", func() bool { return m.List()["s"].Status == string(Running) })
	for name, options := range map[string]ExecOptions{
		"timeout": {ID: "s", Command: ":", Wait: 10 * time.Millisecond}, "async_mode": {ID: "s", Command: ":", Async: true},
	} {
		within(t, name, func() {
			_, err := m.Exec(context.Background(), options)
			if busy := (*BusyError)(nil); !errors.As(err, &busy) || busy.Command != "sleep 1000" {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestACommandThatNoBashTookGoesToAFreshOne(t *testing.T) {
	m := newManager(t)
	run(t, m, ExecOptions{ID: "s", Command: "cd /; export kept=1"})
	s, err := m.Get("s")
	if err != nil {
		t.Fatal(err)
	}
	bash := s.process.Pid
	// It takes nothing any more, and has not ended: as one that has, and whose end nobody has noticed.
	if err := syscall.Kill(bash, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	run(t, m, ExecOptions{ID: "s", Command: "echo on $kept", Async: true})
	if err := syscall.Kill(bash, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, "the command", func() {
		if status, err := m.Wait(context.Background(), "s", 30*time.Second); status != Completed || err != nil {
			t.Errorf("%s, %v", status, err)
		}
	})
	view, err := m.View("s")
	if err != nil || view.Output != "on" {
		t.Errorf("it printed %q, %v", view.Output, err)
	}
}
