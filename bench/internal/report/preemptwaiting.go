package report

import (
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

// preemptWaitingTable compares how fast each contender schedules pods with and without gangs that could preempt nothing.
func (r *Result) preemptWaitingTable() table {
	t := table{
		heading: fmt.Sprintf("%d nodes, %d pods that fit come at once, beside gangs that could preempt nothing",
			r.PreemptWaiting[0].Nodes, r.PreemptWaiting[0].Pods),
		columns: []string{
			"contender", "gangs wait", "pods/s", "loss %", "CPU-s/1000", "peak RSS MB", "decisions meanwhile", "ms for all",
			"settled after s",
		},
	}
	all := func(*Waiting) bool { return true }
	for _, found := range groups(r.PreemptWaiting, func(w *Waiting) string { return w.Contender }, all) {
		alone, beside := group[Waiting]{contender: found.contender}, group[Waiting]{contender: found.contender}
		for _, run := range found.runs {
			if run.Waiting == 0 {
				alone.runs = append(alone.runs, run)
			} else {
				beside.runs = append(beside.runs, run)
			}
		}
		if len(alone.runs) > 0 {
			t.rows = append(t.rows, preemptWaitingRow(&alone, "-"))
		}
		if len(beside.runs) > 0 {
			t.rows = append(t.rows, preemptWaitingRow(&beside, loss(&beside, &alone)))
		}
		t.notes = append(t.notes, waitingNotes(found.runs)...)
		for _, run := range found.runs {
			if run.Victims > 0 {
				t.notes = append(t.notes, fmt.Sprintf("* %s with %d waiting, run %d: %d pods were preempted",
					run.Contender, run.Waiting, run.Run, run.Victims))
			}
		}
	}
	return t
}

// loss returns how much slower they are scheduled beside waiting gangs, in percent: the median and the range of the pairs of runs.
func loss(beside, alone *group[Waiting]) string {
	kept := paired(beside, alone, func(w *Waiting) int { return w.Run }, func(w *Waiting) float64 { return w.PerSecond })
	if kept.Max == 0 {
		return "-"
	}
	lost := func(ratio float64) float64 { return 100 * (1 - ratio) }
	return format(stats.Spread{Median: lost(kept.Median), Min: lost(kept.Max), Max: lost(kept.Min)}, 1)
}

func preemptWaitingRow(g *group[Waiting], loss string) []string {
	return []string{
		g.contender, fmt.Sprint(g.runs[0].Waiting),
		format(g.spread(func(w *Waiting) float64 { return w.PerSecond }), 0), loss,
		format(g.spread(func(w *Waiting) float64 { return w.CPUPer }), 2),
		format(g.spread(func(w *Waiting) float64 { return float64(w.PeakRSS) / 1e6 }), 0),
		format(g.spread(func(w *Waiting) float64 { return float64(w.Decisions) }), 0),
		format(g.spread(func(w *Waiting) float64 { return 1000 * w.Deciding }), 0),
		format(g.spread(func(w *Waiting) float64 { return w.Settle }), 1),
	}
}
