package gang

import (
	"cmp"
	"slices"
)

// Explain says why the gang waits. Its kind is empty if the gang runs and nothing is amiss.
func (g *Gang) Explain() Explanation { return g.explainWaiting() }

func (g *Gang) explainWaiting() Explanation {
	switch g.Phase() {
	case Incomplete:
		return g.explanation(KindIncomplete)
	case Disagreeing:
		e := g.explanation(KindDisagree)
		e.Claims = g.claims()
		return e
	case Ready, Placing:
		if g.failure == nil {
			return g.explanation(KindUntried)
		}
		// The numbers of the gang are those of now, the finding that of the attempt.
		e := *g.failure
		e.Have, e.Need, e.Gated, e.Owner = g.have(), g.Need(), g.tally.gated, g.owner()
		if e.Kind != KindStalled && e.Kind != KindTooLarge {
			e.Kind = KindUnplaced
		}
		return e
	case Running:
		if len(g.tally.claims) > 1 {
			e := g.explanation(KindDisagree)
			e.Claims = g.claims()
			return e
		}
	}
	return Explanation{Gang: g.Key}
}

func (g *Gang) explanation(kind Kind) Explanation {
	return Explanation{
		Kind: kind, Gang: g.Key, Have: g.have(), Need: g.Need(), Gated: g.tally.gated, Owner: g.owner(),
	}
}

// owner is that of the oldest member that has one.
func (g *Gang) owner() string {
	var oldest *member
	for _, m := range g.members {
		if m.Owner != "" && (oldest == nil || compareMembers(m, oldest) < 0) {
			oldest = m
		}
	}
	if oldest == nil {
		return ""
	}
	return oldest.Owner
}

// shownClaims bounds how many different claims are told of: a gang can have as many as members.
const shownClaims = 4

// claims lists what members say, the most frequent first.
func (g *Gang) claims() []ClaimCount {
	examples := map[Claim]*member{}
	for _, m := range g.members {
		if first, ok := examples[m.claim()]; !ok || compareMembers(m, first) < 0 {
			examples[m.claim()] = m
		}
	}
	counts := make([]ClaimCount, 0, len(examples))
	for claim, example := range examples {
		counts = append(counts, ClaimCount{Claim: claim, Members: g.tally.claims[claim], Example: example.Name})
	}
	slices.SortFunc(counts, func(a, b ClaimCount) int {
		return cmp.Or(cmp.Compare(b.Members, a.Members), cmp.Compare(a.MinAvailable, b.MinAvailable),
			cmp.Compare(a.Scheduler, b.Scheduler))
	})
	return counts[:min(len(counts), shownClaims)]
}
