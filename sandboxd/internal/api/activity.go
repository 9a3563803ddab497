package api

import (
	"net/http"
	"sync"
	"time"
)

const activityPath = "/v1/activity"

// activity remembers when the sandbox was last used through its API.
type activity struct {
	mu       sync.Mutex
	requests int
	last     time.Time
}

func (a *activity) begin() { a.add(1) }
func (a *activity) end()   { a.add(-1) }

func (a *activity) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests += n
	a.last = time.Now()
}

func (a *activity) now() (requests int, last time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests, a.last
}

type activityData struct {
	IdleSeconds     float64 `json:"idle_seconds"`
	LastActiveAt    string  `json:"last_active_at"`
	RunningCommands int     `json:"running_commands"`
	OpenRequests    int     `json:"open_requests"`
}

// showActivity tells for how long nobody has used the sandbox. A running command and an open request are use; probes,
// the claim and this question are not.
func (a *API) showActivity(w http.ResponseWriter, _ *http.Request) {
	requests, last := a.activity.now()
	commands, changed := a.slots.Usage()
	if changed.After(last) {
		last = changed
	}
	now := time.Now()
	if requests > 0 || commands > 0 {
		last = now
	}
	done(w, "Activity", activityData{now.Sub(last).Seconds(), last.UTC().Format(time.RFC3339Nano), commands, requests}, "")
}
