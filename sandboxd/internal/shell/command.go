package shell

import (
	"bytes"
	"strconv"
	"time"

	"sandlot.dev/sandboxd/internal/proc"
	"sandlot.dev/sandboxd/internal/text"
)

// Status of a command, as the API spells it.
type Status string

// The states of a shell command.
const (
	Running     Status = "running"
	Completed   Status = "completed"
	NoChange    Status = "no_change_timeout"
	HardTimeout Status = "hard_timeout"
	Terminated  Status = "terminated"
)

// command is one command of a session. Its fields are guarded by the session's mutex.
type command struct {
	text     string
	prompt   string
	status   Status
	exitCode *int
	output   *text.Capture
	changed  time.Time // when output last came
	older    proc.Pids // processes that were there before it
	ending   Status    // what it will be called when a kill has ended it
	done     chan struct{}
	start    []byte // the mark before its output
	end      []byte // the beginning of the mark after it
	begun    bool
	hidden   bool          // the server's own, not a client's
	frozen   bool          // what it prints no longer counts: it is being killed
	swept    chan struct{} // closed when an interrupt has killed what the command left
	anew     func() error  // hands it to a fresh bash; nil where that is not to be, or was
}

func newCommand(line, prompt string, limit int) (*command, string, string) {
	first, last := proc.Random(), proc.Random()
	return &command{
		text: line, prompt: prompt, status: Running, output: text.NewCapture(limit), changed: time.Now(),
		done: make(chan struct{}), start: []byte("\x1e" + first + "S\x00"), end: []byte("\x1e" + last + "E"),
	}, first, last
}

// take consumes what it can of data, which came from the terminal, and returns what it must see again with more
// behind it. ended tells that the command is over, with its code and the shell's folder.
func (c *command) take(data []byte) (rest []byte, ended bool, code int, folder string) {
	if !c.begun {
		at := bytes.Index(data, c.start)
		if at < 0 {
			// What came before the mark belongs to no command: prompts, notices of jobs.
			return data[len(data)-overlap(data, c.start):], false, 0, ""
		}
		c.begun = true
		c.changed = time.Now()
		data = data[at+len(c.start):]
	}
	at := bytes.Index(data, c.end)
	if at < 0 {
		hold := overlap(data, c.end)
		c.add(data[:len(data)-hold])
		return data[len(data)-hold:], false, 0, ""
	}
	c.add(data[:at])
	data = data[at:]
	stop := bytes.IndexByte(data, 0)
	if stop < 0 {
		return data, false, 0, ""
	}
	number, path, _ := bytes.Cut(data[len(c.end):stop], []byte{';'})
	code, _ = strconv.Atoi(string(number))
	return data[stop+1:], true, code, string(path)
}

func (c *command) add(data []byte) {
	if len(data) == 0 || c.frozen {
		return
	}
	_, _ = c.output.Write(data)
	c.changed = time.Now()
}

// overlap is the length of the longest end of data that is a beginning of mark.
func overlap(data, mark []byte) int {
	for n := min(len(data), len(mark)-1); n > 0; n-- {
		if bytes.Equal(data[len(data)-n:], mark[:n]) {
			return n
		}
	}
	return 0
}
