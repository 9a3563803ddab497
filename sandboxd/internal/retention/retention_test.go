package retention

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// volume is a folder of users, and what lies beside it and is nobody's to touch.
type volume struct {
	t     *testing.T
	users string
	out   string
}

func newVolume(t *testing.T) volume {
	t.Helper()
	place := t.TempDir()
	v := volume{t: t, users: filepath.Join(place, "users"), out: filepath.Join(place, "outside")}
	v.write(filepath.Join(v.users, ".keep"), "")
	v.write(filepath.Join(v.out, "precious"), "precious")
	return v
}

func (v volume) write(path, content string) {
	v.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		v.t.Fatal(err)
	}
}

func (v volume) data(user, thread string) string {
	return filepath.Join(v.users, user, "threads", thread, "user-data")
}

// used makes a folder with content that a sandbox used just now.
func (v volume) used(user, thread string) string {
	v.t.Helper()
	data := v.data(user, thread)
	v.write(filepath.Join(data, "workspace/notes/a.txt"), "a")
	v.write(filepath.Join(data, "b.txt"), "b")
	if err := Mark(filepath.Join(data, Marker)); err != nil {
		v.t.Fatal(err)
	}
	return data
}

// later lets the clock of the file system move on, and returns a moment between what was and what will be.
func later() time.Time {
	time.Sleep(30 * time.Millisecond)
	defer time.Sleep(30 * time.Millisecond)
	return time.Now()
}

func (v volume) sweep(before time.Time) Summary {
	v.t.Helper()
	summary, err := v.sweepWithin(context.Background(), before, time.Minute)
	if err != nil {
		v.t.Fatal(err)
	}
	return summary
}

func (v volume) sweepWithin(ctx context.Context, before time.Time, limit time.Duration) (Summary, error) {
	v.t.Helper()
	users, err := os.OpenRoot(v.users)
	if err != nil {
		v.t.Fatal(err)
	}
	defer users.Close()
	return Sweep(ctx, users, Options{Before: before, FolderLimit: limit, Log: slog.New(slog.DiscardHandler)})
}

func (v volume) unharmed() {
	v.t.Helper()
	if content, err := os.ReadFile(filepath.Join(v.out, "precious")); err != nil || string(content) != "precious" {
		v.t.Fatalf("what is outside was touched: %q, %v", content, err)
	}
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

func empty(t *testing.T, folder string) {
	t.Helper()
	if found := names(t, folder); len(found) > 0 {
		t.Fatalf("%s still has %q", folder, found)
	}
}

func whole(t *testing.T, data string) {
	t.Helper()
	for _, name := range []string{"workspace/notes/a.txt", "b.txt"} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t *testing.T, got, want Summary) {
	t.Helper()
	got.Entries = 0
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestRemovesWhatNobodyUsedAndNothingElse(t *testing.T) {
	v := newVolume(t)
	stale, back := v.used("alice", "one"), v.used("alice", "two")
	tenants := v.used("acme-2.alice", "one") // of a tenant of the provisioner
	unmarked := v.used("bob", "three")
	if err := os.Remove(filepath.Join(unmarked, Marker)); err != nil {
		t.Fatal(err)
	}
	uploaded := v.used("bob", "four")
	others := []string{
		filepath.Join(v.users, "alice/skills_view/custom/skill.md"), filepath.Join(v.users, "alice/threads/one/other/x"),
		filepath.Join(v.users, "alice/threads/file"), filepath.Join(v.users, "not a user/threads/one/user-data/x"),
		filepath.Join(v.users, "alice/threads/not.a.thread/user-data/x"),
		filepath.Join(v.users, ".alice/threads/one/user-data/x"), filepath.Join(v.users, "a.b.alice/threads/one/user-data/x"),
	}
	for _, path := range others {
		v.write(path, "x")
		v.write(filepath.Join(filepath.Dir(path), Marker), "")
	}
	before := later()
	if err := Mark(filepath.Join(back, Marker)); err != nil {
		t.Fatal(err)
	}
	fresh := v.used("carol", "five")
	// Somebody writes to the volume without a sandbox: all of that folder is in use.
	v.write(filepath.Join(uploaded, "uploads/new.pdf"), "new")

	expect(t, v.sweep(before), Summary{Removed: 2, Used: 3, Unmarked: 1})
	empty(t, stale)
	empty(t, tenants)
	for _, data := range []string{back, unmarked, uploaded, fresh} {
		whole(t, data)
	}
	for _, path := range others {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
	}
	// What is empty has no marker, and is nothing to the next one.
	expect(t, v.sweep(before), Summary{Used: 3, Unmarked: 3})
}

func TestTimesCannotBeForged(t *testing.T) {
	v := newVolume(t)
	future, past := time.Now().AddDate(50, 0, 0), time.Unix(0, 0)
	forged := v.used("mallory", "future")
	if err := os.Chtimes(filepath.Join(forged, Marker), future, future); err != nil {
		t.Fatal(err)
	}
	before := later()
	fresh := v.used("alice", "fresh")
	for _, name := range []string{Marker, "b.txt", "workspace/notes/a.txt"} {
		if err := os.Chtimes(filepath.Join(fresh, name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, v.sweep(before), Summary{Removed: 1, Used: 1})
	empty(t, forged)
	whole(t, fresh)
}

func TestMarkersThatAreNoFilesKeepOnlyTheirOwn(t *testing.T) {
	v := newVolume(t)
	other := v.used("alice", "other")
	old := time.Unix(1_000_000_000, 0)
	if err := os.Chtimes(filepath.Join(v.out, "precious"), old, old); err != nil {
		t.Fatal(err)
	}
	makes := map[string]func(path string) error{
		"link":    func(path string) error { return os.Symlink(filepath.Join(other, Marker), path) },
		"outside": func(path string) error { return os.Symlink(filepath.Join(v.out, "precious"), path) },
		"folder":  func(path string) error { return os.Mkdir(path, 0o755) },
		"pipe":    func(path string) error { return unix.Mkfifo(path, 0o644) },
	}
	for name, make := range makes {
		path := filepath.Join(v.used("mallory", name), Marker)
		if err := errors.Join(os.Remove(path), make(path)); err != nil {
			t.Fatal(err)
		}
		// Neither does the mark of the next sandbox follow anything, or wait for anybody.
		if err := Mark(path); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(v.out, "precious")); err != nil || !info.ModTime().Equal(old) {
		t.Fatalf("the mark went through a link: %v, %v", info, err)
	}
	expect(t, v.sweep(later()), Summary{Removed: 1, Unmarked: len(makes)})
	for name := range makes {
		whole(t, v.data("mallory", name))
	}
	v.unharmed()
}

func TestLinksAreRemovedAndNotFollowed(t *testing.T) {
	v := newVolume(t)
	data, victim := v.used("mallory", "links"), v.used("alice", "victim")
	links := map[string]string{
		"absolute": v.out, "relative": "../../../../../outside", "file": filepath.Join(v.out, "precious"),
		"other": victim, "root": "/", "self": "self", "up": "..", "dangling": "nowhere",
	}
	for name, target := range links {
		for _, folder := range []string{data, filepath.Join(data, "workspace")} {
			if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A second name of somebody else's file, as on a volume that is mounted as a whole: it is the name that goes.
	if err := os.Link(filepath.Join(v.out, "precious"), filepath.Join(data, "hard")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(v.out, "precious"), 0o400); err != nil {
		t.Fatal(err)
	}
	before := later()
	if err := Mark(filepath.Join(victim, Marker)); err != nil {
		t.Fatal(err)
	}
	expect(t, v.sweep(before), Summary{Removed: 1, Used: 1})
	empty(t, data)
	whole(t, victim)
	v.unharmed()
	if info, err := os.Stat(filepath.Join(v.out, "precious")); err != nil || info.Mode().Perm() != 0o400 {
		t.Fatalf("its mode was changed: %v, %v", info.Mode(), err)
	}
}

func TestLinksInPlaceOfFoldersLeadNowhere(t *testing.T) {
	v := newVolume(t)
	victim := v.used("alice", "victim")
	stale := filepath.Join(v.out, "threads/t/user-data")
	v.write(filepath.Join(stale, "x"), "x")
	if err := Mark(filepath.Join(stale, Marker)); err != nil {
		t.Fatal(err)
	}
	for _, link := range [][2]string{
		{v.out, filepath.Join(v.users, "mallory")},
		{filepath.Join(v.out, "threads"), filepath.Join(v.users, "trent/threads")},
		{filepath.Join(v.out, "threads/t"), filepath.Join(v.users, "eve/threads/t")},
		{victim, filepath.Join(v.users, "oscar/threads/t/user-data")},
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(link[1]), 0o755), os.Symlink(link[0], link[1])); err != nil {
			t.Fatal(err)
		}
	}
	before := later()
	if err := Mark(filepath.Join(victim, Marker)); err != nil {
		t.Fatal(err)
	}
	expect(t, v.sweep(before), Summary{Used: 1})
	whole(t, victim)
	if _, err := os.Stat(filepath.Join(stale, "x")); err != nil {
		t.Fatal(err)
	}
}

func TestASwapDuringTheRemovalReachesNothing(t *testing.T) {
	v := newVolume(t)
	for round := range 8 {
		data := v.used("mallory", fmt.Sprint(round))
		for i := range 40 {
			v.write(filepath.Join(data, "d", fmt.Sprint(i), "precious"), "bait")
		}
		if err := os.Symlink(v.out, filepath.Join(data, "link")); err != nil {
			t.Fatal(err)
		}
		before := later()
		var stop atomic.Bool
		swapping := make(chan struct{})
		go func() {
			defer close(swapping)
			for !stop.Load() {
				for i := range 40 {
					// In one step: what was a folder is a link out, and back.
					_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(data, "link"), unix.AT_FDCWD, filepath.Join(data, "d", fmt.Sprint(i)),
						unix.RENAME_EXCHANGE)
				}
			}
		}()
		v.sweep(before)
		stop.Store(true)
		<-swapping
		v.unharmed()
	}
}

func TestStopsWhenASandboxStartsMeanwhile(t *testing.T) {
	v := newVolume(t)
	data := v.used("alice", "busy")
	const files = 10_000
	for i := range files {
		if err := os.WriteFile(filepath.Join(data, fmt.Sprint(i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := later()
	var marked atomic.Int64
	go func() {
		for {
			if entries, err := os.ReadDir(data); err == nil && len(entries) < files {
				_ = Mark(filepath.Join(data, Marker))
				entries, _ := os.ReadDir(data)
				marked.Store(int64(len(entries)))
				return
			}
		}
	}()
	summary := v.sweep(before)
	expect(t, summary, Summary{Used: 1})
	for marked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	// At most the entry whose turn it was went after the mark.
	if left := int64(len(names(t, data))); left < marked.Load()-1 || left == 0 {
		t.Fatalf("%d were left at the mark, and %d in the end", marked.Load(), left)
	}
}

func TestNamesOfAnyKindAreRemoved(t *testing.T) {
	v := newVolume(t)
	data := v.used("mallory", "names")
	for _, name := range []string{
		"-rf", "--", "*", "a b", "new\nline", "tab\t", "\xff\xfe not text", "..data", "...", "\\", "$(id)", strings.Repeat("x", 255),
		".moved-0", "Ünïcödé", "\x1b[2J",
	} {
		v.write(filepath.Join(data, name, name), "x")
	}
	expect(t, v.sweep(later()), Summary{Removed: 1})
	empty(t, data)
	v.unharmed()
}

func TestFileSystemsOfOthersAreLeft(t *testing.T) {
	v := newVolume(t)
	data := v.used("alice", "one")
	users, err := os.OpenRoot(v.users)
	if err != nil {
		t.Fatal(err)
	}
	defer users.Close()
	folder, err := users.OpenRoot("alice/threads/one/user-data")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	// To a removal of another file system, every folder here is a mount.
	removal := &removal{ctx: context.Background(), top: folder, before: later(), device: 1 << 40}
	if err := removal.run(); err == nil || removal.left != 1 {
		t.Fatalf("left %d, %v", removal.left, err)
	}
	if _, err := os.Stat(filepath.Join(data, "workspace/notes/a.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, Marker)); err != nil {
		t.Fatal("what is not finished must be gone on with", err)
	}
}

func TestGoesOnWhereItWasCutShort(t *testing.T) {
	v := newVolume(t)
	data := v.used("alice", "large")
	if err := os.Link(filepath.Join(data, "b.txt"), filepath.Join(data, "workspace/second name")); err != nil {
		t.Fatal(err)
	}
	before := later()
	summary, err := v.sweepWithin(context.Background(), before, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, summary, Summary{Unfinished: 1})
	whole(t, data)
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := v.sweepWithin(stopped, before, time.Minute); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	whole(t, data)
	// A part is gone, which changed the folders that it was in, and what has other names.
	third := filepath.Join(data, "third name")
	if err := errors.Join(os.Remove(filepath.Join(data, "workspace/notes/a.txt")), os.Link(filepath.Join(data, "b.txt"), third),
		os.Remove(third)); err != nil {
		t.Fatal(err)
	}
	expect(t, v.sweep(before), Summary{Removed: 1})
	empty(t, data)
}

// As root every mode is open, so what modes are about is tried as the user that sandboxes run as.
func TestWhatASandboxShutIsRemovedByItsUser(t *testing.T) {
	asUser(t, func(t *testing.T) {
		v := newVolume(t)
		data := v.used("mallory", "shut")
		// Descriptors are few, and a tree goes down further than they reach.
		limit := syscall.Rlimit{Cur: 200, Max: 200}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		deep(t, data, 1_500)
		for _, mode := range []fs.FileMode{0, 0o500, 0o300, 0o100} {
			folder := filepath.Join(data, "mode"+mode.String())
			v.write(filepath.Join(folder, "inner/file"), "x")
			if err := errors.Join(os.Chmod(filepath.Join(folder, "inner"), mode), os.Chmod(folder, mode)); err != nil {
				t.Fatal(err)
			}
		}
		v.write(filepath.Join(data, "file"), "x")
		if err := errors.Join(os.Chmod(filepath.Join(data, "file"), 0), os.Chmod(data, 0)); err != nil {
			t.Fatal(err)
		}
		expect(t, v.sweep(later()), Summary{Removed: 1})
		empty(t, data)
	})
}

// deep makes a tree of so many levels, too deep for any path to name its end.
func deep(t *testing.T, folder string, levels int) {
	t.Helper()
	at, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("d", 100)
	for range levels {
		if err := at.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot(name)
		if err != nil {
			t.Fatal(err)
		}
		_ = at.Close()
		at = next
	}
	_ = at.Close()
}

// asUser runs body as user 1000, in a process of its own where this one is root.
func asUser(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getuid() != 0 {
		body(t)
		return
	}
	place, err := os.MkdirTemp("", "sandlot-retention-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(place)
	program := filepath.Join(place, "test")
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(program, content, 0o755), os.Chmod(place, 0o755), os.Mkdir(filepath.Join(place, "tmp"), 0o777),
		os.Chmod(filepath.Join(place, "tmp"), 0o777)); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = []string{"TMPDIR=" + filepath.Join(place, "tmp")}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, output)
	}
}
