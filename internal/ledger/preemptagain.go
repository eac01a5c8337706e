package ledger

import (
	"math"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// A gang that does not fit although it may preempt others is tried again when something has started since that it might preempt. Capacity
// that frees up alone would not wake it: what starts there may be of a lower priority than what ran before.

// preemptions is what the ledger knows about who could preempt whom.
type preemptions struct {
	// lowest is at most the lowest priority of what runs.
	lowest int32
	// count numbers the pods that were started, and last has, for each priority, the number of the last one.
	starts struct {
		count uint64
		last  map[int32]uint64
	}
	// tried has the gangs that were tried, with the number of pods that were started by then.
	tried map[gang.Key]uint64
}

func newPreemptions() preemptions {
	p := preemptions{lowest: math.MaxInt32, tried: map[gang.Key]uint64{}}
	p.starts.last = map[int32]uint64{}
	return p
}

// noteStart records that a pod of this priority starts.
func (p *preemptions) noteStart(priority int32) {
	p.lowest = min(p.lowest, priority)
	p.starts.count++
	p.starts.last[priority] = p.starts.count
}

// newer reports whether anything with a lower priority has started since.
func (p *preemptions) lowerSince(priority int32, since uint64) bool {
	if p.starts.count == since {
		return false
	}
	for of, last := range p.starts.last {
		if of < priority && last > since {
			return true
		}
	}
	return false
}

// PreemptAgain puts the first gang into the scheduling queue that did not fit, and that could preempt something that has started since.
func (l *Ledger) PreemptAgain(now time.Time) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first *gang.Gang
	for key, since := range l.tried {
		g := l.gangs[key]
		if g == nil || g.Phase() == gang.Running {
			delete(l.tried, key)
			continue
		}
		if !g.Unplaced() || !l.lowerSince(g.Priority(), since) || first != nil && compare(first, g) < 0 {
			continue
		}
		first = g
	}
	if first == nil {
		return nil
	}
	l.tried[first.Key] = l.starts.count
	return l.after(first, first.Retry(now))
}
