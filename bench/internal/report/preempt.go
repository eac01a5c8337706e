package report

import "fmt"

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
			"contender", "pods/s", "x stock", "victims", "decisions", "ms for each", "created to nominated p50 s",
			"nominated to bound p50 s", "CPU-s/1000", "peak RSS MB",
		},
	}
	var base *group[Preempt]
	for i := range found {
		if found[i].contender == "stock" {
			base = &found[i]
		}
	}
	speed := func(p *Preempt) float64 { return p.PerSecond }
	for i := range found {
		g := &found[i]
		t.rows = append(t.rows, []string{
			g.contender, format(g.spread(speed), 0), ratio(g, base, speed),
			format(g.spread(func(p *Preempt) float64 { return float64(p.Victims) }), 0),
			format(g.spread(func(p *Preempt) float64 { return float64(p.Decisions) }), 0),
			format(g.spread(func(p *Preempt) float64 { return 1000 * p.Decision }), 1),
			format(g.spread(func(p *Preempt) float64 { return p.DecidedP50 }), 2),
			format(g.spread(func(p *Preempt) float64 { return p.BoundP50 }), 2),
			format(g.spread(func(p *Preempt) float64 { return p.CPUPer }), 2),
			format(g.spread(func(p *Preempt) float64 { return float64(p.PeakRSS) / 1e6 }), 0),
		})
		for k := range g.runs {
			if run := &g.runs[k]; run.Incomplete != "" {
				t.notes = append(t.notes, fmt.Sprintf("* %s, run %d: %d of %d pods were bound: %s",
					run.Contender, run.Run, run.Bound, run.Pods, firstLine(run.Incomplete)))
			}
		}
	}
	return t
}
