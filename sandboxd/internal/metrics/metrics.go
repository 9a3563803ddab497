// Package metrics counts what the server does and says so in the Prometheus text format
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// It is written by hand because it has to cost nothing: memory is paid for in every sandbox, and the usual client library
// would add half as much again to the idle server and to the binary (README.md has the figures).
// What is served is fixed when the server is built: a handful of counters, gauges and one histogram, whose labels come from
// the server's own routes and states, never from a request. So no client can make series, and nothing of what runs in the
// sandbox (commands, paths, session ids) is in it.
package metrics

import (
	"sync"
	"sync/atomic"
	"time"
)

// Kind of a command and of its session: which part of the API it came by.
type Kind int

// The kinds.
const (
	Shell Kind = iota
	Bash
	kinds
)

var kindNames = [kinds]string{"shell", "bash"}

// Outcome of a command.
type Outcome int

// The outcomes. Refused commands did not start: as many ran as may.
const (
	Succeeded Outcome = iota
	Failed
	TimedOut
	Killed
	Refused
	outcomes
)

var outcomeNames = [outcomes]string{"succeeded", "failed", "timed_out", "killed", "refused"}

// Counters of one server. The zero value is ready; all methods may be called by several goroutines.
type Counters struct {
	commands [kinds][outcomes]atomic.Int64
	output   [kinds]atomic.Int64
	inFlight atomic.Int64

	mu       sync.Mutex
	requests map[route]*requests
}

// route is the label set of requests: a pattern of the server's own, or "other".
type route struct{ method, path string }

// requests of one route.
type requests struct {
	codes   map[int]int64
	buckets [len(bounds) + 1]int64 // the last one is for what takes longer than all bounds
	seconds float64
}

// bounds of the histogram in seconds: answers come in milliseconds, waits for commands take as long as those.
var bounds = [...]float64{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300}

// Command counts a command that has ended, or was refused.
func (c *Counters) Command(kind Kind, outcome Outcome) { c.commands[kind][outcome].Add(1) }

// Ended counts a command that ended by itself with an exit code.
func (c *Counters) Ended(kind Kind, exitCode int) {
	outcome := Succeeded
	if exitCode != 0 {
		outcome = Failed
	}
	c.Command(kind, outcome)
}

// Output counts bytes that commands wrote.
func (c *Counters) Output(kind Kind, bytes int) { c.output[kind].Add(int64(bytes)) }

// Begin counts a request that came in; the returned function counts its answer. method and path are those of the route
// that took it, both empty when none did.
func (c *Counters) Begin() func(method, path string, code int, took time.Duration) {
	c.inFlight.Add(1)
	return func(method, path string, code int, took time.Duration) {
		c.inFlight.Add(-1)
		if path == "" {
			method, path = "", "other"
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.requests == nil {
			c.requests = map[route]*requests{}
		}
		r := c.requests[route{method, path}]
		if r == nil {
			r = &requests{codes: map[int]int64{}}
			c.requests[route{method, path}] = r
		}
		r.codes[code]++
		r.seconds += took.Seconds()
		r.buckets[bucket(took.Seconds())]++
	}
}

// bucket is the index of the first bound that is not less than seconds.
func bucket(seconds float64) int {
	for i, bound := range bounds {
		if seconds <= bound {
			return i
		}
	}
	return len(bounds)
}
