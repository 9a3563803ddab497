package shell

import "testing"

// The marks may be cut anywhere by reads of the terminal; the output must not depend on where.
func TestMarksInPieces(t *testing.T) {
	probe, first, last := newCommand("x", "$", 1000)
	stream := "(venv) noise\x1e" + first + "S\x00" + "out\x1e put\n\x1e" + last + "E42;/tmp/a b\x00late"
	for size := 1; size <= len(stream); size++ {
		c := *probe
		fresh, _, _ := newCommand("x", "$", 1000)
		c.output = fresh.output
		var pending []byte
		ended := false
		for at := 0; at < len(stream) && !ended; at += size {
			var code int
			var folder string
			pending = append(pending, stream[at:min(at+size, len(stream))]...)
			rest, over, number, path := c.take(pending)
			pending = append([]byte(nil), rest...)
			if ended, code, folder = over, number, path; ended && (code != 42 || folder != "/tmp/a b") {
				t.Fatalf("size %d: code %d, folder %q", size, code, folder)
			}
		}
		if got := string(c.output.Since(0)); !ended || got != "out\x1e put\n" {
			t.Fatalf("size %d: ended %v, output %q", size, ended, got)
		}
	}
}
