package retention

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"
)

// deepest is how far down a tree is followed with a descriptor for each level; what lies deeper is first moved up.
const deepest = 64

var (
	errUnmarked = errors.New("no sandbox is known to have used it")
	errUsed     = errors.New("it was used since")
)

// removal empties one folder of users' data.
type removal struct {
	ctx    context.Context
	top    *os.Root
	before time.Time
	// device is the volume's: what is mounted below it is not of it.
	device uint64

	removed int // entries that are gone
	left    int // entries that cannot be removed, or are not ours to remove
	moved   int // folders that were moved up, to be emptied by another pass
	err     error
}

// run removes all that is in the folder, the marker last: a removal that was cut short is gone on with by the next sweep.
func (r *removal) run() error {
	if err := r.check(); err != nil {
		return err
	}
	if err := r.look(r.top, 0); err != nil {
		return err
	}
	for {
		r.moved = 0
		if err := r.empty(r.top, nil); err != nil {
			return err
		}
		if r.moved == 0 {
			break
		}
	}
	if r.left > 0 {
		return r.err
	}
	if err := r.check(); err != nil {
		return err
	}
	// Some file systems leave names out of a listing while others are removed.
	if err := each(r.top, func(name string) error {
		if name != Marker {
			r.left++
		}
		return nil
	}); err != nil || r.left > 0 {
		return err
	}
	return r.top.Remove(Marker)
}

// check fails if the folder has been used since, which holds for each single entry that is removed: a sandbox that starts
// meanwhile has its data left alone from the next entry on.
func (r *removal) check() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	marker, err := r.top.Lstat(Marker)
	if errors.Is(err, fs.ErrNotExist) {
		return errUnmarked
	}
	if err != nil {
		return err
	}
	if !marker.Mode().IsRegular() {
		return errUnmarked
	}
	if !changeTime(marker).Before(r.before) {
		return errUsed
	}
	return nil
}

// look fails if a file was changed since, as by somebody who writes to the volume without a sandbox. Folders do not count: the
// removal itself changes them. What cannot be read is not looked at.
func (r *removal) look(folder *os.Root, depth int) error {
	return each(folder, func(name string) error {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		info, err := folder.Lstat(name)
		if err != nil {
			return nil
		}
		if !info.IsDir() {
			if !changed(info).Before(r.before) {
				return errUsed
			}
			return nil
		}
		if depth >= deepest || device(info) != r.device {
			return nil
		}
		inner, err := child(folder, name)
		if err != nil {
			return nil
		}
		defer inner.Close()
		if err := r.look(inner, depth+1); errors.Is(err, errUsed) || r.ctx.Err() != nil {
			return err
		}
		return nil
	})
}

// empty removes what is in folder, which is at place below the top.
func (r *removal) empty(folder *os.Root, place []string) error {
	return each(folder, func(name string) error {
		if len(place) == 0 && name == Marker {
			return nil
		}
		if err := r.check(); err != nil {
			return err
		}
		info, err := folder.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return r.leave(err)
		}
		if info.IsDir() {
			if stays, err := r.emptyChild(folder, name, info, place); stays || err != nil {
				return err
			}
		}
		// A link is removed, not what it leads to; a file loses this name, and keeps others that it has elsewhere.
		if err := folder.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r.leave(err)
		}
		r.removed++
		return nil
	})
}

// emptyChild empties the folder called name, unless it has to stay, or to be seen to later.
func (r *removal) emptyChild(folder *os.Root, name string, info fs.FileInfo, place []string) (stays bool, err error) {
	if device(info) != r.device {
		return true, r.leave(errors.New("another file system is mounted in it"))
	}
	if len(place) >= deepest {
		unlock(folder, name)
		if err := r.top.Rename(path.Join(path.Join(place...), name), ".moved-"+rand.Text()); err != nil {
			return true, r.leave(err)
		}
		r.moved++
		return true, nil
	}
	inner, err := openFolder(folder, name)
	if err != nil {
		return true, r.leave(err)
	}
	defer inner.Close()
	before := r.left
	err = r.empty(inner, append(place[:len(place):len(place)], name))
	return r.left > before, err
}

// leave notes that something cannot be removed, and goes on.
func (r *removal) leave(err error) error {
	r.left++
	if r.err == nil {
		r.err = err
	}
	return nil
}

// openFolder opens a folder that its owner may have shut.
func openFolder(parent *os.Root, name string) (*os.Root, error) {
	unlock(parent, name)
	return child(parent, name)
}

// unlock opens a folder to its owner, who we are as well, and who may have shut it even to itself. Only folders have their mode
// changed: a file may have another name elsewhere, whose mode that would be too.
func unlock(parent *os.Root, name string) {
	const whole = 0o700
	if info, err := parent.Lstat(name); err == nil && info.IsDir() && info.Mode().Perm()&whole != whole {
		// One that is not ours may be open enough all the same.
		_ = parent.Chmod(name, whole)
	}
}
