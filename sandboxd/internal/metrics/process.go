package metrics

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// writeProcess tells about the server's own process, under the names that Prometheus' client libraries use. What the
// kernel does not tell is left out: no value is better than a wrong one.
func writeProcess(e *exposition, started time.Time) {
	e.gauge("process_start_time_seconds", "When the server started, in seconds since 1970.",
		float64(started.UnixMilli())/1000)
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		e.counter("process_cpu_seconds_total", "Processor time of the server, without that of commands.", cpu.Seconds())
	}
	if pages, ok := residentPages(); ok {
		e.gauge("process_resident_memory_bytes", "Memory of the server, without that of commands.",
			float64(pages)*float64(os.Getpagesize()))
	}
	if open, ok := openFiles(); ok {
		e.gauge("process_open_fds", "Files that the server has open.", float64(open))
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		e.gauge("process_max_fds", "Files that the server may have open.", float64(limit.Cur))
	}
	e.gauge("go_goroutines", "Goroutines of the server.", float64(runtime.NumGoroutine()))
}

// residentPages is the second field of /proc/self/statm, which gVisor has too.
func residentPages() (int64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages, err == nil
}

func openFiles() (int, bool) {
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	// The folder itself is open while it is read.
	return len(names) - 1, err == nil
}
