package text

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Valid returns data as UTF-8, every invalid sequence replaced by U+FFFD.
func Valid(data []byte) string { return strings.ToValidUTF8(string(data), "\uFFFD") }

// Whole returns the length of data without a character that is cut off at its end.
func Whole(data []byte) int {
	for back := 1; back <= min(utf8.UTFMax-1, len(data)); back++ {
		start := len(data) - back
		if utf8.RuneStart(data[start]) {
			if data[start] >= utf8.RuneSelf && !utf8.FullRune(data[start:]) {
				return start
			}
			break
		}
	}
	return len(data)
}

// escapes are the terminal control sequences of ECMA-48: CSI, OSC and other strings, and two-character ones.
var escapes = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])`)

// Plain returns what a terminal program printed as text: no control sequences, "\n" line ends, valid UTF-8.
func Plain(data []byte) string {
	text := Valid(data)
	if strings.IndexByte(text, '\x1b') >= 0 {
		text = escapes.ReplaceAllString(text, "")
	}
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return text
}

// Middle shortens text to at most limit characters by a note in its middle; 0 means no limit.
func Middle(text string, limit int) string {
	count := utf8.RuneCountInString(text)
	if limit <= 0 || count <= limit {
		return text
	}
	note := fmt.Sprintf("\n[... %d characters truncated ...]\n", count-limit)
	keep := max(limit-len(note), 0)
	head, tail := (keep+1)/2, keep/2
	return text[:byteOffset(text, head)] + note + text[byteOffset(text, count-tail):]
}

func byteOffset(text string, runes int) int {
	if runes == 0 {
		return 0
	}
	seen := 0
	for index := range text {
		if seen == runes {
			return index
		}
		seen++
	}
	return len(text)
}
