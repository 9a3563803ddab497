// Package info describes the sandbox: its system, its runtimes and tools.
package info

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Detail is the `detail` of GET /v1/sandbox.
type Detail struct {
	System  System      `json:"system"`
	Runtime Runtime     `json:"runtime"`
	Utils   []Utilities `json:"utils"`
}

// System is where the server runs.
type System struct {
	OS            string   `json:"os"`
	OSVersion     string   `json:"os_version"`
	Arch          string   `json:"arch"`
	User          string   `json:"user"`
	HomeDir       string   `json:"home_dir"`
	Workspace     string   `json:"workspace"`
	Timezone      string   `json:"timezone"`
	OccupiedPorts []string `json:"occupied_ports"` // clients of the API refuse numbers
}

// Runtime lists the language runtimes.
type Runtime struct {
	Python []Language `json:"python"`
	NodeJS []Language `json:"nodejs"`
}

// Language is one installed version.
type Language struct {
	Version string   `json:"ver"`
	Binary  string   `json:"bin"`
	Alias   []string `json:"alias"`
}

// Utilities are tools of one kind.
type Utilities struct {
	Category string `json:"category"`
	Tools    []Tool `json:"tools"`
}

// Tool is a program on the PATH.
type Tool struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

var known = []Utilities{
	{"text", []Tool{{"grep", "search text"}, {"sed", "edit streams"}, {"awk", "process columns"}, {"jq", "query JSON"}}},
	{"files", []Tool{{"find", "find files"}, {"tar", "archives"}, {"gzip", "compression"}, {"unzip", "zip archives"}}},
	{"development", []Tool{{"git", "version control"}, {"make", "builds"}, {"gcc", "C compiler"}}},
	{"network", []Tool{{"curl", "transfer URLs"}, {"wget", "download files"}}},
}

// Describe looks at what is installed. It runs the interpreters, so it belongs into the build of an image.
func Describe() Detail {
	d := Detail{System: System{OS: "Linux", OSVersion: osVersion(), Arch: machine()}, Utils: []Utilities{}}
	d.Runtime.Python = languages("python3", "python")
	d.Runtime.NodeJS = languages("node", "nodejs")
	for _, group := range known {
		present := Utilities{Category: group.Category}
		for _, tool := range group.Tools {
			if _, err := exec.LookPath(tool.Name); err == nil {
				present.Tools = append(present.Tools, tool)
			}
		}
		if len(present.Tools) > 0 {
			d.Utils = append(d.Utils, present)
		}
	}
	return d
}

var number = regexp.MustCompile(`\d+(\.\d+)+`)

func languages(names ...string) []Language {
	found := map[string]*Language{}
	list := []Language{}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		if found[real] != nil {
			found[real].Alias = append(found[real].Alias, name)
			continue
		}
		output, err := exec.Command(real, "--version").Output()
		if version := number.FindString(string(output)); err == nil && version != "" {
			found[real] = &Language{Version: version, Binary: real, Alias: []string{name}}
		}
	}
	for _, language := range found {
		list = append(list, *language)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Binary < list[j].Binary })
	return list
}

// Reader gives the detail of the running sandbox; what cannot change is found out once.
type Reader struct {
	file, home, workspace string
	once                  sync.Once
	fixed                 Detail
}

// NewReader returns a reader that begins with what Describe wrote to file when the image was built, if it is there.
func NewReader(file, home, workspace string) *Reader {
	return &Reader{file: file, home: home, workspace: workspace}
}

// Detail is cheap after the first call.
func (r *Reader) Detail() Detail {
	r.once.Do(func() {
		content, err := os.ReadFile(r.file)
		if err != nil || json.Unmarshal(content, &r.fixed) != nil {
			r.fixed = withoutVersions()
		}
		r.fixed.System.HomeDir, r.fixed.System.Workspace = r.home, r.workspace
		r.fixed.System.User = strconv.Itoa(os.Geteuid())
		if account, err := user.Current(); err == nil {
			r.fixed.System.User = account.Username
		}
		r.fixed.System.Timezone = time.Now().Location().String()
		if zone := os.Getenv("TZ"); zone != "" {
			r.fixed.System.Timezone = zone
		} else if r.fixed.System.Timezone == "Local" {
			r.fixed.System.Timezone, _ = time.Now().Zone()
		}
	})
	d := r.fixed
	d.System.OccupiedPorts = ports()
	return d
}

// withoutVersions is for a server outside its image: no program is run for a probe.
func withoutVersions() Detail {
	return Detail{
		System:  System{OS: "Linux", OSVersion: osVersion(), Arch: machine()},
		Runtime: Runtime{Python: []Language{}, NodeJS: []Language{}}, Utils: []Utilities{},
	}
}

func machine() string {
	if name := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]; name != "" {
		return name
	}
	return runtime.GOARCH
}

func osVersion() string {
	content, _ := os.ReadFile("/etc/os-release")
	for _, line := range strings.Split(string(content), "\n") {
		if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// ports are the TCP ports on which something listens.
func ports() []string {
	seen := map[int]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		content, _ := os.ReadFile(file)
		for _, line := range strings.Split(string(content), "\n") {
			fields := strings.Fields(line)
			const listening = "0A"
			if len(fields) < 4 || fields[3] != listening {
				continue
			}
			_, digits, _ := strings.Cut(fields[1], ":")
			if port, err := strconv.ParseInt(digits, 16, 32); err == nil {
				seen[int(port)] = true
			}
		}
	}
	list := []string{}
	for _, port := range slices.Sorted(maps.Keys(seen)) {
		list = append(list, strconv.Itoa(port))
	}
	return list
}
