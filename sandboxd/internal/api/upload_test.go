package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sandlot.dev/sandboxd/internal/fixture"
)

func upload(t *testing.T, file string, size int) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"file": file, "content": strings.Repeat("x", size)})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestLargeUploadsComeOneAfterAnother(t *testing.T) {
	settings := fixture.Settings(t)
	settings.MaxBody = 5 << 20
	a := New(settings, fixture.Table(t), "test", slog.New(slog.NewTextHandler(io.Discard, nil)))
	send := func(ctx context.Context, body io.Reader, size int) int {
		request := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/v1/file/write", body)
		request.Header.Set("Content-Type", "application/json")
		request.ContentLength = int64(size)
		answer := httptest.NewRecorder()
		a.ServeHTTP(answer, request)
		return answer.Code
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	large, small := upload(t, "large", 3<<20), upload(t, "small", 1<<10)
	read, write := io.Pipe()
	first := make(chan int)
	go func() { first <- send(context.Background(), read, len(large)) }()
	if _, err := io.WriteString(write, large[:100]); err != nil {
		t.Fatal(err)
	}
	// The first is being read. Who would have to wait for it is not read, and leaves at once.
	for _, size := range []int{len(large), -1} {
		body := strings.NewReader(large)
		if code := send(gone, body, size); code != http.StatusServiceUnavailable || body.Len() != len(large) {
			t.Errorf("another of %d bytes was answered %d with %d bytes not read", size, code, body.Len())
		}
	}
	if code := send(gone, strings.NewReader(small), len(small)); code != http.StatusOK {
		t.Errorf("a small one was answered %d", code)
	}
	if _, err := io.WriteString(write, large[100:]); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if code := <-first; code != http.StatusOK {
		t.Errorf("the first was answered %d", code)
	}
	if code := send(context.Background(), strings.NewReader(large), len(large)); code != http.StatusOK {
		t.Errorf("the next was answered %d", code)
	}
	if stat, err := os.Stat(filepath.Join(settings.Home, "large")); err != nil || stat.Size() != 3<<20 {
		t.Errorf("%v, %v", stat, err)
	}
}

// A body is in memory as it came and decoded, and not once more.
func TestBodyIsNotCopied(t *testing.T) {
	text := upload(t, "file", 8<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := readBody(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text)))
	runtime.ReadMemStats(&after)
	if !b.ok() || len(b.issues) > 0 {
		t.Fatal(b.issues)
	}
	if times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text)); times > 2.5 {
		t.Errorf("reading a body takes %.1f times its size", times)
	}
}
