// Command sandboxd is the server inside every sandbox pod: shell sessions, commands and files over HTTP, with the
// wire format of the AIO sandbox API. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"sandlot.dev/sandboxd/internal/api"
	"sandlot.dev/sandboxd/internal/config"
	"sandlot.dev/sandboxd/internal/info"
	"sandlot.dev/sandboxd/internal/proc"
)

// version is set by the linker.
var version = "dev"

func main() {
	settings, err := config.FromEnv(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandboxd: "+err.Error())
		os.Exit(2)
	}
	if len(os.Args) == 2 && os.Args[1] == "describe" {
		// Run once while the image is built: what is installed does not change in a running sandbox.
		if err := json.NewEncoder(os.Stdout).Encode(info.Describe()); err != nil {
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: sandboxd [describe]; everything else is set by SANDBOXD_* variables, see README.md")
		os.Exit(2)
	}
	// A small heap is collected often and cheaply; the limit keeps bursts of output from becoming resident for good.
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(settings.MemoryLimit)
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := serve(settings, log); err != nil {
		log.Error("stopped", "error", err.Error())
		os.Exit(1)
	}
}

func serve(settings config.Config, log *slog.Logger) error {
	started := time.Now()
	proc.KeepFilesPrivate()
	processes, err := proc.NewTable()
	if err != nil {
		return err
	}
	service := api.New(settings, processes, version, log)
	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           service,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       settings.BodyTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String(), "version", version, "pid", os.Getpid(),
		"ms", time.Since(started).Milliseconds())
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	log.Info("stopping")
	// Commands first: requests that wait for them then end by themselves.
	service.Close(settings.Grace)
	limit, done := context.WithTimeout(context.Background(), settings.Grace)
	defer done()
	if err := server.Shutdown(limit); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	processes.KillAll()
	return nil
}
