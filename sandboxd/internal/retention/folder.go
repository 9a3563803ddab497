package retention

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"syscall"
	"time"
)

// atOnce is how many names are read from a directory at once, however many it has.
const atOnce = 512

var errNotFolder = errors.New("it is no folder, or not the one that it was")

// child opens a folder of parent by its name, and nothing that only leads to one: a link, or what takes its place meanwhile.
// Whatever happens below it, the folder that is returned leads to nothing outside itself (os.Root).
func child(parent *os.Root, name string) (*os.Root, error) {
	before, err := parent.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, errNotFolder
	}
	folder, err := parent.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	after, err := folder.Stat(".")
	if err != nil || !os.SameFile(before, after) {
		return nil, errors.Join(errNotFolder, err, folder.Close())
	}
	return folder, nil
}

// each calls visit with the names in folder, a few at a time, until it fails.
func each(folder *os.Root, visit func(name string) error) error {
	listing, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer listing.Close()
	for {
		names, err := listing.Readdirnames(atOnce)
		for _, name := range names {
			if err := visit(name); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || (err == nil && len(names) == 0) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// shuffled returns the names in folder in an order that nobody can choose: what takes long in one does not starve the same
// others in every run.
func shuffled(folder *os.Root) ([]string, error) {
	var names []string
	err := each(folder, func(name string) error {
		names = append(names, name)
		return nil
	})
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names, err
}

// changed is when a file was last changed, as nobody can make it look: its change time. To remove one of several names of a file
// sets that for all of them, so that such a file goes by the time of its content.
func changed(info fs.FileInfo) time.Time {
	if stat, known := info.Sys().(*syscall.Stat_t); known && stat.Nlink > 1 {
		return info.ModTime()
	}
	return changeTime(info)
}

// changeTime is when content, name, owner or times of a file were last changed. No call sets it to anything but the present.
func changeTime(info fs.FileInfo) time.Time {
	if stat, known := info.Sys().(*syscall.Stat_t); known {
		return time.Unix(stat.Ctim.Unix())
	}
	return info.ModTime()
}

// device is the file system that something is on.
func device(info fs.FileInfo) uint64 {
	if stat, known := info.Sys().(*syscall.Stat_t); known {
		return uint64(stat.Dev)
	}
	return 0
}
