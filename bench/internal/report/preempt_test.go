package report

import (
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

func TestPaired(t *testing.T) {
	runs := func(speeds map[int]float64) *group[Preempt] {
		g := &group[Preempt]{}
		for run := range 5 {
			if speed, ok := speeds[run]; ok {
				g.runs = append(g.runs, Preempt{Run: run, PerSecond: speed})
			}
		}
		return g
	}
	number, speed := func(p *Preempt) int { return p.Run }, func(p *Preempt) float64 { return p.PerSecond }
	// Run 3 has no partner and run 4 one without a figure.
	got := paired(runs(map[int]float64{1: 30, 2: 30, 3: 99, 4: 99}), runs(map[int]float64{2: 20, 1: 10, 4: 0}), number, speed)
	if want := (stats.Spread{Median: 2.25, Min: 1.5, Max: 3}); got != want {
		t.Errorf("the ratios are %+v, want %+v", got, want)
	}
	if got := paired(runs(map[int]float64{1: 30}), &group[Preempt]{}, number, speed); got != (stats.Spread{}) {
		t.Errorf("the ratios to nothing are %+v", got)
	}
}

func TestPreemptTables(t *testing.T) {
	r := &Result{
		Settings: Settings{Nodes: []int{100}},
		Preempt: []Preempt{
			{Contender: "stock", Nodes: 100, Run: 1, Pods: 50, Bound: 50, PerSecond: 20, Victims: 51, Nominated: 50, DecidedP50: 0.5},
			{Contender: "stock", Nodes: 100, Run: 2, Pods: 50, Bound: 50, PerSecond: 40, Victims: 50, Nominated: 50, DecidedP50: 0.5},
			{Contender: "ours/plain", Nodes: 100, Run: 1, Pods: 50, Bound: 50, PerSecond: 30, Victims: 50, Nominated: 50},
			{Contender: "ours/plain", Nodes: 100, Run: 2, Pods: 50, Bound: 50, PerSecond: 44, Victims: 50, Nominated: 50},
			{Contender: "stock-gang-50+preemption", Nodes: 100, Run: 1, Pods: 50, Incomplete: "not done within 3m0s"},
		},
		PreemptWaiting: []Waiting{
			{Contender: "ours/plain", Nodes: 100, Run: 1, Pods: 500, PerSecond: 400},
			{Contender: "ours/plain", Nodes: 100, Run: 1, Pods: 500, Waiting: 1000, PerSecond: 380, Decisions: 7, Deciding: 0.02},
			{Contender: "ours/plain", Nodes: 100, Run: 2, Pods: 500, Waiting: 1000, PerSecond: 270, Victims: 2},
			{Contender: "ours/plain", Nodes: 100, Run: 2, Pods: 500, PerSecond: 300},
			{Contender: "stock", Nodes: 100, Run: 1, Pods: 500, Waiting: 1000, PerSecond: 380},
		},
	}
	text := squeeze(r.Text())
	for _, want := range []string{
		"stock 30 (20..40) 1.00 50 (50..51)",
		"ours/plain 37 (30..44) 1.30 (1.10..1.50) 50 0 0.0 0.00 0.00 0.00",
		"stock-gang-50+preemption 0 - 0 0 0.0 0.00 - -",
		"* stock-gang-50+preemption, run 1: 0 of 50 pods were bound: not done within 3m0s",
		"ours/plain 0 350 (300..400) -",
		"ours/plain 1000 325 (270..380) 7.5 (5.0..10.0)",
		"ours/plain with 1000 waiting, run 2: 2 pods were preempted",
		"stock 1000 380 -",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, r.Text())
		}
	}
}
