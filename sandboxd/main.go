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
	"sandlot.dev/sandboxd/internal/retention"
)

// version is set by the linker.
var version = "dev"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "sweep" {
		os.Exit(sweep(os.Args[2:]))
	}
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
		fmt.Fprintln(os.Stderr, "usage: sandboxd [describe | sweep …]; everything else is set by SANDBOXD_* variables, see README.md")
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
	if err := proc.KeepMemoryPrivate(); err != nil {
		return err
	}
	processes, err := proc.NewTable()
	if err != nil {
		return err
	}
	if settings.UsedMarker != "" {
		if err := retention.Mark(settings.UsedMarker); err != nil {
			log.Error("the use of users' data cannot be noted", "error", err.Error())
		}
	}
	service := api.New(settings, processes, version, log)
	listener, err := net.Listen("tcp", settings.Address)
	if err != nil {
		return err
	}
	server := newServer(service, settings, log)
	metricsAddress, err := serveMetrics(service, settings, log)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String(), "metrics", metricsAddress, "version", version,
		"pid", os.Getpid(), "ms", time.Since(started).Milliseconds())
	go func() {
		// The first command tries again, and says what it is told.
		if err := service.Prepare(); err != nil {
			log.Warn("no shell could be prepared", "error", err.Error())
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-stop:
	}
	log.Info("draining", "commands", service.Running(), "seconds", settings.Drain.Seconds())
	select {
	case <-service.Drain():
	case <-time.After(settings.Drain):
	case <-stop: // asked again: no more waiting
	case err := <-failed:
		return err
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

func newServer(handler http.Handler, settings config.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       settings.BodyTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// serveMetrics opens the listener for scrapers, if there is to be one, and returns its address. It lives as long as the
// process: while commands end, there is something to see.
func serveMetrics(service *api.API, settings config.Config, log *slog.Logger) (string, error) {
	if settings.Metrics == "" {
		return "", nil
	}
	listener, err := net.Listen("tcp", settings.Metrics)
	if err != nil {
		return "", fmt.Errorf("SANDBOXD_METRICS_ADDRESS: %w", err)
	}
	server := newServer(service.Metrics(), settings, log)
	go func() {
		if err := server.Serve(listener); err != nil {
			log.Error("metrics are not served any more", "error", err.Error())
		}
	}()
	return listener.Addr().String(), nil
}
