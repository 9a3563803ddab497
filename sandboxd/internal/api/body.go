package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Issue is one thing wrong with a request, in the shape of FastAPI's validation errors.
type Issue struct {
	Location []string `json:"loc"`
	Message  string   `json:"msg"`
	Type     string   `json:"type"`
}

// body is a JSON object being read. Everything wrong with it is collected, so that one answer names it all.
// As in the AIO API, null means the default and unknown fields are ignored.
type body struct {
	fields map[string]json.RawMessage
	issues []Issue
	tooBig bool
}

// maxAhead is how much memory a body gets for saying how long it is.
const maxAhead = 64 << 20

func readBody(r *http.Request) *body {
	b := &body{}
	content, err := readAll(r)
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		b.tooBig = true
	case err != nil:
		b.wrong("", "json_invalid", "the body could not be read: "+err.Error())
	case len(bytes.TrimSpace(content)) == 0:
		b.wrong("", "missing", "Field required")
	default:
		if err := json.Unmarshal(content, &b.fields); err != nil || b.fields == nil {
			message := "Input should be a valid JSON object"
			if err != nil {
				message += ": " + err.Error()
			}
			b.wrong("", "json_invalid", message)
		}
	}
	return b
}

// readAll reads a body at once into as much memory as it says that it takes.
func readAll(r *http.Request) ([]byte, error) {
	var content bytes.Buffer
	if r.ContentLength > 0 {
		// The buffer wants some room to see the end in.
		content.Grow(int(min(r.ContentLength, maxAhead)) + bytes.MinRead)
	}
	_, err := content.ReadFrom(r.Body)
	return content.Bytes(), err
}

func (b *body) wrong(field, kind, message string) {
	location := []string{"body"}
	if field != "" {
		location = append(location, field)
	}
	b.issues = append(b.issues, Issue{location, message, kind})
}

// ok tells whether the body as a whole could be read, so that fields are worth looking at.
func (b *body) ok() bool { return b.fields != nil && !b.tooBig }

// get decodes a field into target and tells whether it was given.
func (b *body) get(field string, target any, kind, message string) bool {
	raw, given := b.fields[field]
	if !given || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, target); err != nil {
		b.wrong(field, kind, message)
		return false
	}
	return true
}

func (b *body) text(field string) string {
	var value string
	b.get(field, &value, "string_type", "Input should be a valid string")
	return value
}

func (b *body) required(field string) string {
	if raw, given := b.fields[field]; b.ok() && (!given || string(raw) == "null") {
		kind, message := "missing", "Field required"
		if given {
			kind, message = "string_type", "Input should be a valid string"
		}
		b.wrong(field, kind, message)
		return ""
	}
	return b.text(field)
}

func (b *body) choice(field, otherwise string, allowed ...string) string {
	value := otherwise
	if b.get(field, &value, "string_type", "Input should be a valid string") && !slices.Contains(allowed, value) {
		b.wrong(field, "enum", "Input should be one of "+strings.Join(allowed, ", "))
	}
	return value
}

func (b *body) flag(field string, otherwise bool) bool {
	value := otherwise
	b.get(field, &value, "bool_type", "Input should be a valid boolean")
	return value
}

func (b *body) list(field string) []string {
	var value []string
	b.get(field, &value, "list_type", "Input should be a valid list of strings")
	return value
}

func (b *body) variables(field string) map[string]string {
	var value map[string]string
	b.get(field, &value, "dict_type", "Input should be a valid object of strings")
	for name, content := range value {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(content, 0) {
			b.wrong(field, "value_error", "a variable's name must not be empty or contain \"=\", and nothing may contain NUL")
		}
	}
	return value
}

// integer reads a whole number within bounds; nil when it was not given.
func (b *body) integer(field string, least, most int64) *int64 {
	var value float64
	if !b.get(field, &value, "int_type", "Input should be a valid integer") {
		return nil
	}
	switch {
	case value != math.Trunc(value) || math.Abs(value) > 1<<53:
		b.wrong(field, "int_from_float", "Input should be a valid integer, got a number with a fractional part")
	case value < float64(least):
		b.wrong(field, "greater_than_equal", "Input should be greater than or equal to "+digits(least))
	case value > float64(most):
		b.wrong(field, "less_than_equal", "Input should be less than or equal to "+digits(most))
	}
	n := int64(value)
	return &n
}

func (b *body) count(field string, otherwise, least, most int64) int {
	if n := b.integer(field, least, most); n != nil {
		return int(*n)
	}
	return int(otherwise)
}

// seconds reads a time, which must be positive; zero when it was not given.
func (b *body) seconds(field string) time.Duration {
	var value float64
	if !b.get(field, &value, "float_type", "Input should be a valid number") {
		return 0
	}
	const most = 30 * 24 * 3600
	if value <= 0 || value > most {
		b.wrong(field, "value_error", "Input should be greater than 0 and at most "+digits(most)+" seconds")
		return 0
	}
	return time.Duration(value * float64(time.Second))
}

// folder reads an absolute path.
func (b *body) folder(field string) string {
	value := b.text(field)
	if value != "" && !filepath.IsAbs(value) {
		b.wrong(field, "value_error", "Input should be an absolute path, got "+value)
	}
	if strings.ContainsRune(value, 0) {
		b.wrong(field, "value_error", "Input must not contain a NUL byte")
	}
	return value
}

// command reads a command line; bash cannot be given a NUL.
func (b *body) command(field string) string {
	value := b.required(field)
	if strings.ContainsRune(value, 0) {
		b.wrong(field, "value_error", "a command must not contain a NUL byte")
	}
	return value
}

// session reads the name of a session.
func (b *body) session(field string, required bool) string {
	value := ""
	if required {
		value = b.required(field)
	} else {
		value = b.text(field)
	}
	if value != "" && !validSession(value) {
		b.wrong(field, "string_pattern_mismatch", "a session id has 1 to 128 letters, digits and . _ : -")
	}
	return value
}

func validSession(id string) bool {
	for _, r := range id {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:-", r)) {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 128
}

// noSudo refuses what a sandbox never has.
func (b *body) noSudo() {
	if b.flag("sudo", false) {
		b.wrong("sudo", "value_error", "sudo is not available: a sandbox never runs anything as root; leave it out or send false")
	}
}
