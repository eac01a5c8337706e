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

// revised is a claim together with the revision of the template whose pods make it.
type revised struct {
	Claim
	revision string
}

// claimants counts the members that make a claim.
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

// claims counts the members of each claim and revision of their controller's template.
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

// agreed returns the claim that all members make. During a rollout it returns the claim of the newest revision, whose pods replace
// the others. The newest revision is the one whose first pod was created last.
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

// oneForEachRevision reports whether all pods of each revision make the same claim.
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

// of counts the members that make the claim, across revisions.
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

// agreed returns the claim that applies: the one on which all members agree, or else the one of the running members.
func (t *tally) agreed() (Claim, bool) {
	if claim, ok := t.claims.agreed(); ok {
		return claim, true
	}
	return t.startedClaims.agreed()
}

// disagree reports whether members make contradicting claims.
func (t *tally) disagree() bool {
	_, agreed := t.claims.agreed()
	return !agreed && len(t.claims) > 0
}

// candidates counts the eligible members that make the claim that applies. Pods of an older revision with another claim do not
// start with the gang.
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

// rejoins reports whether the member belongs to an older revision that still runs and is being replaced by a revision with another
// claim. Such a member replaces a lost pod of the older revision and joins the running ones.
func (g *Gang) rejoins(m *member) bool {
	if len(g.tally.claims) < 2 || m.silent() || g.tally.disagree() {
		return false
	}
	claim, _ := g.tally.agreed()
	return m.claim() != claim && g.tally.startedClaims.of(m.claim()).members > 0
}
