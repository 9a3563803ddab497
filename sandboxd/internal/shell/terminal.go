package shell

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	_ "embed"
)

//go:embed rc.sh
var startup []byte

// trigger makes the shell at its prompt take and run the next command, and then throw away its input until it is woken.
const trigger = "__sandboxd_take && :; builtin eval \"$__sandboxd_command\" 249>&- 250<&-; " +
	"{ __sandboxd_done && :; } 2>/dev/null; __sandboxd_wait && :\n"

// wake brings a shell that has run a command back to its prompt, where it is a comment. Clients do not type such a line.
const wake = "#\x1e\n"

// terminal is a pseudo-terminal with a bash on it and the file that brings the bash its commands. It is no pipe, because from
// one bash reads byte by byte, which under gVisor takes longer than a short command itself. Server and bash share its offset.
type terminal struct {
	master  *os.File // does not block: a terminal takes no more input than it holds until somebody reads it
	slave   *os.File
	control *os.File
	fd      int  // of slave while that is open: os.File.Fd() would make it blocking again with each call
	brings  bool // whether there is something in control
	waits   bool // whether the shell has run a command, and throws its input away
	typed   bool // whether somebody else has typed since the last command of the server's
}

// openTerminal prepares cmd to run on a new terminal and returns the child's start-up file, to be closed after the start.
func openTerminal(cmd *exec.Cmd) (*terminal, *os.File, error) {
	opened, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	master, err := unblocked(opened)
	opened.Close()
	if err != nil {
		slave.Close()
		return nil, nil, err
	}
	t := &terminal{master: master, slave: slave, fd: int(slave.Fd())}
	t.reset()
	_ = unix.IoctlSetWinsize(t.fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120})
	control, err := unix.MemfdCreate("commands", unix.MFD_CLOEXEC)
	if err != nil {
		t.close()
		return nil, nil, err
	}
	t.control = os.NewFile(uintptr(control), "commands")
	rcRead, rcWrite, err := os.Pipe()
	if err != nil {
		t.close()
		return nil, nil, err
	}
	// The file is far smaller than a pipe holds.
	_, _ = rcWrite.Write(startup)
	rcWrite.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.ExtraFiles = []*os.File{t.control, rcRead}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	return t, rcRead, nil
}

// unblocked returns the same open file with calls that do not block. The library asks its own for os.File.Fd(), which makes it
// blocking for good.
func unblocked(file *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), file.Name()), nil
}

// put types what the terminal takes at once, and returns how much that was. It never waits.
func (t *terminal) put(input string) (int, error) {
	connection, err := t.master.SyscallConn()
	if err != nil {
		return 0, err
	}
	const most = 64 << 10 // about what a terminal holds
	n, data := 0, []byte(input[:min(len(input), most)])
	controlled := connection.Control(func(fd uintptr) {
		for {
			n, err = unix.Write(int(fd), data)
			if err != unix.EINTR {
				return
			}
		}
	})
	if controlled != nil {
		return 0, controlled
	}
	if err == unix.EAGAIN {
		err = nil
	}
	return max(n, 0), err
}

// reset undoes what a program did to the terminal: no echo, no line-end translation of output, signals from keys.
func (t *terminal) reset() {
	settings, err := unix.IoctlGetTermios(t.fd, unix.TCGETS)
	if err != nil {
		return
	}
	before := *settings
	settings.Iflag = unix.ICRNL | unix.IUTF8
	settings.Oflag = 0
	settings.Lflag = unix.ISIG | unix.ICANON | unix.IEXTEN
	settings.Cc[unix.VINTR], settings.Cc[unix.VQUIT], settings.Cc[unix.VEOF] = 3, 28, 4
	settings.Cc[unix.VERASE], settings.Cc[unix.VKILL], settings.Cc[unix.VSUSP] = 127, 21, 26
	settings.Cc[unix.VMIN], settings.Cc[unix.VTIME] = 1, 0
	if *settings != before {
		_ = unix.IoctlSetTermios(t.fd, unix.TCSETS, settings)
	}
}

// next hands a command to the shell, and before it the NAME=value that the shell is to export. Input left over from the
// command before is thrown away. It tells whether the terminal took the command: not if it is full of what nobody reads.
func (t *terminal) next(variables []string, folder, first, line, last string) bool {
	t.reset()
	fields := []string{"-" + first + line, last, ""}
	if len(variables) > 0 || folder != "" {
		fields = slices.Concat([]string{"+" + first + line}, variables, []string{"", folder, last, ""})
	}
	t.forget()
	t.brings = true
	_, _ = t.control.WriteAt([]byte(strings.Join(fields, "\x00")), 0)
	_, _ = t.control.Seek(0, io.SeekStart)
	line = trigger
	if t.waits {
		line = wake + trigger
	}
	if t.typed {
		_ = unix.IoctlSetInt(t.fd, unix.TCFLSH, unix.TCIFLUSH)
		// What is left may have no end of line, and be as long as a line can be.
		line = "\n" + line
	}
	t.waits, t.typed = false, false
	// A shell that still throws away a lot of input makes room in a moment.
	for rest, tries := line, 100; tries > 0; tries-- {
		n, err := t.put(rest)
		if rest = rest[n:]; err != nil || rest == "" {
			return err == nil
		}
		time.Sleep(inputPause)
	}
	return false
}

// forget frees what the last command took.
func (t *terminal) forget() {
	if t.brings {
		_ = t.control.Truncate(0)
		t.brings = false
	}
}

// closeSlave lets go of the shell's side. Its number may soon be another file's.
func (t *terminal) closeSlave() {
	t.slave.Close()
	t.fd = -1
}

func (t *terminal) close() {
	t.master.Close()
	t.closeSlave()
	if t.control != nil {
		t.control.Close()
	}
}
