// Put into gVisor's package when it is built here: see ../../../programs.ts.
//
// Systrap measures 2,500 times a second, for as long as a sandbox is there, whether spinning would pay. An idle sandbox takes up to
// four percent of a processor for that, and a pool of twenty of them most of one. Here it is measured as often where anything runs,
// and rarely where nothing does.

package systrap

import "time"

// longestIdlePeriod is how late it is at most seen that a sandbox is busy again. Until then it does as it did before it was idle.
const longestIdlePeriod = 50 * time.Millisecond

func init() {
	// The loop that this one stands in for is started by the same Once, and so never.
	latencyMonitoring.Do(func() { go controlFastPathWhileBusy() })
}

// controlFastPathWhileBusy does in each period what controlFastPath does.
func controlFastPathWhileBusy() {
	period, known := recordingPeriod, uint64(0)
	for {
		time.Sleep(period)
		if latencies.count() != known {
			period = recordingPeriod
		} else {
			period = min(2*period, longestIdlePeriod)
		}
		// Known only when the platform is set up, which is after init.
		if limit := uint32(maxSysmsgThreads * 2); limit != fastPathContextLimit {
			fastPathContextLimit = limit
		}
		fastpath.curState(&fastpath)
		fastpath.usedStubFastPath.Store(false)
		fastpath.usedSentryFastPath.Store(false)
		// Too few for a median are kept.
		known = latencies.count()
	}
}

// count tells how many latencies are recorded and not yet evaluated.
func (l *latencyRecorder) count() uint64 {
	var sum uint64
	for i := range l.stubBound {
		sum += l.stubBound[i].Load() + l.sentryBound[i].Load()
	}
	return sum
}
