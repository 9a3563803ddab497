package metrics

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContentType of what WriteTo writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// State is what is asked for at each scrape.
type State struct {
	Version                     string
	Started                     time.Time
	ShellSessions, BashSessions int
	MaxSessions                 int
	RunningCommands             int
	MaxCommands                 int
}

// Write writes everything to w at once.
func (c *Counters) Write(w io.Writer, state State) error {
	e := &exposition{}
	e.family("sandboxd_build_info", "gauge", "The server's version and the Go that built it; always 1.")
	e.sample("sandboxd_build_info", 1, "version", state.Version, "goversion", runtime.Version())

	e.family("sandboxd_sessions", "gauge", "Sessions there are now.")
	e.sample("sandboxd_sessions", float64(state.ShellSessions), "kind", kindNames[Shell])
	e.sample("sandboxd_sessions", float64(state.BashSessions), "kind", kindNames[Bash])
	e.gauge("sandboxd_shell_sessions_limit", "Shell sessions there may be.", float64(state.MaxSessions))

	e.gauge("sandboxd_commands_running", "Commands that run now.", float64(state.RunningCommands))
	e.gauge("sandboxd_commands_limit", "Commands that may run at once.", float64(state.MaxCommands))
	e.family("sandboxd_commands_total", "counter", "Commands that have ended, by how; refused ones did not start.")
	for kind := range &c.commands {
		for outcome := range &c.commands[kind] {
			e.sample("sandboxd_commands_total", float64(c.commands[kind][outcome].Load()),
				"kind", kindNames[kind], "outcome", outcomeNames[outcome])
		}
	}
	e.family("sandboxd_output_bytes_total", "counter", "Bytes that commands wrote, kept or not.")
	for kind := range &c.output {
		e.sample("sandboxd_output_bytes_total", float64(c.output[kind].Load()), "kind", kindNames[kind])
	}

	c.writeRequests(e)
	writeProcess(e, state.Started)
	_, err := w.Write(e.text.Bytes())
	return err
}

func (c *Counters) writeRequests(e *exposition) {
	e.gauge("sandboxd_http_requests_in_flight", "Requests that have not been answered yet.", float64(c.inFlight.Load()))
	c.mu.Lock()
	defer c.mu.Unlock()
	routes := slices.SortedFunc(maps.Keys(c.requests), func(a, b route) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	e.family("sandboxd_http_requests_total", "counter", "Requests that were answered, by route and status code.")
	for _, r := range routes {
		codes := c.requests[r].codes
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			e.sample("sandboxd_http_requests_total", float64(codes[code]),
				"method", r.method, "route", r.path, "code", strconv.Itoa(code))
		}
	}
	const histogram = "sandboxd_http_request_duration_seconds"
	e.family(histogram, "histogram", "Time from a request's head to the end of its answer, waits for commands included.")
	for _, r := range routes {
		all := int64(0)
		for i, bound := range bounds {
			all += c.requests[r].buckets[i]
			e.sample(histogram+"_bucket", float64(all), "method", r.method, "route", r.path, "le", number(bound))
		}
		all += c.requests[r].buckets[len(bounds)]
		e.sample(histogram+"_bucket", float64(all), "method", r.method, "route", r.path, "le", "+Inf")
		e.sample(histogram+"_sum", c.requests[r].seconds, "method", r.method, "route", r.path)
		e.sample(histogram+"_count", float64(all), "method", r.method, "route", r.path)
	}
}

// exposition is text in the making.
type exposition struct{ text bytes.Buffer }

func (e *exposition) family(name, kind, help string) {
	fmt.Fprintf(&e.text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (e *exposition) gauge(name, help string, value float64) {
	e.family(name, "gauge", help)
	e.sample(name, value)
}

func (e *exposition) counter(name, help string, value float64) {
	e.family(name, "counter", help)
	e.sample(name, value)
}

// sample writes one line; labels are names and values in turn.
func (e *exposition) sample(name string, value float64, labels ...string) {
	e.text.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		e.text.WriteString(separator + labels[i] + `="` + escape.Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		e.text.WriteByte('}')
	}
	e.text.WriteString(" " + number(value) + "\n")
}

// escape is what the format asks for in label values.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }
