package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	ip, err := address([]byte(`{"ips":[{"address":"fd00::2/64"},{"address":"10.42.0.7/24","gateway":"10.42.0.1"}]}`))
	if err != nil || ip != "10.42.0.7" {
		t.Errorf("got %q, %v", ip, err)
	}
	if _, err := address([]byte(`{"ips":[]}`)); err == nil {
		t.Error("a result without an address must be refused")
	}
}

func TestArgument(t *testing.T) {
	t.Setenv("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_UID=u-1")
	if got := argument("K8S_POD_UID"); got != "u-1" {
		t.Errorf("got %q", got)
	}
}

func TestRemovalNeverFails(t *testing.T) {
	if err := plugin("DEL", strings.NewReader("{}"), &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if err := plugin("VERSION", strings.NewReader(""), &out); err != nil || !strings.Contains(out.String(), "1.0.0") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
