package files

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// WriteOptions say how content becomes bytes and where they go.
type WriteOptions struct {
	Content         string
	Encoding        string // utf-8, base64 or raw
	Append          bool
	LeadingNewline  bool // with utf-8 only
	TrailingNewline bool // with utf-8 only
}

// payload is what is written: text as it came, or bytes. An upload is large, so it is not copied from one to the other.
type payload interface {
	io.WriterTo
	io.Seeker
	Len() int
}

func (o WriteOptions) payload(path string) (payload, error) {
	switch o.Encoding {
	case "base64":
		data, err := base64.StdEncoding.DecodeString(strings.Map(dropSpace, o.Content))
		if err != nil {
			return nil, problem(path, "write", "decode_error", "content is not valid base64: "+err.Error())
		}
		return bytes.NewReader(data), nil
	case "raw":
		return strings.NewReader(o.Content), nil
	}
	content := o.Content
	if o.LeadingNewline {
		content = "\n" + content
	}
	if o.TrailingNewline {
		content += "\n"
	}
	return strings.NewReader(content), nil
}

func dropSpace(r rune) rune {
	if r == '\n' || r == '\r' || r == ' ' {
		return -1
	}
	return r
}

// Write stores content in a file, made with its folders if need be, and returns how many bytes it wrote. A file is
// replaced as a whole, so that no reader sees half of it; its mode stays. Links are followed.
func (s Store) Write(path string, options WriteOptions) (int, error) {
	data, err := options.payload(path)
	if err != nil {
		return 0, err
	}
	size := data.Len()
	if strings.HasSuffix(path, "/") {
		return 0, refuse(path, "write", syscall.EISDIR)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, wrap(path, "write", err)
	}
	target := path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real
	} else if link, linkErr := os.Readlink(path); linkErr == nil {
		// A dangling link: the file that it names is made.
		if target = link; !filepath.IsAbs(link) {
			target = filepath.Join(filepath.Dir(path), link)
		}
	}
	stat, err := os.Stat(target)
	switch {
	case err == nil && stat.IsDir():
		return 0, refuse(path, "write", syscall.EISDIR)
	case err == nil && !stat.Mode().IsRegular():
		return 0, problem(path, "write", "invalid_target", fmt.Sprintf("%s is not a regular file", path))
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return 0, wrap(path, "write", err)
	}
	if options.Append {
		err = inPlace(target, data, os.O_APPEND)
	} else if stat != nil && (links(stat) > 1 || unwritable(target)) {
		// A second name must go on seeing the same file; an unwritable one must not be replaced behind its mode.
		err = inPlace(target, data, os.O_TRUNC)
	} else if err = replace(target, data, stat); errors.Is(err, errNoTemporary) {
		err = inPlace(target, data, os.O_TRUNC)
	}
	if err != nil {
		return 0, wrap(path, "write", err)
	}
	return size, nil
}

// errNoTemporary says that the folder takes no new file, while the file itself may well be writable.
var errNoTemporary = errors.New("no temporary file")

func replace(path string, data payload, old os.FileInfo) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".sandboxd-*")
	if err != nil {
		if old != nil {
			return errNoTemporary
		}
		return err
	}
	mode := os.FileMode(0o644)
	if old != nil {
		mode = old.Mode().Perm()
	}
	err = write(temporary, data)
	if err == nil {
		err = temporary.Chmod(mode)
	}
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err == nil && old != nil && foreign(old) {
		os.Remove(temporary.Name())
		return errNoTemporary
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		os.Remove(temporary.Name())
		if old != nil && (errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV)) {
			// A file that is a mount point cannot be renamed over.
			return errNoTemporary
		}
	}
	return err
}

func inPlace(path string, data payload, flag int) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NONBLOCK|flag, 0o644)
	if err != nil {
		return err
	}
	err = write(file, data)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// write writes all of data, also if some of it was written elsewhere before.
func write(file *os.File, data payload) error {
	_, err := data.Seek(0, io.SeekStart)
	if err == nil {
		_, err = data.WriteTo(file)
	}
	return err
}

func links(stat os.FileInfo) uint64 {
	if system, ok := stat.Sys().(*syscall.Stat_t); ok {
		return uint64(system.Nlink)
	}
	return 1
}

// foreign tells that a file belongs to somebody else, which a replacement would change.
func foreign(stat os.FileInfo) bool {
	system, ok := stat.Sys().(*syscall.Stat_t)
	return ok && int(system.Uid) != os.Geteuid()
}

func unwritable(path string) bool {
	const write = 2
	return syscall.Access(path, write) != nil
}
