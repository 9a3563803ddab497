package files

import "testing"

func TestGlob(t *testing.T) {
	cases := []struct {
		pattern, path, name string
		want                bool
	}{
		{"*.py", "a/b/c.py", "c.py", true}, {"*.py", "c.pyc", "c.pyc", false}, {"src/*.py", "src/c.py", "c.py", true},
		{"src/*.py", "src/x/c.py", "c.py", false}, {"src/**/*.py", "src/c.py", "c.py", true},
		{"src/**/*.py", "src/x/y/c.py", "c.py", true}, {"**/c.*", "c.py", "c.py", true}, {"src/**", "src/a/b", "b", true},
		{"[ab]?.txt", "a1.txt", "a1.txt", true}, {"[!ab]*", "cat", "cat", true}, {"[!ab]*", "bat", "bat", false},
		{"{a,b}.ts", "b.ts", "b.ts", true}, {"a[", "a[", "a[", true}, {"é*", "été", "été", true}, {"a+b", "a+b", "a+b", true},
		{`\*`, "*", "*", true}, {`\*`, "x", "x", false}, {"[]x]", "]", "]", true},
	}
	for _, c := range cases {
		glob, err := NewGlob(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := glob.Match(c.path, c.name); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.path, got)
		}
	}
}

func TestPythonPatterns(t *testing.T) {
	for pattern, line := range map[string]string{
		`end\Z`: "the end", `\u00e9{,2}x`: "ééx", `(?P<n>a)b`: "ab", `a{,3}$`: "aaa", `\\Z`: `\Z`, `\d+\.\w`: "12.x",
		"a{,}$": "aaa", "^a{,x}$": "a{,x}", "^[{,]+$": "{,", "^[]{,2}]{,2}$": "]{",
	} {
		expression, err := Compile(GrepOptions{Pattern: pattern})
		if err != nil || !expression.MatchString(line) {
			t.Errorf("%s on %s: %v", pattern, line, err)
		}
	}
	for pattern, line := range map[string]string{
		"^[{,]$": "0", "^[^{,2}x]$": "2", "^[]{,2}]$": "0", `^[\]{,2}]$`: "0", "^[a]b{,2}$": "abbb", "^a{,x}$": "a{0,x}",
	} {
		expression, err := Compile(GrepOptions{Pattern: pattern})
		if err != nil || expression.MatchString(line) {
			t.Errorf("%s on %s: matches, %v", pattern, line, err)
		}
	}
	for _, pattern := range []string{"(?=a)", `(a)\1`, "(", "[z-a]", "a**"} {
		if _, err := Compile(GrepOptions{Pattern: pattern}); err == nil {
			t.Errorf("%s should be refused", pattern)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{"1M": 1 << 20, "500k": 500 << 10, "65536": 65536, "2GB": 2 << 30, "1 M": -1, "": -1, "-1": -1} {
		got, err := Size(text)
		if (err != nil) != (want < 0) || (err == nil && got != want) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
