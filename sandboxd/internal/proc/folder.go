package proc

import "os"

// IsFolder tells whether a process can be started in a path because there is a folder.
func IsFolder(path string) bool {
	stat, err := os.Stat(path)
	return err == nil && stat.IsDir()
}
