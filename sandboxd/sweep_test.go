package main

import (
	"os"
	"path/filepath"
	"testing"

	"sandlot.dev/sandboxd/internal/retention"
)

func TestSweepRefusesWhatCouldTakeARunningSandboxsData(t *testing.T) {
	users := t.TempDir()
	for _, arguments := range [][]string{
		{}, {"-unused-days=30"}, {"-users=" + users}, {"-users=" + users, "-unused-days=7"}, {"-users=" + users, "-unused-days=-30"},
		{"-users=" + users, "-unused-days=30", "more"}, {"-users=" + users, "-unused-days=x"},
		{"-users=" + users, "-unused-days=30", "-folder-limit=0s"},
	} {
		if code := sweep(arguments); code != 2 {
			t.Errorf("%q: %d", arguments, code)
		}
	}
	if code := sweep([]string{"-users=" + filepath.Join(users, "absent"), "-unused-days=30"}); code != 1 {
		t.Errorf("a folder that is not there: %d", code)
	}
}

func TestSweepLeavesWhatWasUsedOfLate(t *testing.T) {
	users := t.TempDir()
	data := filepath.Join(users, "alice/threads/one/user-data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := retention.Mark(filepath.Join(data, retention.Marker)); err != nil {
		t.Fatal(err)
	}
	if code := sweep([]string{"-users=" + users, "-unused-days=8"}); code != 0 {
		t.Fatal(code)
	}
	if _, err := os.Stat(filepath.Join(data, retention.Marker)); err != nil {
		t.Fatal(err)
	}
}
