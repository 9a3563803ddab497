package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"

	"sandlot.dev/sandboxd/internal/files"
	"sandlot.dev/sandboxd/internal/info"
)

type sandboxAnswer struct {
	envelope
	HomeDir   string      `json:"home_dir"`
	Workspace string      `json:"workspace"`
	Version   string      `json:"version"`
	Detail    info.Detail `json:"detail"`
}

func (a *API) sandbox(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, sandboxAnswer{
		envelope{Success: true, Message: "Sandbox is ready"}, a.settings.Home, a.settings.Workspace, a.version, a.info.Detail(),
	})
}

const cutShort = "there is more than the server's limits let it return; narrow the path or the pattern"

func (a *API) fileRead(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	name := b.required("file")
	start, end := b.integer("start_line", 0, 1<<53), b.integer("end_line", 0, 1<<53)
	b.noSudo()
	if refused(w, b) {
		return
	}
	path, err := a.files.Resolve(name, "read")
	content := ""
	if err == nil {
		content, err = a.files.Read(path, start, end)
	}
	if err != nil {
		failed(w, err)
		return
	}
	done(w, "File read", map[string]string{"content": content, "file": path}, "")
}

func (a *API) fileWrite(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	name := b.required("file")
	options := files.WriteOptions{
		Content: b.required("content"), Encoding: b.choice("encoding", "utf-8", "utf-8", "base64", "raw"),
		Append: b.flag("append", false), LeadingNewline: b.flag("leading_newline", false),
		TrailingNewline: b.flag("trailing_newline", false),
	}
	b.noSudo()
	if refused(w, b) {
		return
	}
	path, err := a.files.Resolve(name, "write")
	written := 0
	if err == nil && strings.HasSuffix(name, "/") {
		path += "/"
	}
	if err == nil {
		written, err = a.files.Write(path, options)
	}
	if err != nil {
		failed(w, err)
		return
	}
	done(w, "File written", map[string]any{"file": path, "bytes_written": written}, "")
}

func (a *API) fileFind(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	name, glob := b.required("path"), b.required("glob")
	if refused(w, b) {
		return
	}
	path, err := a.files.Resolve(name, "find")
	var found []string
	truncated := false
	if err == nil {
		found, truncated, err = a.files.Find(r.Context(), path, glob)
	}
	if err != nil {
		failed(w, err)
		return
	}
	done(w, fmt.Sprintf("Found %d files", len(found)), map[string]any{"path": path, "files": found}, hintIf(truncated))
}

func (a *API) fileList(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	name := b.required("path")
	options := files.ListOptions{
		Recursive: b.flag("recursive", false), ShowHidden: b.flag("show_hidden", true), FileTypes: b.list("file_types"),
		MaxDepth: b.count("max_depth", 0, 1, 1<<31), IncludeSize: b.flag("include_size", true),
		IncludePermissions: b.flag("include_permissions", false),
		SortBy:             b.choice("sort_by", "name", "name", "size", "modified", "type"), Descending: b.flag("sort_desc", false),
	}
	if refused(w, b) {
		return
	}
	path, err := a.files.Resolve(name, "list")
	var list []files.Info
	truncated := false
	if err == nil {
		list, truncated, err = a.files.List(r.Context(), path, options)
	}
	if err != nil {
		failed(w, err)
		return
	}
	folders := 0
	for _, item := range list {
		if item.IsDirectory {
			folders++
		}
	}
	done(w, fmt.Sprintf("Listed %d items", len(list)), map[string]any{
		"path": path, "files": list, "total_count": len(list), "directory_count": folders, "file_count": len(list) - folders,
	}, hintIf(truncated))
}

func (a *API) fileGrep(w http.ResponseWriter, r *http.Request) {
	b := readBody(r)
	name := b.required("path")
	options := files.GrepOptions{
		Pattern: b.required("pattern"), Include: b.list("include"), Exclude: b.list("exclude"),
		CaseInsensitive: b.flag("case_insensitive", false), FixedStrings: b.flag("fixed_strings", false),
		Before: b.count("context_before", 0, 0, 20), After: b.count("context_after", 0, 0, 20),
		MaxResults: b.count("max_results", 500, 1, 10_000), Multiline: b.flag("multiline", false),
		Offset: b.count("offset", 0, 0, 1<<31), Type: b.text("type"), Recursive: b.flag("recursive", true),
	}
	size := "1M"
	b.get("max_file_size", &size, "string_type", "Input should be a valid string")
	limit, err := files.Size(size)
	if err != nil {
		b.wrong("max_file_size", "value_error", err.Error())
	}
	// Whatever is asked for, a search holds one file in memory.
	options.MaxFileSize = min(limit, a.settings.MaxRead)
	if _, known := files.Types[options.Type]; options.Type != "" && !known {
		b.wrong("type", "enum", "Input should be one of "+strings.Join(typeNames(), ", "))
	}
	if refused(w, b) {
		return
	}
	path, err := a.files.Resolve(name, "grep")
	var found files.GrepResult
	if err == nil {
		found, err = a.files.Grep(r.Context(), path, options)
	}
	if err != nil {
		failed(w, err)
		return
	}
	done(w, fmt.Sprintf("Found %d matches", len(found.Matches)), map[string]any{
		"path": path, "pattern": options.Pattern, "matches": found.Matches, "match_count": len(found.Matches),
		"files_searched": found.Searched, "files_matched": found.Matched, "truncated": found.Truncated,
	}, "")
}

func typeNames() []string {
	var names []string
	for name := range files.Types {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func hintIf(truncated bool) string {
	if truncated {
		return cutShort
	}
	return ""
}

// abortable is the largest download that is held back until it is known not to have changed.
const abortable = 8 << 20

func (a *API) fileDownload(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	var issues []Issue
	if !query.Has("path") {
		issues = append(issues, Issue{[]string{"query", "path"}, "Field required", "missing"})
	}
	policy := query.Get("change_policy")
	if policy != "" && policy != "ignore" && policy != "abort" {
		issues = append(issues, Issue{[]string{"query", "change_policy"}, "Input should be one of ignore, abort", "enum"})
	}
	if len(issues) > 0 {
		send(w, http.StatusUnprocessableEntity, map[string]any{"detail": issues})
		return
	}
	path, err := a.files.Resolve(query.Get("path"), "download")
	if err != nil {
		detail(w, http.StatusBadRequest, err.Error())
		return
	}
	file, stat, err := a.files.Open(path, "download")
	if err != nil {
		detail(w, downloadStatus(err), err.Error())
		return
	}
	defer file.Close()
	if stat.Size() > a.settings.MaxDownload {
		detail(w, http.StatusRequestEntityTooLarge,
			fmt.Sprintf("%s has %d bytes; at most %d can be downloaded", path, stat.Size(), a.settings.MaxDownload))
		return
	}
	var source io.Reader = file
	if policy == "abort" && stat.Size() <= abortable {
		content, err := io.ReadAll(io.LimitReader(file, stat.Size()))
		if err != nil {
			detail(w, http.StatusInternalServerError, err.Error())
			return
		}
		if changed(file, stat) {
			detail(w, http.StatusConflict, path+" changed while it was read")
			return
		}
		source = strings.NewReader(string(content))
	}
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Length", digits(stat.Size()))
	header.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(files.Base(path)))
	header.Set("Last-Modified", stat.ModTime().UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusOK)
	if err := pour(w, source, stat.Size()); err != nil || (policy == "abort" && changed(file, stat)) {
		// Too late for a status: a broken transfer is the only honest answer.
		panic(http.ErrAbortHandler)
	}
}

// pour copies size bytes; the client must go on accepting them.
func pour(w http.ResponseWriter, source io.Reader, size int64) error {
	const part = 256 << 10
	control := http.NewResponseController(w)
	for left := size; left > 0; {
		_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
		n, err := io.CopyN(w, source, min(left, part))
		left -= n
		if err != nil {
			return err
		}
	}
	return nil
}

func changed(file *os.File, before os.FileInfo) bool {
	now, err := file.Stat()
	return err != nil || now.Size() != before.Size() || !now.ModTime().Equal(before.ModTime())
}

func downloadStatus(err error) int {
	var file *files.Error
	if !errors.As(err, &file) {
		return http.StatusInternalServerError
	}
	switch file.Type {
	case "not_found":
		return http.StatusNotFound
	case "permission_denied":
		return http.StatusForbidden
	case "io_error":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
