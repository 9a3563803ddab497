// Package text keeps the output of commands within bounds and makes plain, valid UTF-8 of it.
package text

import "fmt"

// Capture keeps the first and the last part of a stream, each up to half of its limit, and counts what it drops.
// It is not safe for concurrent use.
type Capture struct {
	limit int
	head  []byte
	tail  []byte // a ring once it is full
	next  int    // where the ring's oldest byte is
	total int64
}

// NewCapture returns an empty capture that keeps at most limit bytes.
func NewCapture(limit int) *Capture { return &Capture{limit: limit} }

// Write appends to the stream; it never fails.
func (c *Capture) Write(data []byte) (int, error) {
	n := len(data)
	c.total += int64(n)
	half := c.limit / 2
	if room := half - len(c.head); room > 0 {
		take := min(room, len(data))
		c.head = append(c.head, data[:take]...)
		data = data[take:]
	}
	size := c.limit - half
	if len(data) >= size {
		c.tail, c.next = append(c.tail[:0], data[len(data)-size:]...), 0
		return n, nil
	}
	if room := size - len(c.tail); room > 0 && len(data) > 0 {
		take := min(room, len(data))
		c.tail = append(c.tail, data[:take]...)
		data = data[take:]
	}
	for len(data) > 0 {
		copied := copy(c.tail[c.next:], data)
		c.next = (c.next + copied) % len(c.tail)
		data = data[copied:]
	}
	return n, nil
}

// Total is the number of bytes that were written.
func (c *Capture) Total() int64 { return c.total }

// Kept is the number of bytes in memory.
func (c *Capture) Kept() int64 { return int64(len(c.head) + len(c.tail)) }

// Since returns what is kept from byte offset on; a note stands in the place of bytes that were dropped.
func (c *Capture) Since(offset int64) []byte {
	offset = min(max(offset, 0), c.total)
	headEnd := int64(len(c.head))
	tailStart := c.total - int64(len(c.tail))
	var out []byte
	if offset < headEnd {
		out = append(out, c.head[offset:]...)
	}
	if from := max(offset, headEnd); from < tailStart {
		out = append(out, fmt.Sprintf("\n[... %d bytes dropped ...]\n", tailStart-from)...)
	}
	ordered := append(append(make([]byte, 0, len(c.tail)), c.tail[c.next:]...), c.tail[:c.next]...)
	return append(out, ordered[max(offset-tailStart, 0):]...)
}
