package report

import (
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
)

// megabytes converts a size to MB.
func megabytes(size func(*Footprint) uint64) func(*Footprint) float64 {
	return func(f *Footprint) float64 { return float64(size(f)) / 1e6 }
}

func footprintTable(found []group[Footprint]) table {
	first := &found[0].runs[0]
	t := table{
		heading: fmt.Sprintf("%d nodes, %d pods are bound: memory when idle, and while %d more come",
			first.Nodes, first.Pods, first.Loaded),
		columns: []string{
			"contender", "idle RSS MB", "idle anon MB", "x stock", "program's pages MB", "peak RSS at start MB",
			"peak RSS under load MB", "x stock", "peak anon under load MB", "x stock",
		},
	}
	var base *group[Footprint]
	for i := range found {
		if found[i].contender == contender.Stock {
			base = &found[i]
		}
	}
	anon := megabytes(func(f *Footprint) uint64 { return f.IdleAnon })
	peak := megabytes(func(f *Footprint) uint64 { return f.LoadPeakRSS })
	peakAnon := megabytes(func(f *Footprint) uint64 { return f.LoadPeakAnon })
	for i := range found {
		g := &found[i]
		t.rows = append(t.rows, []string{
			g.contender,
			format(g.spread(megabytes(func(f *Footprint) uint64 { return f.IdleRSS })), 1),
			format(g.spread(anon), 1), ratio(g, base, anon),
			format(g.spread(megabytes(func(f *Footprint) uint64 { return f.IdleFile })), 1),
			format(g.spread(megabytes(func(f *Footprint) uint64 { return f.StartPeakRSS })), 1),
			format(g.spread(peak), 1), ratio(g, base, peak),
			format(g.spread(peakAnon), 1), ratio(g, base, peakAnon),
		})
		for _, run := range g.runs {
			if run.Incomplete != "" {
				t.notes = append(t.notes, fmt.Sprintf("* %s, run %d: %s", run.Contender, run.Run, firstLine(run.Incomplete)))
			}
		}
	}
	return t
}
