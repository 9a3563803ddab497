package text

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCaptureKeepsStartAndEnd(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for round := 0; round < 200; round++ {
		limit := 2 + random.Intn(50)
		var whole []byte
		c := NewCapture(limit)
		for i := 0; i < random.Intn(20); i++ {
			part := bytes.Repeat([]byte{byte('a' + i)}, random.Intn(40))
			whole = append(whole, part...)
			_, _ = c.Write(part)
		}
		if c.Total() != int64(len(whole)) || c.Kept() > int64(limit) {
			t.Fatalf("total %d of %d, kept %d of %d", c.Total(), len(whole), c.Kept(), limit)
		}
		for _, offset := range []int{0, len(whole) / 2, len(whole)} {
			got := c.Since(int64(offset))
			if len(whole) <= limit {
				if !bytes.Equal(got, whole[offset:]) {
					t.Fatalf("limit %d: %q, want %q", limit, got, whole[offset:])
				}
				continue
			}
			tail := whole[max(offset, len(whole)-(limit-limit/2)):]
			if !bytes.HasSuffix(got, tail) {
				t.Fatalf("limit %d offset %d: %q does not end in %q", limit, offset, got, tail)
			}
			if offset == 0 && !bytes.HasPrefix(got, whole[:limit/2]) {
				t.Fatalf("%q does not begin with %q", got, whole[:limit/2])
			}
		}
	}
}

func TestMiddle(t *testing.T) {
	text := strings.Repeat("é", 1000)
	for _, limit := range []int{60, 500, 999} {
		got := Middle(text, limit)
		if n := utf8.RuneCountInString(got); n > limit || !utf8.ValidString(got) {
			t.Errorf("limit %d gave %d characters", limit, n)
		}
	}
	if Middle(text, 1000) != text || Middle(text, 0) != text {
		t.Error("what fits must stay")
	}
}

func TestWhole(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "a€": 4, "a\xe2\x82": 1, "a\xe2": 1, "a\xff": 2, "\xf0\x9f\x8e": 0, "\x82\x82\x82\x82": 4,
	} {
		if got := Whole([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for raw, want := range map[string]string{
		"\x1b[1;31mred\x1b[0m\r\n": "red\n", "\x1b]0;title\x07x": "x", "\x1b]8;;u\x1b\\link": "link", "a\rb": "a\rb",
		"\x1b(Bx\x1b=y": "xy", "bad\xff": "bad\uFFFD", "\x1b[?25l…": "…",
	} {
		if got := Plain([]byte(raw)); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}
