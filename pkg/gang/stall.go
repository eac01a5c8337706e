package gang

import "time"

// stalled says whether the attempt waits for a member that does not come. While a member is in its scheduling cycle the attempt
// waits for nobody: planning a large gang, or asking an extender, may take longer than stallTime.
func (g *Gang) stalled(now time.Time) bool {
	return g.attempt != nil && g.attempt.cycle == nil && now.Sub(g.attempt.progress) >= stallTime
}

// beginCycle notes that a member of the attempt that is not refused is in its scheduling cycle. Cycles follow one another.
func (g *Gang) beginCycle(m *member, verdict Verdict, now time.Time) {
	if g.attempt == nil || verdict == Refuse {
		return
	}
	if g.attempt.cycle != nil {
		g.EndCycle(g.attempt.cycle.UID, now)
	}
	g.attempt.cycle, g.attempt.cycleSince = m, now
}

// EndCycle records that the member's scheduling cycle ended. The time that it took does not count for the stall.
func (g *Gang) EndCycle(uid string, now time.Time) {
	if g.attempt == nil || g.attempt.cycle == nil || g.attempt.cycle.UID != uid {
		return
	}
	g.attempt.progress = g.attempt.progress.Add(now.Sub(g.attempt.cycleSince))
	g.attempt.cycle = nil
}
