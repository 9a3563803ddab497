package proc

import (
	"errors"
	"testing"
)

func TestSlots(t *testing.T) {
	s := NewSlots(2)
	_, created := s.Usage()
	if s.Acquire() != nil || s.Acquire() != nil || !errors.Is(s.Acquire(), ErrBusy) {
		t.Fatal("not two slots")
	}
	if used, changed := s.Usage(); used != 2 || !changed.After(created) {
		t.Errorf("%d used, changed %v", used, changed)
	}
	s.Release()
	if s.Acquire() != nil {
		t.Error("a slot was lost")
	}
}

func TestDrain(t *testing.T) {
	s := NewSlots(2)
	_, _ = s.Acquire(), s.Acquire()
	drained := s.Drain()
	if !s.Draining() || !errors.Is(s.Acquire(), ErrDraining) {
		t.Error("commands begin while draining")
	}
	for range 2 {
		select {
		case <-drained:
			t.Fatal("drained while commands run")
		default:
		}
		s.Release()
	}
	<-drained
	<-s.Drain()
	<-func() <-chan struct{} { return NewSlots(1).Drain() }()
}
