package proc

import (
	"errors"
	"sync"
	"time"
)

// ErrBusy says that as many commands run as may.
var ErrBusy = errors.New("too many commands are running; wait for one or kill one")

// ErrDraining says that the server is about to end.
var ErrDraining = errors.New("the sandbox is shutting down and starts no new commands; use another sandbox")

// Slots bounds how many commands run at once, knows when the last one began or ended, and lets no more begin when the
// server drains.
type Slots struct {
	mu       sync.Mutex
	limit    int
	used     int
	changed  time.Time
	draining bool
	drained  chan struct{} // closed when the server drains and nothing runs
}

// NewSlots returns n free slots.
func NewSlots(n int) *Slots {
	return &Slots{limit: n, changed: time.Now(), drained: make(chan struct{})}
}

// Acquire takes a slot or fails at once.
func (s *Slots) Acquire() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return ErrDraining
	case s.used >= s.limit:
		return ErrBusy
	}
	s.used++
	s.changed = time.Now()
	return nil
}

// Release gives a slot back.
func (s *Slots) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
	s.changed = time.Now()
	s.settle()
}

// Usage returns how many commands run and when the last one began or ended.
func (s *Slots) Usage() (int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.changed
}

// Drain lets no command begin from here on. The channel is closed when none runs.
func (s *Slots) Drain() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	s.settle()
	return s.drained
}

// Draining tells whether Drain was called.
func (s *Slots) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

func (s *Slots) settle() {
	if !s.draining || s.used > 0 {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
}
