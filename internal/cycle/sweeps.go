package cycle

import (
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// sweepPause is how often a gang is tried again because something has started since that it could preempt. sweepShare limits what that
	// costs: the pause is at least so many times as long as the last such attempt took.
	sweepPause = 200 * time.Millisecond
	sweepShare = 20
)

// sweeps limits how often gangs are tried again only because something has started since that they could preempt.
type sweeps struct {
	// next is when one may be tried again at the earliest.
	next time.Time
	// key is the gang, or pod without one, that was put into the scheduling queue last, until its attempt ends.
	key gang.Key
}

// due reports whether one may be tried again.
func (s *sweeps) due(now time.Time) bool { return !now.Before(s.next) }

// began records which one is tried again: the zero key if there is none.
func (s *sweeps) began(key gang.Key, now time.Time) { s.key, s.next = key, now.Add(sweepPause) }

// ended records that the attempt of a gang, or of a pod without one, ends without a place for it. The whole attempt counts, from popped on:
// the snapshot, the plan, and explaining why it fails usually cost more than planning to preempt others. planned is true if that was
// too, which counts whatever it was tried for.
func (s *sweeps) ended(key gang.Key, planned bool, popped, now time.Time) {
	if planned || key == s.key {
		s.key, s.next = gang.Key{}, now.Add(max(sweepPause, sweepShare*now.Sub(popped)))
	}
}
