package retention

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"time"
)

// Options of a sweep.
type Options struct {
	// Before is the moment before which the last use of a folder must have been for its data to be removed.
	Before time.Time
	// FolderLimit bounds the time for one folder in one sweep, so that none holds up all others; what is left is the next one's.
	FolderLimit time.Duration
	Log         *slog.Logger
}

// Summary is what a sweep came to, in folders.
type Summary struct {
	// Used were used, or written to, since.
	Used int
	// Unmarked have no marker: no sandbox has used them, or code in one removed it.
	Unmarked int
	// Removed had their data removed.
	Removed int
	// Unfinished are to be removed, but it took too long; the next sweep goes on.
	Unfinished int
	// Failed are to be removed, but something in them could not be.
	Failed int
	// Entries are the files and folders that were removed.
	Entries int
}

// The names that the provisioner gives to the folders of users and threads (provisioner/src/http/deerflow.ts). What is called
// otherwise is somebody else's.
var (
	userName   = regexp.MustCompile(`^(?:[a-z0-9-]{1,63}\.)?[A-Za-z0-9_-]{1,128}$`)
	threadName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// Sweep removes what is in <user>/threads/<thread>/user-data below users, where that was not used since Before: its marker is
// older, and so is every file in it. The folder itself stays, as whoever starts with it at this moment has it mounted.
func Sweep(ctx context.Context, users *os.Root, options Options) (Summary, error) {
	var summary Summary
	own, err := users.Stat(".")
	if err != nil {
		return summary, err
	}
	names, err := shuffled(users)
	if err != nil {
		return summary, err
	}
	for _, user := range names {
		if !userName.MatchString(user) {
			continue
		}
		if err := sweepUser(ctx, users, user, device(own), options, &summary); err != nil {
			return summary, err
		}
	}
	return summary, ctx.Err()
}

func sweepUser(ctx context.Context, users *os.Root, user string, device uint64, options Options, summary *Summary) error {
	home, err := child(users, user)
	if err != nil {
		return nil // no folder of a user
	}
	defer home.Close()
	threads, err := child(home, "threads")
	if err != nil {
		return nil
	}
	defer threads.Close()
	names, err := shuffled(threads)
	if err != nil {
		options.Log.Error("the threads of a user cannot be listed", "user", user, "error", err.Error())
		summary.Failed++
		return nil
	}
	for _, thread := range names {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if threadName.MatchString(thread) {
			sweepThread(ctx, threads, thread, device, options.with("user", user, "thread", thread), summary)
		}
	}
	return nil
}

func (o Options) with(arguments ...any) Options {
	o.Log = o.Log.With(arguments...)
	return o
}

func sweepThread(ctx context.Context, threads *os.Root, thread string, device uint64, options Options, summary *Summary) {
	home, err := child(threads, thread)
	if err != nil {
		return
	}
	defer home.Close()
	data, err := openFolder(home, "user-data")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotFolder) {
		return
	}
	if err != nil {
		options.Log.Error("the data of a thread cannot be opened", "error", err.Error())
		summary.Failed++
		return
	}
	defer data.Close()
	limited, done := context.WithTimeout(ctx, options.FolderLimit)
	defer done()
	removal := &removal{ctx: limited, top: data, before: options.Before, device: device}
	err = removal.run()
	summary.Entries += removal.removed
	switch {
	case errors.Is(err, errUnmarked):
		summary.Unmarked++
	case errors.Is(err, errUsed):
		summary.Used++
		if removal.removed > 0 {
			options.Log.Warn("used while it was being removed: what is left stays", "entries", removal.removed)
		}
	case limited.Err() != nil:
		summary.Unfinished++
		options.Log.Warn("not removed to the end, the next run goes on", "entries", removal.removed)
	case err != nil || removal.left > 0:
		summary.Failed++
		options.Log.Error("not all of it can be removed", "entries", removal.removed, "left", removal.left, "error", text(err))
	default:
		summary.Removed++
		options.Log.Info("removed", "entries", removal.removed)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
