package gang

import "time"

// Claim holds the values on which all members of a gang must agree.
type Claim struct {
	MinAvailable int32
	Scheduler    string
}

func (m *Member) claim() Claim {
	return Claim{MinAvailable: m.Spec.MinAvailable, Scheduler: m.Scheduler}
}

// statement is a value that members state, together with the revision of the template whose pods state it.
type statement[V comparable] struct {
	value    V
	revision string
}

// claimants counts the members that state the same.
type claimants struct {
	members, eligible, started int
	// created is when the oldest of them was created; seen is the position of the first of them in the order in which members were
	// first seen.
	created time.Time
	seen    int
}

// newerThan reports whether c's first member was created after o's. The API has a resolution of one second. Within one second, pods
// that wait count as newer than pods that run; otherwise the order in which they were seen decides.
func (c claimants) newerThan(o claimants) bool {
	switch {
	case !c.created.Equal(o.created):
		return c.created.After(o.created)
	case (c.started == 0) != (o.started == 0):
		return c.started == 0
	}
	return c.seen > o.seen
}

// statements counts the members that state each value, for each revision of their controller's template.
type statements[V comparable] map[statement[V]]claimants

func (s statements[V]) count(value V, m *member, by int) {
	key := statement[V]{value, m.Spec.Revision}
	made, known := s[key]
	if !known {
		made.created, made.seen = m.Created, m.seen
	}
	if made.members += by; made.members == 0 {
		delete(s, key)
		return
	}
	if m.eligible() {
		made.eligible += by
	}
	if m.started() {
		made.started += by
	}
	if m.Created.Before(made.created) {
		made.created = m.Created
	}
	made.seen = min(made.seen, m.seen)
	s[key] = made
}

// agreed returns the value that all members state. During a rollout it returns that of the newest revision, whose pods replace the
// others. The newest revision is the one whose first pod was created last.
func (s statements[V]) agreed() (V, bool) {
	var newest statement[V]
	var since claimants
	differ, rollout, first := false, true, true
	for key, made := range s {
		differ = differ || !first && key.value != newest.value
		rollout = rollout && key.revision != ""
		if first || made.newerThan(since) {
			newest, since = key, made
		}
		first = false
	}
	return newest.value, !first && (!differ || rollout && s.oneForEachRevision())
}

// oneForEachRevision reports whether all pods of each revision state the same.
func (s statements[V]) oneForEachRevision() bool {
	stated := make(map[string]V, len(s))
	for key := range s {
		if value, known := stated[key.revision]; known && value != key.value {
			return false
		}
		stated[key.revision] = key.value
	}
	return true
}

// of counts the members that state the value, across revisions.
func (s statements[V]) of(value V) claimants {
	var sum claimants
	for key, made := range s {
		if key.value == value {
			sum.members += made.members
			sum.eligible += made.eligible
		}
	}
	return sum
}

// agreed returns the claim that applies: the one on which all members agree, or else the one of the running members.
func (t *tally) agreed() (Claim, bool) {
	if claim, ok := t.claims.agreed(); ok {
		return claim, true
	}
	return t.startedClaims.agreed()
}

// disagree reports whether members contradict each other.
func (t *tally) disagree() bool { return t.claimsDisagree() || t.sharesDisagree() }

// claimsDisagree reports whether members make contradicting claims.
func (t *tally) claimsDisagree() bool {
	_, agreed := t.claims.agreed()
	return !agreed && len(t.claims) > 0
}

// differ reports whether members state different things. They may still agree, during a rollout.
func (t *tally) differ() bool { return len(t.claims) > 1 || t.sharesDiffer() }

// candidates counts the eligible members that state what applies. Pods of an older revision that state something else do not start
// with the gang, and none does while members contradict each other about their share.
func (g *Gang) candidates() int {
	if !g.tally.differ() {
		return g.tally.eligible
	}
	claim, _ := g.tally.agreed()
	share, shared := g.tally.share()
	if !shared {
		return 0
	}
	n := g.tally.eligible
	for key, made := range g.tally.claims {
		if key.value != claim {
			n -= made.eligible
		}
	}
	for with, eligible := range g.tally.sharing {
		if (with.MinAvailable == 0 || with.Claim == claim) && !with.suits(share) {
			n -= eligible
		}
	}
	return n
}

// rejoins reports whether the member belongs to an older revision that still runs and is being replaced by a revision that states
// something else. Such a member replaces a lost pod of the older revision and joins the running ones.
func (g *Gang) rejoins(m *member) bool {
	if !g.tally.differ() || g.tally.disagree() {
		return false
	}
	claim, _ := g.tally.agreed()
	share, _ := g.tally.share()
	claims := m.silent() || m.claim() == claim
	if claims && m.Spec.suits(share) {
		return false
	}
	return (claims || g.tally.startedClaims.of(m.claim()).members > 0) && g.tally.runsWith(m.Spec.Share, share)
}
