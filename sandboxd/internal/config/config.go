// Package config holds every limit and path of sandboxd, with its default and the variable that overrides it.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Config is read once at start. Sizes are bytes.
type Config struct {
	Address   string // SANDBOXD_ADDRESS: where to listen
	Home      string // SANDBOXD_HOME: HOME of commands, and what "~" means in paths
	Workspace string // SANDBOXD_WORKSPACE: where commands start and relative paths begin
	Detail    string // SANDBOXD_DETAIL: file written by `sandboxd describe` when the image was built
	Shell     string // SANDBOXD_SHELL: the bash to run
	Metrics   string // SANDBOXD_METRICS_ADDRESS: where /metrics is served; empty: nowhere

	AllowedHosts   []string // SANDBOXD_ALLOWED_HOSTS: names in Host beyond addresses and names of the cluster
	AllowedOrigins []string // SANDBOXD_ALLOWED_ORIGINS: web pages that may use the API

	UsedMarker string // SANDBOXD_USED_MARKER: the file whose change time says when users' data was last used; empty: none

	ClaimHash []byte // SANDBOXD_CLAIM_SHA256: of the secret that claims this sandbox; none: it need not be claimed

	MemoryLimit int64         // SANDBOXD_MEMORY_LIMIT: soft limit of the server's own heap
	Drain       time.Duration // SANDBOXD_DRAIN_SECONDS: for running commands to finish after SIGTERM, may be 0
	Grace       time.Duration // SANDBOXD_GRACE_SECONDS: between SIGTERM and SIGKILL of commands at shutdown
	BodyTimeout time.Duration // SANDBOXD_BODY_TIMEOUT_SECONDS: for a request to arrive whole

	MaxBody     int64 // SANDBOXD_MAX_BODY: a request's body
	MaxRead     int64 // SANDBOXD_MAX_READ: content returned by one file/read
	MaxDownload int64 // SANDBOXD_MAX_DOWNLOAD: a file that file/download serves
	MaxEntries  int   // SANDBOXD_MAX_ENTRIES: entries returned by one file/find or file/list
	MaxVisited  int   // SANDBOXD_MAX_VISITED: entries looked at by one file/find, list or grep

	WalkTimeout time.Duration // SANDBOXD_WALK_TIMEOUT_SECONDS: for one file/find, list or grep

	MaxSessions   int           // SANDBOXD_MAX_SESSIONS: shell sessions, each a bash with a terminal
	MaxCommands   int           // SANDBOXD_MAX_COMMANDS: commands running at once, shell and bash together
	MaxOutput     int           // SANDBOXD_MAX_OUTPUT: kept of one output stream of one command (start and end)
	MaxRetained   int64         // SANDBOXD_MAX_RETAINED: kept of all finished bash commands together
	ShellChars    int           // SANDBOXD_SHELL_CHARS: characters that shell/exec returns with truncate
	NoChange      time.Duration // SANDBOXD_NO_CHANGE_SECONDS: shell/exec returns after so long without output
	CommandLimit  time.Duration // SANDBOXD_COMMAND_SECONDS: no command runs longer, whatever the request says
	MaxBashRecall int           // SANDBOXD_MAX_BASH_SESSIONS: bash sessions remembered
}

// Default returns the settings of a sandbox pod.
func Default() Config {
	return Config{
		Address: ":8080", Home: "/home/sandbox", Detail: "/usr/local/share/sandboxd/detail.json", Shell: "/bin/bash",
		MemoryLimit: 192 << 20, Grace: 2 * time.Second, BodyTimeout: time.Minute,
		MaxBody: 64 << 20, MaxRead: 16 << 20, MaxDownload: 1 << 30, MaxEntries: 20_000, MaxVisited: 500_000,
		WalkTimeout: 30 * time.Second,
		MaxSessions: 32, MaxCommands: 64, MaxOutput: 2 << 20, MaxRetained: 32 << 20, ShellChars: 30_000,
		NoChange: 120 * time.Second, CommandLimit: 24 * time.Hour, MaxBashRecall: 256,
	}
}

// FromEnv returns the defaults as overridden by SANDBOXD_* variables. Home falls back to HOME, Workspace to Home.
func FromEnv(get func(string) string) (Config, error) {
	c := Default()
	if home := get("HOME"); home != "" {
		c.Home = home
	}
	text := map[string]*string{
		"ADDRESS": &c.Address, "HOME": &c.Home, "WORKSPACE": &c.Workspace, "DETAIL": &c.Detail, "SHELL": &c.Shell,
		"METRICS_ADDRESS": &c.Metrics, "USED_MARKER": &c.UsedMarker,
	}
	for name, target := range text {
		if value := get("SANDBOXD_" + name); value != "" {
			*target = value
		}
	}
	var err error
	if c.AllowedHosts, err = allowedHosts(get("SANDBOXD_ALLOWED_HOSTS")); err != nil {
		return c, err
	}
	if c.AllowedOrigins, err = allowedOrigins(get("SANDBOXD_ALLOWED_ORIGINS")); err != nil {
		return c, err
	}
	if c.ClaimHash, err = claimHash(get("SANDBOXD_CLAIM_SHA256")); err != nil {
		return c, err
	}
	numbers := map[string]func(int64){
		"MEMORY_LIMIT": func(n int64) { c.MemoryLimit = n }, "MAX_BODY": func(n int64) { c.MaxBody = n },
		"MAX_READ": func(n int64) { c.MaxRead = n }, "MAX_DOWNLOAD": func(n int64) { c.MaxDownload = n },
		"MAX_RETAINED": func(n int64) { c.MaxRetained = n },
		"MAX_ENTRIES":  func(n int64) { c.MaxEntries = int(n) }, "MAX_VISITED": func(n int64) { c.MaxVisited = int(n) },
		"MAX_SESSIONS": func(n int64) { c.MaxSessions = int(n) }, "MAX_COMMANDS": func(n int64) { c.MaxCommands = int(n) },
		"MAX_OUTPUT": func(n int64) { c.MaxOutput = int(n) }, "SHELL_CHARS": func(n int64) { c.ShellChars = int(n) },
		"MAX_BASH_SESSIONS":    func(n int64) { c.MaxBashRecall = int(n) },
		"DRAIN_SECONDS":        func(n int64) { c.Drain = time.Duration(n) * time.Second },
		"GRACE_SECONDS":        func(n int64) { c.Grace = time.Duration(n) * time.Second },
		"BODY_TIMEOUT_SECONDS": func(n int64) { c.BodyTimeout = time.Duration(n) * time.Second },
		"WALK_TIMEOUT_SECONDS": func(n int64) { c.WalkTimeout = time.Duration(n) * time.Second },
		"NO_CHANGE_SECONDS":    func(n int64) { c.NoChange = time.Duration(n) * time.Second },
		"COMMAND_SECONDS":      func(n int64) { c.CommandLimit = time.Duration(n) * time.Second },
	}
	for name, set := range numbers {
		value := get("SANDBOXD_" + name)
		if value == "" {
			continue
		}
		least := int64(1)
		if name == "DRAIN_SECONDS" {
			least = 0
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < least {
			return c, fmt.Errorf("SANDBOXD_%s is %q; it must be a whole number of at least %d", name, value, least)
		}
		set(n)
	}
	if c.Workspace == "" {
		c.Workspace = c.Home
	}
	for _, folder := range [][2]string{{"SANDBOXD_HOME", c.Home}, {"SANDBOXD_WORKSPACE", c.Workspace}} {
		name, path := folder[0], folder[1]
		if !filepath.IsAbs(path) {
			return c, fmt.Errorf("%s is %q; it must be an absolute path", name, path)
		}
		if stat, err := os.Stat(path); err != nil || !stat.IsDir() {
			return c, fmt.Errorf("%s is %q, which is not a folder here; create it or name another", name, path)
		}
	}
	return c, nil
}
