package options

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want Options
	}{
		{"equals sign", []string{"--node-name=a"}, Options{"node-name": {"a"}}},
		{"next word", []string{"--node-name", "a"}, Options{"node-name": {"a"}}},
		{"switch before a flag", []string{"--debug", "--node-name=a"}, Options{"debug": {""}, "node-name": {"a"}}},
		{"lists and repetition", []string{"--disable=a,b", "--disable", "c"}, Options{"disable": {"a", "b", "c"}}},
		{"component arguments keep their commas", []string{"--kubelet-arg=pod-max-pids=64", "--kubelet-arg=eviction-hard=a<1,b<2"},
			Options{"kubelet-arg": {"pod-max-pids=64", "eviction-hard=a<1,b<2"}}},
	} {
		if got := Parse(c.args); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLastWins(t *testing.T) {
	o := Parse([]string{"--node-name=a", "--node-name=b"})
	if got := o.Last("node-name", "c"); got != "b" {
		t.Errorf("got %q, want the last value", got)
	}
	if got := o.Last("node-ip", "c"); got != "c" {
		t.Errorf("got %q, want the fallback", got)
	}
}
