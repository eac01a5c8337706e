package report

import (
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
)

// Preempt is one run of the scenario in which pods preempt others.
type Preempt struct {
	Contender string `json:"contender"`
	Nodes     int    `json:"nodes"`
	Run       int    `json:"run"`
	Pods      int    `json:"pods"`
	Bound     int    `json:"bound"`
	// Victims is how many pods were deleted.
	Victims   int     `json:"victims"`
	PerSecond float64 `json:"podsPerSecond"`  // from the first creation to the last bind
	CPUPer    float64 `json:"cpuPer1000Pods"` // meanwhile
	PeakRSS   uint64  `json:"peakRSS"`
	// Decision is the mean time of a decision whom to preempt, by the scheduler's own metrics.
	Decision  float64 `json:"decision"`
	Decisions int     `json:"decisions"`
	// FirstVictim is from the first creation of a pod to the first deletion of a victim.
	FirstVictim float64 `json:"firstVictim"`
	// DecidedP50 is from the creation of a pod to its nomination for a node, BoundP50 from then until it is bound.
	Nominated  int     `json:"nominated"`
	DecidedP50 float64 `json:"decidedP50"`
	BoundP50   float64 `json:"boundP50"`
	Incomplete string  `json:"incomplete,omitempty"`
}

func preemptTable(found []group[Preempt]) table {
	t := table{
		heading: fmt.Sprintf("%d nodes are full of pods of a low priority: %d pods of a high one each need the place of another",
			found[0].runs[0].Nodes, found[0].runs[0].Pods),
		columns: []string{
			"contender", "pods/s", "x stock", "victims", "decisions", "ms for each", "first victim after s",
			"created to nominated p50 s", "nominated to bound p50 s", "CPU-s/1000", "peak RSS MB",
		},
	}
	var base group[Preempt]
	for _, g := range found {
		if g.contender == contender.Stock {
			base = g
		}
	}
	speed := func(p *Preempt) float64 { return p.PerSecond }
	for i := range found {
		g := &found[i]
		ratios := paired(g, &base, func(p *Preempt) int { return p.Run }, speed)
		t.rows = append(t.rows, []string{
			g.contender, format(g.spread(speed), 0), orNone(ratios.Max > 0, format(ratios, 2)),
			format(g.spread(func(p *Preempt) float64 { return float64(p.Victims) }), 0),
			format(g.spread(func(p *Preempt) float64 { return float64(p.Decisions) }), 0),
			format(g.spread(func(p *Preempt) float64 { return 1000 * p.Decision }), 1),
			format(g.spread(func(p *Preempt) float64 { return p.FirstVictim }), 2),
			nominated(g, func(p *Preempt) float64 { return p.DecidedP50 }),
			nominated(g, func(p *Preempt) float64 { return p.BoundP50 }),
			format(g.spread(func(p *Preempt) float64 { return p.CPUPer }), 2),
			format(g.spread(func(p *Preempt) float64 { return float64(p.PeakRSS) / 1e6 }), 0),
		})
		for k := range g.runs {
			if run := &g.runs[k]; run.Incomplete != "" {
				t.notes = append(t.notes, incompleteNote(run.Contender, run.Run, run.Bound, run.Pods, run.Incomplete))
			}
		}
	}
	return t
}

// nominated writes a figure of the pods that were nominated, if there were any.
func nominated(g *group[Preempt], figure func(*Preempt) float64) string {
	some := g.spread(func(p *Preempt) float64 { return float64(p.Nominated) }).Max > 0
	return orNone(some, format(g.spread(figure), 2))
}

// orNone returns the text, or a dash if there is no figure.
func orNone(some bool, text string) string {
	if !some {
		return "-"
	}
	return text
}
