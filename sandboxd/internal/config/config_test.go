package config

import (
	"strings"
	"testing"
)

func TestFromEnv(t *testing.T) {
	folder := t.TempDir()
	get := func(extra map[string]string) func(string) string {
		return func(name string) string {
			if value, ok := extra[name]; ok {
				return value
			}
			return map[string]string{"SANDBOXD_HOME": folder}[name]
		}
	}
	c, err := FromEnv(get(map[string]string{"SANDBOXD_MAX_BODY": "5", "SANDBOXD_GRACE_SECONDS": "7"}))
	if err != nil || c.MaxBody != 5 || c.Grace.Seconds() != 7 || c.Workspace != folder {
		t.Errorf("%+v, %v", c, err)
	}
	for name, value := range map[string]string{"SANDBOXD_MAX_READ": "1M", "SANDBOXD_HOME": "/nope", "SANDBOXD_WORKSPACE": "x"} {
		if _, err := FromEnv(get(map[string]string{name: value})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
