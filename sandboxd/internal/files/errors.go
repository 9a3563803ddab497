// Package files reads, writes, lists and searches files for the API.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Error is an expected failure: the API answers it with HTTP 200 and success false.
type Error struct {
	Path      string  `json:"path"`
	Operation string  `json:"operation"`
	Message   string  `json:"message"`
	Type      string  `json:"error_type"`
	Retryable bool    `json:"retryable"`
	Errno     *int    `json:"errno"`
	ErrnoName *string `json:"errno_name"`
}

func (e *Error) Error() string { return e.Message }

// problem is an Error that has no errno of its own.
func problem(path, operation, kind, message string) *Error {
	return &Error{Path: path, Operation: operation, Message: message, Type: kind}
}

// wrap turns an error of the operating system into an Error.
func wrap(path, operation string, err error) *Error {
	var already *Error
	if errors.As(err, &already) {
		return already
	}
	e := &Error{Path: path, Operation: operation, Type: "io_error", Message: fmt.Sprintf("%s: %s", path, reason(err))}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return e
	}
	number, name := int(errno), unix.ErrnoName(errno)
	e.Errno, e.ErrnoName = &number, &name
	switch errno {
	case syscall.ENOENT:
		e.Type = "not_found"
	case syscall.EACCES, syscall.EPERM:
		e.Type = "permission_denied"
	case syscall.EISDIR, syscall.ENOTDIR:
		e.Type = "invalid_target"
	case syscall.EEXIST:
		e.Type = "already_exists"
	case syscall.EINVAL, syscall.ENAMETOOLONG, syscall.ELOOP:
		e.Type = "invalid_path"
	case syscall.EROFS:
		e.Type = "read_only_filesystem"
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		e.Type = "no_space_left"
	case syscall.EAGAIN, syscall.EINTR, syscall.EBUSY, syscall.EMFILE, syscall.ENFILE, syscall.ETXTBSY:
		e.Retryable = true
	}
	return e
}

func reason(err error) string {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err.Error()
	case errors.As(err, &link):
		return link.Err.Error()
	}
	return err.Error()
}

func refuse(path, operation string, errno syscall.Errno) *Error { return wrap(path, operation, errno) }
