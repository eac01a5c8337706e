package gang

import (
	"cmp"
	"slices"
)

// Explain returns why the gang waits. The kind is empty if the gang runs and has all its members.
func (g *Gang) Explain() Explanation { return g.explainIn(g.Phase()) }

// explainIn returns why the gang waits, which is in this phase.
func (g *Gang) explainIn(phase Phase) Explanation {
	switch phase {
	case Incomplete:
		e := g.explanation(KindIncomplete)
		e.Lacking = g.lackingRole()
		e.Alone = len(g.members) == 1 && g.shape() == nil && e.Need > 1 && g.tally.apart == 0
		return e
	case Disagreeing:
		return g.explainDisagreement()
	case Ready, Placing:
		if g.failure == nil || g.queued != "" {
			return g.inQueue(g.explanation(KindUntried))
		}
		e := g.current(*g.failure)
		if e.Kind == KindPreempting {
			return e
		}
		return g.inQueue(e)
	case Running:
		return g.explainRunning()
	case Unbound:
	}
	return Explanation{Gang: g.Key}
}

// unplaced explains a plan that failed.
func (g *Gang) unplaced(f Finding) Explanation {
	why := g.explanation(KindUnplaced)
	if f.TooLarge {
		why.Kind, why.Most = KindTooLarge, f.Most
	}
	if f.Awaits != nil {
		why.Kind, why.Awaits = KindPreempting, f.Awaits
	}
	why.Fit, why.Short, why.Detail = g.tally.started+g.done+f.Fit, f.Short, f.Detail
	why.Topology = f.Topology
	return why
}

// current returns the explanation of a failed attempt with the numbers that the gang has now: only the finding is from the attempt.
func (g *Gang) current(failure Explanation) Explanation {
	e := failure
	e.Have, e.Need, e.Gated, e.Owner, e.Declared = g.have(), g.Need(), g.tally.gated, g.owner(), g.unborn()
	e.SetAside = g.setAside
	switch e.Kind {
	case KindTooLarge, KindNotBound, KindPreempting:
	default:
		e.Kind = KindUnplaced
	}
	return e
}

// explainRunning returns what members of a running gang wait for, if anything.
func (g *Gang) explainRunning() Explanation {
	switch {
	case g.tally.disagree():
		return g.explainDisagreement()
	case g.awaitsBind() && g.failure != nil:
		return *g.failure
	case g.evicting != "" && g.eviction.because != "":
		return g.explainEviction(KindEvictionRefused)
	case g.evicting != "" || !g.shortSince.IsZero():
		return g.explainEviction(KindRestarting)
	case g.Short():
		return g.explanation(KindPartial)
	}
	return Explanation{Gang: g.Key}
}

func (g *Gang) explanation(kind Kind) Explanation {
	return Explanation{
		Kind: kind, Gang: g.Key, Have: g.have(), Running: g.tally.started + g.done, Need: g.Need(), Gated: g.tally.gated,
		Owner: g.owner(), Declared: g.unborn(),
	}
}

// lackingRole returns the first role with too few members for the gang to be complete, or nil.
func (g *Gang) lackingRole() *RoleCount {
	for _, r := range g.shape().All() {
		have := g.tally.roles[r.Name] + g.doneOf[r.Name]
		if exists := g.shape().Creator() == nil || r.Creates; exists && have < int(r.Min) {
			return &RoleCount{Role: r.Name, Have: have, Need: int(r.Min)}
		}
	}
	return nil
}

// unborn is the number of declared members that do not exist yet.
func (g *Gang) unborn() int {
	if g.shape().Creator() == nil {
		return 0
	}
	n := 0
	for _, r := range g.shape().All() {
		n += max(0, int(r.Min)-g.tally.roles[r.Name]-g.doneOf[r.Name])
	}
	return n
}

// owner is the owner of the oldest member that has one.
func (g *Gang) owner() string {
	if m := g.oldestThat(firstOwner); m != nil {
		return m.Owner
	}
	return ""
}

// shownClaims is the maximum number of claims in an explanation: a gang can have as many claims as members.
const shownClaims = 4

// explainDisagreement lists what members contradict each other in.
func (g *Gang) explainDisagreement() Explanation {
	e := g.explanation(KindDisagree)
	if g.tally.claimsDisagree() {
		e.Claims = g.claims()
	}
	e.Shares = g.contradictions()
	return e
}

// claims lists the members' claims, the most frequent first. It ignores silent and terminating members.
func (g *Gang) claims() []ClaimCount {
	g.lineUp()
	counts := make([]ClaimCount, 0, len(g.lines.claims))
	for claim, line := range g.lines.claims {
		example := line.top(g.states)
		if example == nil {
			delete(g.lines.claims, claim)
			continue
		}
		counts = append(counts, ClaimCount{Claim: claim, Members: g.tally.claims.of(claim).members, Example: example.Name})
	}
	slices.SortFunc(counts, func(a, b ClaimCount) int {
		return cmp.Or(cmp.Compare(b.Members, a.Members), cmp.Compare(a.MinAvailable, b.MinAvailable),
			cmp.Compare(a.Scheduler, b.Scheduler))
	})
	return counts[:min(len(counts), shownClaims)]
}

// manyValues is how many values of one aspect are compared for an explanation. With more, only the oldest and the newest member that
// state something are named: the cost of an explanation does not grow with the gang.
const manyValues = 64

// contradictions lists, of each aspect of the share in which members contradict each other, what they state, the most frequent first.
func (g *Gang) contradictions() []ShareCount {
	g.lineUp()
	var all []ShareCount
	for a := range aspects {
		of := &g.tally.shares[a]
		if _, agreed := of.agreed(); agreed {
			continue
		}
		var counts []ShareCount
		add := func(value Share, example *member) {
			if example != nil {
				counts = append(counts, ShareCount{Share: value, Members: of.values[value], Example: example.Name})
			}
		}
		if len(of.values) > manyValues {
			for _, f := range a.ends() {
				if m := g.oldestThat(f); m != nil {
					add(m.Spec.only(a), m)
				}
			}
		} else {
			for value := range of.values {
				add(value, g.lines.shares[value].top(func(m *member) bool { return g.states(m) && !m.Foreign }))
			}
			slices.SortFunc(counts, func(x, y ShareCount) int {
				return cmp.Or(cmp.Compare(y.Members, x.Members), x.compare(y.Share))
			})
		}
		all = append(all, counts[:min(len(counts), shownClaims)]...)
	}
	return all
}

// ends are the lines of the oldest and the newest member that state this aspect. There are none for an aspect with few values.
func (a aspect) ends() []first {
	switch a {
	case queueAspect:
		return []first{firstQueue, lastQueue}
	case runtimeAspect:
		return []first{firstRuntime, lastRuntime}
	case topologyAspect:
		return []first{firstTopology, lastTopology}
	case preemptibleAspect, aspects:
	}
	return nil
}

// states reports whether what the member states counts.
func (g *Gang) states(m *member) bool { return g.members[m.UID] == m && !m.Terminating && !m.otherRun }
