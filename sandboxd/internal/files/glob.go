package files

import (
	"regexp"
	"strings"
)

// Glob is a compiled pattern of shell wildcards: "*" and "?" within a name, "[...]" sets, "{a,b}" choices, "**" over
// folders. A pattern without "/" is for names at any depth; one with "/" is for the path below the searched folder.
type Glob struct {
	expression *regexp.Regexp
	whole      bool
	// Hidden tells that the pattern names a hidden file or folder, so that these are searched too.
	Hidden bool
}

// NewGlob compiles a pattern.
func NewGlob(pattern string) (Glob, error) {
	pattern = strings.TrimPrefix(pattern, "./")
	g := Glob{whole: strings.Contains(pattern, "/"), Hidden: strings.HasPrefix(pattern, ".") || strings.Contains(pattern, "/.")}
	expression, err := regexp.Compile("(?s)^" + translate(pattern) + "$")
	g.expression = expression
	return g, err
}

// Match tells whether the file of that name, at path below the searched folder, fits.
func (g Glob) Match(path, name string) bool {
	if g.whole {
		return g.expression.MatchString(path)
	}
	return g.expression.MatchString(name)
}

func translate(pattern string) string {
	var out strings.Builder
	depth := 0
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		rest := pattern[i:]
		switch {
		case strings.HasPrefix(rest, "**/") && (i == 0 || pattern[i-1] == '/'):
			out.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(rest, "**"):
			out.WriteString(".*")
			i++
		case c == '*':
			out.WriteString("[^/]*")
		case c == '?':
			out.WriteString("[^/]")
		case c == '[':
			set, length := characterSet(rest)
			out.WriteString(set)
			i += length - 1
		case c == '{' && strings.Contains(rest, "}"):
			depth++
			out.WriteString("(?:")
		case c == '}' && depth > 0:
			depth--
			out.WriteString(")")
		case c == ',' && depth > 0:
			out.WriteString("|")
		case c == '\\' && i+1 < len(pattern):
			i++
			out.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		default:
			// Byte by byte is safe: bytes of longer characters stand for themselves.
			out.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return out.String()
}

// characterSet translates "[...]" at the start of text and returns how long it was; an open bracket is a literal.
func characterSet(text string) (string, int) {
	start := 1
	negated := len(text) > 1 && (text[1] == '!' || text[1] == '^')
	if negated {
		start++
	}
	end := strings.IndexByte(text[min(start+1, len(text)):], ']')
	if end < 0 {
		return `\[`, 1
	}
	end += start + 1
	body := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`, `]`, `\]`).Replace(text[start:end])
	if negated {
		return "[^/" + body + "]", end + 1
	}
	return "[" + body + "]", end + 1
}
