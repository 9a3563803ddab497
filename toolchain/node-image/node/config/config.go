// Package config holds every flag and file of the node, as one text with placeholders.
package config

import (
	_ "embed"
	"os"
	"strings"
)

//go:embed config.txt
var text string

// File is a file to write at start.
type File struct{ Path, Body string }

// Render fills in the placeholders. A section whose name is a path is a file, any other holds a component's flags.
func Render(values map[string]string) (flags map[string][]string, files []File) {
	flags = map[string][]string{}
	expanded := os.Expand(text, func(name string) string { return values[name] })
	for _, section := range strings.Split("\n"+expanded, "\n--- ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		if strings.Contains(name, "/") {
			files = append(files, File{name, body + "\n"})
		} else {
			flags[name] = strings.Fields(body)
		}
	}
	return flags, files
}
