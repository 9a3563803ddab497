package proc

import "errors"

// ErrBusy says that as many commands run as may.
var ErrBusy = errors.New("too many commands are running; wait for one or kill one")

// Slots bounds how many commands run at once.
type Slots struct{ free chan struct{} }

// NewSlots returns n free slots.
func NewSlots(n int) *Slots { return &Slots{free: make(chan struct{}, n)} }

// Acquire takes a slot or fails at once.
func (s *Slots) Acquire() error {
	select {
	case s.free <- struct{}{}:
		return nil
	default:
		return ErrBusy
	}
}

// Release gives a slot back.
func (s *Slots) Release() { <-s.free }
