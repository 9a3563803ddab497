// Command runc-nosr is an OCI runtime for hosts whose root lacks CAP_SYS_RESOURCE (nested virtual machines): it drops
// from each container's spec what the kernel would refuse to grant, then becomes runc. It is called for every container
// and every `docker exec`, hence small and static.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const missing = "CAP_SYS_RESOURCE"

// runc's global flags that take no value; every other one is followed by its value.
var switches = []string{"--debug", "--systemd-cgroup", "--help", "-h", "--version", "-v"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-nosr:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	command, rest := split(args)
	switch command {
	case "create", "run", "restore":
		bundle, ok := value(rest, "--bundle", "-b")
		if !ok {
			bundle = "."
		}
		if err := edit(filepath.Join(bundle, "config.json"), dropFromSpec); err != nil {
			return err
		}
	case "exec":
		if path, ok := value(rest, "--process", "-p"); ok {
			if err := edit(path, dropFromProcess); err != nil {
				return err
			}
		}
	}
	runc, err := findRunc()
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

// split finds the command among runc's arguments, and what follows it.
func split(args []string) (string, []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case !strings.HasPrefix(args[i], "-"):
			return args[i], args[i+1:]
		case strings.Contains(args[i], "=") || slices.Contains(switches, args[i]):
		default:
			i++
		}
	}
	return "", nil
}

// value is what follows one of a flag's names, as `--name value` or `--name=value`.
func value(args []string, names ...string) (string, bool) {
	for i, arg := range args {
		name, inline, hasInline := strings.Cut(arg, "=")
		switch {
		case !slices.Contains(names, name):
		case hasInline:
			return inline, true
		case i+1 < len(args):
			return args[i+1], true
		}
	}
	return "", false
}

// Only what is changed is decoded: the rest of the document goes through byte for byte.
type document = map[string]json.RawMessage

func edit(path string, change func(document) error) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(content, &doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := change(doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if content, err = json.Marshal(doc); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func dropFromSpec(spec document) error {
	if spec["process"] == nil {
		return nil
	}
	var process document
	if err := json.Unmarshal(spec["process"], &process); err != nil || process == nil {
		return err
	}
	if err := dropFromProcess(process); err != nil {
		return err
	}
	return put(spec, "process", process)
}

func dropFromProcess(process document) error {
	// Lowering the score below the caller's own needs the capability.
	var score int
	if raw := process["oomScoreAdj"]; raw != nil {
		if err := json.Unmarshal(raw, &score); err != nil {
			return err
		}
		if score < 0 {
			delete(process, "oomScoreAdj")
		}
	}
	var sets map[string][]string
	if raw := process["capabilities"]; raw == nil {
		return nil
	} else if err := json.Unmarshal(raw, &sets); err != nil || sets == nil {
		return err
	}
	for name, set := range sets {
		sets[name] = slices.DeleteFunc(set, func(capability string) bool { return capability == missing })
	}
	return put(process, "capabilities", sets)
}

func put(doc document, name string, content any) error {
	raw, err := json.Marshal(content)
	doc[name] = raw
	return err
}

func findRunc() (string, error) {
	if path, err := exec.LookPath("runc"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc"} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("runc is neither on PATH (%s) nor in /usr", os.Getenv("PATH"))
}
