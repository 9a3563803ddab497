package files

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"
	"time"
)

// ListOptions say what to list and how.
type ListOptions struct {
	Recursive          bool
	ShowHidden         bool
	FileTypes          []string // extensions, with or without the dot; folders are listed all the same
	MaxDepth           int      // of a recursive listing; 0 is no limit
	IncludeSize        bool
	IncludePermissions bool
	SortBy             string // name, size, modified or type
	Descending         bool
}

// Info describes one file or folder.
type Info struct {
	Name        string  `json:"name"`
	Path        string  `json:"path"`
	IsDirectory bool    `json:"is_directory"`
	Size        *int64  `json:"size"`
	Modified    *string `json:"modified_time"`
	Permissions *string `json:"permissions"`
	Extension   *string `json:"extension"`

	bytes int64
	time  time.Time
}

// List returns what is in a folder, and whether there is more.
func (s Store) List(ctx context.Context, path string, options ListOptions) ([]Info, bool, error) {
	if err := folder(path, "list"); err != nil {
		return nil, false, err
	}
	depth := 1
	if options.Recursive {
		depth = options.MaxDepth
	}
	wanted := map[string]bool{}
	for _, kind := range options.FileTypes {
		wanted["."+strings.TrimPrefix(strings.ToLower(kind), ".")] = true
	}
	list := []Info{}
	truncated, err := s.walk(ctx, path, "list", depth, options.ShowHidden, func(e entry) (bool, error) {
		info := describe(e, options)
		if len(wanted) > 0 && !info.IsDirectory && (info.Extension == nil || !wanted[strings.ToLower(*info.Extension)]) {
			return true, nil
		}
		if len(list) >= s.Settings.MaxEntries {
			return false, errEnough
		}
		list = append(list, info)
		return true, nil
	})
	arrange(list, options)
	return list, truncated, err
}

func describe(e entry, options ListOptions) Info {
	info := Info{Name: e.name, Path: e.path, IsDirectory: e.item.IsDir()}
	var stat fs.FileInfo
	var err error
	if e.item.Type()&fs.ModeSymlink != 0 {
		// A link is described as what it leads to, or as itself when that is gone.
		if stat, err = os.Stat(e.path); err != nil {
			stat, err = e.item.Info()
		}
	} else {
		stat, err = e.item.Info()
	}
	if err == nil {
		info.IsDirectory, info.bytes, info.time = stat.IsDir(), stat.Size(), stat.ModTime()
		modified := stat.ModTime().UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		info.Modified = &modified
		if options.IncludeSize && !info.IsDirectory {
			info.Size = &info.bytes
		}
		if options.IncludePermissions {
			permissions := fmt.Sprintf("%03o", stat.Mode().Perm())
			info.Permissions = &permissions
		}
	}
	if dot := strings.LastIndexByte(e.name, '.'); dot > 0 && !info.IsDirectory {
		extension := e.name[dot:]
		info.Extension = &extension
	}
	return info
}

func arrange(list []Info, options ListOptions) {
	extension := func(i Info) string {
		if i.Extension == nil {
			return ""
		}
		return *i.Extension
	}
	before := map[string]func(a, b Info) bool{
		"size":     func(a, b Info) bool { return a.bytes < b.bytes },
		"modified": func(a, b Info) bool { return a.time.Before(b.time) },
		"type": func(a, b Info) bool {
			if a.IsDirectory != b.IsDirectory {
				return a.IsDirectory
			}
			return extension(a) < extension(b)
		},
		"name": func(a, b Info) bool { return a.Path < b.Path },
	}[options.SortBy]
	sort.SliceStable(list, func(i, j int) bool { return list[i].Path < list[j].Path })
	sort.SliceStable(list, func(i, j int) bool { return before(list[i], list[j]) })
	if options.Descending {
		slices.Reverse(list)
	}
}
