package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
)

// entry is one thing that a walk found.
type entry struct {
	path     string // absolute
	relative string
	name     string
	item     fs.DirEntry
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// walk visits what is below root in the order of names; links are not followed. A folder that cannot be read is
// passed over, unless it is root itself. It returns whether it was cut short by a limit.
func (s Store) walk(ctx context.Context, root, operation string, depth int, hidden bool, visit func(entry) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Settings.WalkTimeout)
	defer cancel()
	visited := 0
	var descend func(folder, relative string, level int) error
	descend = func(folder, relative string, level int) error {
		items, err := os.ReadDir(folder)
		if err != nil && level == 1 {
			return err
		}
		for _, item := range items {
			if visited++; visited > s.Settings.MaxVisited || ctx.Err() != nil {
				return errEnough
			}
			name := item.Name()
			if !hidden && strings.HasPrefix(name, ".") {
				continue
			}
			e := entry{path: filepath.Join(folder, name), relative: filepath.Join(relative, name), name: name, item: item}
			enter, err := visit(e)
			if err != nil {
				return err
			}
			if enter && item.IsDir() && (depth <= 0 || level < depth) {
				if err := descend(e.path, e.relative, level+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := descend(root, "", 1)
	if errors.Is(err, errEnough) {
		return true, nil
	}
	if err != nil {
		return false, wrap(root, operation, err)
	}
	return false, nil
}

func folder(path, operation string) error {
	stat, err := os.Stat(path)
	if err != nil {
		return wrap(path, operation, err)
	}
	if !stat.IsDir() {
		return refuse(path, operation, syscall.ENOTDIR)
	}
	return nil
}

// Find returns the files below path that fit the pattern, sorted, and whether there may be more.
func (s Store) Find(ctx context.Context, path, pattern string) ([]string, bool, error) {
	if err := folder(path, "find"); err != nil {
		return nil, false, err
	}
	if filepath.IsAbs(pattern) {
		if relative, err := filepath.Rel(path, pattern); err == nil && !strings.HasPrefix(relative, "..") {
			pattern = relative
		}
	}
	glob, err := NewGlob(pattern)
	if err != nil {
		return nil, false, problem(path, "find", "invalid_pattern", "the glob "+pattern+" cannot be understood: "+err.Error())
	}
	found := []string{}
	truncated, err := s.walk(ctx, path, "find", 0, glob.Hidden, func(e entry) (bool, error) {
		if e.item.IsDir() || !glob.Match(e.relative, e.name) || linkToFolder(e) {
			return true, nil
		}
		if len(found) >= s.Settings.MaxEntries {
			return false, errEnough
		}
		found = append(found, e.path)
		return true, nil
	})
	sort.Strings(found)
	return found, truncated, err
}

func linkToFolder(e entry) bool {
	if e.item.Type()&fs.ModeSymlink == 0 {
		return false
	}
	stat, err := os.Stat(e.path)
	return err == nil && stat.IsDir()
}
