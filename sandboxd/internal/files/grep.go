package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"sandlot.dev/sandboxd/internal/text"
)

// GrepOptions say what to search for and where.
type GrepOptions struct {
	Pattern         string
	Include         []string
	Exclude         []string
	CaseInsensitive bool
	FixedStrings    bool
	Before, After   int
	MaxResults      int
	MaxFileSize     int64
	Multiline       bool
	Offset          int
	Type            string
	Recursive       bool
}

// Match is one line, or with multiline the lines of one match. Lines are counted from 1.
type Match struct {
	File   string   `json:"file"`
	Line   int      `json:"line_number"`
	Text   string   `json:"line_content"`
	Before []string `json:"context_before"`
	After  []string `json:"context_after"`
}

// GrepResult is what a search found.
type GrepResult struct {
	Matches   []Match
	Searched  int
	Matched   int
	Truncated bool
}

// maxLine is how many characters of a line are returned.
const maxLine = 2000

// Types are the names for groups of files that a search can be limited to.
var Types = map[string][]string{
	"c": {"*.c", "*.h"}, "cpp": {"*.cpp", "*.cc", "*.cxx", "*.hpp", "*.hh", "*.h"}, "css": {"*.css", "*.scss", "*.less"},
	"go": {"*.go"}, "html": {"*.html", "*.htm"}, "java": {"*.java"}, "js": {"*.js", "*.mjs", "*.cjs", "*.jsx"},
	"json": {"*.json"}, "md": {"*.md", "*.markdown"}, "py": {"*.py", "*.pyi"}, "rust": {"*.rs"},
	"sh": {"*.sh", "*.bash"}, "sql": {"*.sql"}, "toml": {"*.toml"}, "ts": {"*.ts", "*.tsx", "*.mts", "*.cts"},
	"txt": {"*.txt"}, "xml": {"*.xml"}, "yaml": {"*.yaml", "*.yml"},
}

// Size reads a size such as 500K, 1M or 2G; a plain number is bytes.
func Size(value string) (int64, error) {
	match := regexp.MustCompile(`^(\d{1,15})([KMG]?)(?:i?B)?$`).FindStringSubmatch(strings.ToUpper(strings.TrimSpace(value)))
	if match == nil {
		return 0, fmt.Errorf("%q is not a size such as 1M, 500K or 65536", value)
	}
	number, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return 0, err
	}
	return number * map[string]int64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[match[2]], nil
}

// Compile makes a regular expression of a pattern, in Python's spelling where that differs from Go's.
func Compile(o GrepOptions) (*regexp.Regexp, error) {
	pattern := o.Pattern
	if o.FixedStrings {
		pattern = regexp.QuoteMeta(pattern)
	} else {
		pattern = fromPython(pattern)
	}
	flags := "m"
	if o.CaseInsensitive {
		flags += "i"
	}
	expression, err := regexp.Compile("(?" + flags + ":" + pattern + ")")
	if bad, ok := err.(*syntax.Error); ok {
		hint := ""
		if strings.Contains(o.Pattern, "(?=") || strings.Contains(o.Pattern, "(?!") || strings.Contains(o.Pattern, "(?<") ||
			regexp.MustCompile(`\\[1-9]|\(\?P=`).MatchString(o.Pattern) {
			hint = "; look-around and back-references are not supported, because searches must end in linear time"
		}
		return nil, fmt.Errorf("%s: %s%s", bad.Code, bad.Expr, hint)
	}
	return expression, err
}

// atMost is Python's {,n} at the beginning of a text.
var atMost = regexp.MustCompile(`^\{,\d*\}`)

// fromPython rewrites what Python spells otherwise: \Z for the end, \uXXXX for a character, {,n} for at most n.
func fromPython(pattern string) string {
	var out strings.Builder
	class := -1 // where the characters of the brackets begin that i is in
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch {
		case strings.HasPrefix(rest, `\Z`):
			out.WriteString(`\z`)
			i++
		case strings.HasPrefix(rest, `\u`) && hexadecimal(rest, 2, 4):
			out.WriteString(`\x{` + rest[2:6] + `}`)
			i += 5
		case rest[0] == '\\' && len(rest) > 1:
			out.WriteString(rest[:2])
			i++
		case class < 0 && atMost.MatchString(rest):
			out.WriteString("{0,")
			i++
		default:
			if class < 0 && rest[0] == '[' {
				class = i + 1
				if strings.HasPrefix(rest, "[^") {
					class++
				}
			} else if rest[0] == ']' && i > class {
				// The first one is a character like others.
				class = -1
			}
			out.WriteByte(rest[0])
		}
	}
	return out.String()
}

func hexadecimal(s string, from, count int) bool {
	if len(s) < from+count {
		return false
	}
	_, err := strconv.ParseUint(s[from:from+count], 16, 32)
	return err == nil
}

// Grep searches the text files below path, or path itself when it is a file.
func (s Store) Grep(ctx context.Context, path string, o GrepOptions) (GrepResult, error) {
	result := GrepResult{Matches: []Match{}}
	expression, err := Compile(o)
	if err != nil {
		return result, problem(path, "grep", "invalid_pattern", fmt.Sprintf("the pattern %q cannot be used: %s", o.Pattern, err))
	}
	include, err := globs(append(append([]string(nil), o.Include...), Types[o.Type]...))
	exclude, excludeErr := globs(o.Exclude)
	if err != nil || excludeErr != nil {
		return result, problem(path, "grep", "invalid_pattern", "an include or exclude pattern cannot be understood")
	}
	stat, err := os.Stat(path)
	if err != nil {
		return result, wrap(path, "grep", err)
	}
	search := searcher{options: o, expression: expression, result: &result}
	if !stat.IsDir() {
		if err := search.file(path); err != nil && !errors.Is(err, errEnough) {
			return result, err
		}
		return result, nil
	}
	depth := 1
	if o.Recursive {
		depth = 0
	}
	cut, err := s.walk(ctx, path, "grep", depth, true, func(e entry) (bool, error) {
		if matches(exclude, e) {
			return false, nil
		}
		if e.item.IsDir() || (len(include) > 0 && !matches(include, e)) {
			return true, nil
		}
		return true, search.file(e.path)
	})
	result.Truncated = result.Truncated || cut
	return result, err
}

func globs(patterns []string) ([]Glob, error) {
	var all []Glob
	for _, pattern := range patterns {
		glob, err := NewGlob(strings.TrimSuffix(pattern, "/"))
		if err != nil {
			return nil, err
		}
		all = append(all, glob)
	}
	return all, nil
}

func matches(globs []Glob, e entry) bool {
	for _, glob := range globs {
		if glob.Match(e.relative, e.name) {
			return true
		}
	}
	return false
}

type searcher struct {
	options    GrepOptions
	expression *regexp.Regexp
	result     *GrepResult
	seen       int
}

// file searches one file. Files that are too large, binary, not regular or not readable are passed over.
func (s *searcher) file(path string) error {
	stat, err := os.Stat(path)
	if err != nil || !stat.Mode().IsRegular() || stat.Size() > s.options.MaxFileSize {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(file, s.options.MaxFileSize+1))
	file.Close()
	if err != nil || int64(len(content)) > s.options.MaxFileSize || bytes.IndexByte(content[:min(len(content), 8192)], 0) >= 0 {
		return nil
	}
	s.result.Searched++
	found := len(s.result.Matches)
	if s.options.Multiline {
		err = s.across(path, content)
	} else {
		err = s.lines(path, content)
	}
	if len(s.result.Matches) > found {
		s.result.Matched++
	}
	return err
}

func (s *searcher) lines(path string, content []byte) error {
	var all []string
	number := 0
	for rest := content; len(rest) > 0; {
		line, next, _ := bytes.Cut(rest, []byte{'\n'})
		rest = next
		if s.expression.Match(bytes.TrimSuffix(line, []byte{'\r'})) {
			if all == nil {
				all = split(content)
			}
			if err := s.add(path, all, number, number); err != nil {
				return err
			}
		}
		number++
	}
	return nil
}

func (s *searcher) across(path string, content []byte) error {
	var all []string
	for _, at := range s.expression.FindAllIndex(content, s.options.Offset+s.options.MaxResults+1) {
		if all == nil {
			all = split(content)
		}
		first := bytes.Count(content[:at[0]], []byte{'\n'})
		last := first + bytes.Count(content[at[0]:max(at[0], at[1]-1)], []byte{'\n'})
		if first >= len(all) {
			continue
		}
		if err := s.add(path, all, first, min(last, len(all)-1)); err != nil {
			return err
		}
	}
	return nil
}

func (s *searcher) add(path string, all []string, first, last int) error {
	if s.seen++; s.seen <= s.options.Offset {
		return nil
	}
	if len(s.result.Matches) >= s.options.MaxResults {
		s.result.Truncated = true
		return errEnough
	}
	s.result.Matches = append(s.result.Matches, Match{
		File: path, Line: first + 1, Text: strings.Join(all[first:last+1], "\n"),
		Before: surroundings(all, first-s.options.Before, first, s.options.Before),
		After:  surroundings(all, last+1, last+1+s.options.After, s.options.After),
	})
	return nil
}

// surroundings is null in the API when no context was asked for.
func surroundings(all []string, from, to, asked int) []string {
	if asked == 0 {
		return nil
	}
	from, to = max(from, 0), min(to, len(all))
	return append([]string{}, all[min(from, to):to]...)
}

func split(content []byte) []string {
	parts := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	for i, part := range parts {
		part = strings.TrimSuffix(part, "\r")
		if !utf8.ValidString(part) {
			part = text.Valid([]byte(part))
		}
		parts[i] = text.Middle(part, maxLine)
	}
	return parts
}

// Base is the last part of a path, as a file name for a download.
func Base(path string) string { return filepath.Base(path) }
