package topology

import "fmt"

// Rule is one of the rules.
type Rule int

// The rules that may be the reason why a gang does not fit.
const (
	Required Rule = iota
	Slice
	Spread
)

// Finding is why a gang, or a part of it, does not fit.
type Finding struct {
	Rule  Rule
	Level *Level
	// Part is the part whose rule it is, as an index into Request.Parts; -1 for a rule of the whole gang.
	Part int
	// Fit is how many members fit in the best domain, of Need that must; for Slice both are slices, for Spread they are members in the
	// domain that lacks its share, with those that run already.
	Fit, Need int
	// SliceSize is how many members a slice has.
	SliceSize int
	// In and Domain are the domain that Fit was counted in. In is nil if that is all nodes, or there is no domain at all.
	In     *Level
	Domain int
}

// String returns the finding as a part of a sentence.
func (f *Finding) String() string {
	best := ""
	if f.In != nil {
		best = f.In.Names[f.Domain]
	}
	switch {
	case f.In == nil && f.Rule != Slice:
		return fmt.Sprintf("no node that may be used has the label %s", f.Level.Key)
	case f.Rule == Required:
		return fmt.Sprintf("only %d of %d fit in one %s (the best is %s)", f.Fit, f.Need, f.Level.Key, best)
	case f.Rule == Spread:
		return fmt.Sprintf("only %d of %d fit in %s, its share of a spread over %s", f.Fit, f.Need, best, f.Level.Key)
	case f.In == nil:
		return fmt.Sprintf("only %d of %d slices of %d fit, each in one %s", f.Fit, f.Need, f.SliceSize, f.Level.Key)
	default:
		return fmt.Sprintf("only %d of %d slices of %d fit, each in one %s, in one %s (the best is %s)",
			f.Fit, f.Need, f.SliceSize, f.Level.Key, f.In.Key, best)
	}
}

// explain returns why the best plan, which the cluster holds, is not enough; nil if the rules are not the reason.
func (t *tree) explain(c choice) *Finding {
	placed := 0
	for _, class := range t.classes {
		placed += t.placed[class]
	}
	f := &Finding{Part: t.part - 1, Fit: placed, Need: t.least, Domain: -1}
	if t.base > 0 && c.cell >= 0 {
		f.In = t.rules.Required
		f.Domain = int(t.tiers[t.base].domain[t.ancestor(c.tier, c.cell, t.base)])
	}
	switch {
	case t.rules.Slice != nil:
		f.Rule, f.Level, f.SliceSize = Slice, t.rules.Slice, int(t.size)
		f.Fit, f.Need = placed/int(t.size), (t.least+int(t.size)-1)/int(t.size)
	case t.rules.Spread != nil:
		return t.explainSpread(c)
	case t.rules.Required != nil:
		f.Rule, f.Level = Required, t.rules.Required
	default:
		return nil
	}
	return f
}

// explainSpread names the domain that has the least capacity for its share.
func (t *tree) explainSpread(c choice) *Finding {
	f := &Finding{Rule: Spread, Level: t.rules.Spread, Part: t.part - 1, Need: t.least, Domain: -1}
	if c.cell < 0 {
		return f
	}
	shares := t.sharesIn(c.tier, c.cell)
	if len(shares.cells) == 0 {
		return f
	}
	least, all := 0, int64(t.least)
	for i := range shares.cells {
		all += shares.has[i]
		if shares.has[i]+shares.room[i] < shares.has[least]+shares.room[least] {
			least = i
		}
	}
	fit := shares.has[least] + shares.room[least]
	share := all / int64(len(shares.cells))
	if share <= fit {
		share = fit + 1
	}
	f.Fit, f.Need = int(fit), int(share)
	f.In, f.Domain = f.Level, int(t.tiers[t.spread].domain[shares.cells[least]])
	return f
}
