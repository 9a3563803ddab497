package metrics

import (
	"strings"
	"testing"
	"time"
)

func text(t *testing.T, c *Counters, state State) string {
	t.Helper()
	var out strings.Builder
	if err := c.Write(&out, state); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCountsWhatItIsTold(t *testing.T) {
	var c Counters
	c.Ended(Bash, 0)
	c.Ended(Bash, 3)
	c.Command(Shell, Refused)
	c.Output(Shell, 5)
	c.Output(Shell, 7)
	c.Begin()("POST", "/v1/bash/exec", 200, 30*time.Millisecond)
	c.Begin()("POST", "/v1/bash/exec", 200, time.Hour)
	c.Begin()("", "", 403, time.Millisecond)
	c.Begin()
	got := text(t, &c, State{Version: "1.2.3", ShellSessions: 4, MaxSessions: 32, RunningCommands: 2, MaxCommands: 64})
	for _, line := range []string{
		`sandboxd_sessions{kind="shell"} 4`,
		`sandboxd_shell_sessions_limit 32`,
		`sandboxd_commands_running 2`,
		`sandboxd_commands_limit 64`,
		`sandboxd_commands_total{kind="bash",outcome="succeeded"} 1`,
		`sandboxd_commands_total{kind="bash",outcome="failed"} 1`,
		`sandboxd_commands_total{kind="shell",outcome="refused"} 1`,
		`sandboxd_commands_total{kind="shell",outcome="killed"} 0`,
		`sandboxd_output_bytes_total{kind="shell"} 12`,
		`sandboxd_http_requests_in_flight 1`,
		`sandboxd_http_requests_total{method="POST",route="/v1/bash/exec",code="200"} 2`,
		`sandboxd_http_requests_total{method="",route="other",code="403"} 1`,
		`sandboxd_http_request_duration_seconds_bucket{method="POST",route="/v1/bash/exec",le="0.025"} 0`,
		`sandboxd_http_request_duration_seconds_bucket{method="POST",route="/v1/bash/exec",le="0.1"} 1`,
		`sandboxd_http_request_duration_seconds_bucket{method="POST",route="/v1/bash/exec",le="300"} 1`,
		`sandboxd_http_request_duration_seconds_bucket{method="POST",route="/v1/bash/exec",le="+Inf"} 2`,
		`sandboxd_http_request_duration_seconds_sum{method="POST",route="/v1/bash/exec"} 3600.03`,
		`sandboxd_http_request_duration_seconds_count{method="POST",route="/v1/bash/exec"} 2`,
	} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("missing %s in\n%s", line, got)
		}
	}
}

func TestTellsAboutTheProcess(t *testing.T) {
	got := text(t, &Counters{}, State{Started: time.UnixMilli(1500)})
	for _, name := range []string{
		"process_start_time_seconds 1.5\n", "process_resident_memory_bytes ", "process_open_fds ", "process_max_fds ",
		"process_cpu_seconds_total ", "go_goroutines ",
	} {
		if !strings.Contains(got, "\n"+name) {
			t.Errorf("missing %s in\n%s", name, got)
		}
	}
}

func TestEscapesLabels(t *testing.T) {
	got := text(t, &Counters{}, State{Version: "a\"b\\c\nd"})
	if !strings.Contains(got, `version="a\"b\\c\nd"`) {
		t.Error(got)
	}
}

func TestBoundaries(t *testing.T) {
	for seconds, want := range map[float64]int{0: 0, 0.005: 0, 0.0051: 1, 300: 10, 301: 11} {
		if got := bucket(seconds); got != want {
			t.Errorf("%v s is in bucket %d, want %d", seconds, got, want)
		}
	}
}
