package shell

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

const flood = 4 << 20 // more than any terminal holds

func TestInputThatNobodyReads(t *testing.T) {
	m := newManager(t)
	run(t, m, ExecOptions{ID: "s", Command: "kept=1; sleep 1000", Async: true})
	var unread error
	within(t, "a write that nobody reads", func() { _, unread = m.Write("s", strings.Repeat("x\n", flood)) })
	if !errors.Is(unread, ErrUnread) {
		t.Errorf("the write was answered %v", unread)
	}
	written := make(chan error, 1)
	go func() {
		_, err := m.Write("s", strings.Repeat("x\n", flood))
		written <- err
	}()
	within(t, "a list of the sessions", func() { m.List() })
	within(t, "a kill", func() {
		if status, _, err := m.Kill("s"); status != Terminated || err != nil {
			t.Errorf("killed: %s, %v", status, err)
		}
	})
	within(t, "the other write", func() {
		if err := <-written; !errors.Is(err, ErrIdle) {
			t.Errorf("a write into a command that was killed was answered %v", err)
		}
	})
	within(t, "the next command", func() {
		if result := run(t, m, ExecOptions{ID: "s", Command: "echo next"}); result.Output != "next" {
			t.Errorf("the next command printed %q", result.Output)
		}
	})
}

// A terminal that takes no command is replaced with its bash, and the session goes on.
func TestTerminalThatTakesNothing(t *testing.T) {
	m := newManager(t)
	run(t, m, ExecOptions{ID: "s", Command: ":"})
	s, _ := m.Get("s")
	s.mu.Lock()
	old := s.process
	s.terminal.master.Close()
	s.mu.Unlock()
	within(t, "a command", func() {
		if result := run(t, m, ExecOptions{ID: "s", Command: "echo fresh"}); result.Output != "fresh" {
			t.Errorf("the command printed %q", result.Output)
		}
	})
	within(t, "the bash that was replaced", func() { <-old.Done })
}

// What a program does not read is not for the shell: with an end of line and without, with an end of input between, and more
// than a terminal holds at once.
func TestInputLeftOver(t *testing.T) {
	m := newManager(t)
	run(t, m, ExecOptions{ID: "s", Command: "kept=1"})
	for name, input := range map[string]string{
		"lines": "touch made\n", "a line without an end": "touch made; ", "an end of input": "\x04\x04touch made\n",
		"a long line without an end": strings.Repeat("x", 5000), "many lines": strings.Repeat("touch made\n", 1000),
	} {
		started := run(t, m, ExecOptions{ID: "s", Command: "read -r line; sleep 1000", Async: true})
		if started.Status != Running {
			t.Fatalf("%s: the program is %s", name, started.Status)
		}
		if _, err := m.Write("s", "one\n"+input); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, _ := m.Get("s")
		waitUntil(t, "the program has read a line", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.scope.Members(nil)) == 1
		})
		for pid := range s.scope.Members(nil) {
			// The program ends by itself: an interrupt would empty the terminal.
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		within(t, name, func() {
			_, _ = m.Wait(context.Background(), "s", 20*time.Second)
			if result := run(t, m, ExecOptions{ID: "s", Command: "(exit 3)"}); result.ExitCode == nil || *result.ExitCode != 3 {
				t.Errorf("%s: %+v", name, result)
			}
			if result := run(t, m, ExecOptions{ID: "s", Command: "echo $? $kept; ls"}); result.Output != "3 1" {
				t.Errorf("%s: the next command printed %q", name, result.Output)
			}
		})
	}
}
