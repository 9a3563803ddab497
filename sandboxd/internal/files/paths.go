package files

import (
	"path/filepath"
	"strings"

	"sandlot.dev/sandboxd/internal/config"
)

// Store serves files within the limits of its settings.
type Store struct{ Settings config.Config }

// Resolve makes a path absolute: "~" is the home folder, anything relative begins at the workspace.
func (s Store) Resolve(path, operation string) (string, error) {
	switch {
	case path == "":
		return "", problem(path, operation, "invalid_path", "the path is empty")
	case strings.ContainsRune(path, 0):
		return "", problem(path, operation, "invalid_path", "the path contains a NUL byte")
	case path == "~", strings.HasPrefix(path, "~/"):
		path = s.Settings.Home + path[1:]
	case !filepath.IsAbs(path):
		path = filepath.Join(s.Settings.Workspace, path)
	}
	return filepath.Clean(path), nil
}
