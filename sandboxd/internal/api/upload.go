package api

import (
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// smallUpload is the size of a body in bytes that need not wait for others.
const smallUpload = 1 << 20

// uploads bounds how much of large bodies is in memory at once, where each is held more than once while it is decoded: as much
// as the largest body there may be.
type uploads struct {
	most     int64
	patience time.Duration // for a body to arrive once it is its turn
	room     *semaphore.Weighted
}

func newUploads(most int64, patience time.Duration) *uploads {
	return &uploads{most: most, patience: patience, room: semaphore.NewWeighted(most)}
}

// inTurn lets a request with a large body wait until there is room for it.
func (u *uploads) inTurn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		size := min(r.ContentLength, u.most)
		if size < 0 {
			size = u.most
		}
		if size > smallUpload {
			if err := u.room.Acquire(r.Context(), size); err != nil {
				fail(w, http.StatusServiceUnavailable, "other uploads took too long; try again")
				return
			}
			defer u.room.Release(size)
			// The time for it to arrive has run while it waited.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(u.patience))
		}
		next(w, r)
	}
}
