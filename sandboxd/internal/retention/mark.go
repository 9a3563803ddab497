// Package retention notes when a sandbox uses a folder of users' data, and removes the data that none has used for long.
// Both work on content that untrusted code has made.
package retention

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Marker is the file in a folder of users' data whose change time says when a sandbox last started with that folder. Code in
// the sandbox owns it. It can keep its own folder by it, but cannot make it look older: nobody can set a change time.
const Marker = ".last-used"

// Mark notes at path that the folder which holds it is used from now on. Links are not followed.
func Mark(path string) error {
	err := touch(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return touch(path) // another sandbox of the same folder was first
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// touch changes the change time, which needs no room on the disk.
func touch(path string) error {
	now := unix.Timespec{Nsec: unix.UTIME_NOW}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{now, now}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "touch", Path: path, Err: err}
	}
	return nil
}
