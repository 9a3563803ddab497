package shell

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Prepare starts the bash of the first session before anybody asks for one: starting it is most of what a first command
// takes. Whoever has commands of their own for the start of a shell gets one that starts when they ask.
func (m *Manager) Prepare() error {
	if m.hasStartup() {
		return nil
	}
	s := m.newSession(withoutLinks(m.settings.Workspace), true)
	s.mu.Lock()
	err := s.launch()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = s
	return nil
}

// takeWaiting returns the session that was prepared if it is what a new one would be, else nil. The manager's mutex is held.
func (m *Manager) takeWaiting(folder string, physical bool) *Session {
	s := m.waiting
	if s == nil || folder != s.startDir || physical != s.physical {
		return nil
	}
	m.waiting = nil
	s.mu.Lock()
	late, ok := m.late(s.env)
	s.newEnv = late
	ok = ok && s.alive()
	s.mu.Unlock()
	if !ok || m.hasStartup() {
		go s.shut()
		return nil
	}
	return s
}

// alive tells whether the session has a bash that has not ended. The session's mutex is held.
func (s *Session) alive() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.process.Done:
		return false
	default:
		return true
	}
}

// dismiss ends the bash that waits, if one does.
func (m *Manager) dismiss() {
	m.mu.Lock()
	s := m.waiting
	m.waiting = nil
	m.mu.Unlock()
	if s != nil {
		s.shut()
	}
}

// late returns which variables a bash lacks that was started with these, and whether it can be told.
func (m *Manager) late(started []string) ([]string, bool) {
	now := m.env()
	if len(now) < len(started) || !slices.Equal(now[:len(started)], started) {
		return nil, false
	}
	late := now[len(started):]
	for _, entry := range late {
		if name, _, _ := strings.Cut(entry, "="); special(name) {
			return nil, false
		}
	}
	return late, true
}

// hasStartup tells whether sessions begin with commands that somebody wrote, which may depend on anything.
func (m *Manager) hasStartup() bool {
	_, err := os.Stat(filepath.Join(m.settings.Home, ".bashrc"))
	return err == nil
}

// special tells whether bash does something of its own with a variable, when it starts or when it is set (bash(1), "Shell
// Variables" and readline's), so that exporting it later is not the same as starting with it.
func special(name string) bool {
	for _, prefix := range []string{"BASH", "COMP_", "EPOCH", "HIST", "LC_", "OPT", "PS", "READLINE_", "__sandboxd_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains(specials, name)
}

var specials = strings.Fields(`
	_ CDPATH CHILD_MAX COLUMNS COMPREPLY COPROC DIRSTACK EMACS ENV EUID EXECIGNORE FCEDIT FIGNORE FUNCNAME FUNCNEST GLOBIGNORE
	GLOBSORT GROUPS HOME HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF INPUTRC INSIDE_EMACS LANG LANGUAGE LINENO LINES MACHTYPE MAIL
	MAILCHECK MAILPATH MAPFILE OLDPWD OSTYPE PATH PIPESTATUS POSIXLY_CORRECT PPID PROMPT_COMMAND PROMPT_DIRTRIM PWD RANDOM
	REPLY SECONDS SHELL SHELLOPTS SHLVL SRANDOM TERM TEXTDOMAIN TEXTDOMAINDIR TIMEFORMAT TMOUT TMPDIR TZ UID auto_resume
	histchars`)
