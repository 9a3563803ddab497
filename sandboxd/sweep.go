package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sandlot.dev/sandboxd/internal/retention"
)

// leastDays is one more than the longest life of a sandbox: what was last used longer ago is in no running one.
const leastDays = 8

// sweep is `sandboxd sweep`: removes users' data that no sandbox has used for long. It returns the exit code.
func sweep(arguments []string) int {
	flags := flag.NewFlagSet("sandboxd sweep", flag.ContinueOnError)
	folder := flags.String("users", "", "the folder with one folder for each user")
	days := flags.Int("unused-days", 0, fmt.Sprintf("how long ago data must have been used last, at least %d", leastDays))
	limit := flags.Duration("folder-limit", 5*time.Minute, "the longest time for one user's folder in one run")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	if *folder == "" || flags.NArg() > 0 || *days < leastDays || *limit <= 0 {
		fmt.Fprintf(os.Stderr, "sandboxd sweep: -users is %q, -unused-days is %d and -folder-limit is %s; give a folder, at least %d days "+
			"(a sandbox lives at most 7), a time above zero, and nothing else\n", *folder, *days, *limit, leastDays)
		return 2
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	users, err := os.OpenRoot(*folder)
	if err != nil {
		log.Error("the folder of users cannot be opened", "error", err.Error())
		return 1
	}
	defer users.Close()
	ctx, done := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer done()
	before := time.Now().AddDate(0, 0, -*days)
	summary, err := retention.Sweep(ctx, users, retention.Options{Before: before, FolderLimit: *limit, Log: log})
	log.Info("swept", "before", before.UTC().Format(time.RFC3339), "removed", summary.Removed, "entries", summary.Entries,
		"used", summary.Used, "unmarked", summary.Unmarked, "unfinished", summary.Unfinished, "failed", summary.Failed)
	if err != nil {
		log.Error("the sweep did not end", "error", err.Error())
		return 1
	}
	if summary.Failed > 0 {
		return 1
	}
	return 0
}
