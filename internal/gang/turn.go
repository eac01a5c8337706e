package gang

import "time"

// Offer takes the representative of a ready gang out of the scheduling queue until it is the gang's turn. It returns false for any other
// member.
func (g *Gang) Offer(uid string) bool {
	m, known := g.members[uid]
	if !known || m != g.representative || g.Phase() != Ready {
		return false
	}
	g.queuedAt, g.overtaken = time.Time{}, true
	g.park(m, true)
	return true
}

// Turn puts the representative of a ready gang into the scheduling queue, because it is the gang's turn. It returns false if the gang
// cannot be tried now.
func (g *Gang) Turn(now time.Time) (Ref, bool) {
	if g.Phase() != Ready || g.rests(now) || g.awaitsBind() {
		return Ref{}, false
	}
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(g.oldestParked(nil))
	}
	if g.representative == nil {
		return Ref{}, false
	}
	g.overtaken, g.queuedAt = false, now
	g.park(g.representative, false)
	return g.ref(g.representative), true
}

// Represents reports whether a member stands for the gang in the scheduling queue.
func (g *Gang) Represents(uid string) bool {
	return g.representative != nil && g.representative.UID == uid
}

// TooLarge reports whether the gang would not fit even if the cluster were empty, as far as its last attempt showed.
func (g *Gang) TooLarge() bool { return g.failure != nil && g.failure.Kind == KindTooLarge }

// turn is what the queues say of a gang that waits, as far as it is known.
type turn struct {
	// queued is why the queues make the gang wait, empty if they do not; place is its place in its queue, nil if no queues are configured.
	queued Kind
	place  *QueueWhy
}

// InQueue records the gang's place in its queue, and why the queues make it wait; kind is empty if they do not.
func (g *Gang) InQueue(kind Kind, place *QueueWhy, now time.Time) {
	if kind == KindBeyondLimit || kind == KindBeyondGuarantee {
		g.WaitsForItsQueue(now)
	}
	same := g.place == nil && place == nil || g.place != nil && place != nil && *g.place == *place
	if kind == g.queued && same {
		return
	}
	g.queued, g.place, g.changed = kind, place, now
}

// inQueue adds what the queues say to why the gang waits.
func (g *Gang) inQueue(e Explanation) Explanation {
	if e.Queue = g.place; g.queued != "" {
		e.Kind = g.queued
	}
	return e
}
