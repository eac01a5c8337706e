package gang

import "time"

// Claim is what a member says that all members of its gang must say alike.
type Claim struct {
	MinAvailable int32
	Scheduler    string
}

func (m *Member) claim() Claim {
	return Claim{MinAvailable: m.Spec.MinAvailable, Scheduler: m.Scheduler}
}

// revised is a claim that the pods of one revision of a template make.
type revised struct {
	Claim
	revision string
}

// claimants are the members that make a claim.
type claimants struct {
	members, eligible, started int
	// created is when the first of them was created; seen is its number in the order in which they were seen.
	created time.Time
	seen    int
}

// newerThan says whether the first of these was created after the first of the others. The API tells times to the second; within one,
// pods that wait are newer than those that run, and else what was seen later.
func (c claimants) newerThan(o claimants) bool {
	switch {
	case !c.created.Equal(o.created):
		return c.created.After(o.created)
	case (c.started == 0) != (o.started == 0):
		return c.started == 0
	}
	return c.seen > o.seen
}

// claims counts what members say, for each revision of their controller's template.
type claims map[revised]claimants

func (c claims) count(m *member, by int) {
	key := revised{Claim: m.claim(), revision: m.Spec.Revision}
	made, known := c[key]
	if !known {
		made.created, made.seen = m.Created, m.seen
	}
	if made.members += by; made.members == 0 {
		delete(c, key)
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
	c[key] = made
}

// agreed returns the claim that all members make, or during a rollout those of the newest revision, whose pods replace the others. The
// newest revision is the one whose first pod was created last.
func (c claims) agreed() (Claim, bool) {
	var newest revised
	var since claimants
	differ, rollout, first := false, true, true
	for key, made := range c {
		differ = differ || !first && key.Claim != newest.Claim
		rollout = rollout && key.revision != ""
		if first || made.newerThan(since) {
			newest, since = key, made
		}
		first = false
	}
	return newest.Claim, !first && (!differ || rollout && c.oneForEachRevision())
}

// oneForEachRevision says whether all pods of a revision make one claim.
func (c claims) oneForEachRevision() bool {
	claimed := make(map[string]Claim, len(c))
	for key := range c {
		if claim, known := claimed[key.revision]; known && claim != key.Claim {
			return false
		}
		claimed[key.revision] = key.Claim
	}
	return true
}

// of counts the members that make the claim, whatever their revision.
func (c claims) of(claim Claim) claimants {
	var sum claimants
	for key, made := range c {
		if key.Claim == claim {
			sum.members += made.members
			sum.eligible += made.eligible
		}
	}
	return sum
}

// agreed returns the one claim that counts: the one on which all members agree, or else that of the members that run.
func (t *tally) agreed() (Claim, bool) {
	if claim, ok := t.claims.agreed(); ok {
		return claim, true
	}
	return t.startedClaims.agreed()
}

// disagree says whether members contradict each other.
func (t *tally) disagree() bool {
	_, agreed := t.claims.agreed()
	return !agreed && len(t.claims) > 0
}

// candidates counts the members that could be placed and say what the gang goes by: pods of an older revision that say something else
// do not start with it.
func (g *Gang) candidates() int {
	if len(g.tally.claims) < 2 {
		return g.tally.eligible
	}
	claim, _ := g.tally.agreed()
	n := g.tally.eligible
	for key, made := range g.tally.claims {
		if key.Claim != claim {
			n -= made.eligible
		}
	}
	return n
}

// rejoins says whether the member is of an older revision that runs and is being replaced by one with another claim. It replaces a lost
// pod of the older revision, so it joins those.
func (g *Gang) rejoins(m *member) bool {
	if len(g.tally.claims) < 2 || m.silent() || g.tally.disagree() {
		return false
	}
	claim, _ := g.tally.agreed()
	return m.claim() != claim && g.tally.startedClaims.of(m.claim()).members > 0
}
