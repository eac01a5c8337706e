package report

import (
	"strings"
	"testing"
)

func TestTopologyTable(t *testing.T) {
	run := func(contender, alike string, number int, speed float64, torn int) Topology {
		return Topology{Alike: alike, Torn: torn, Run: Run{
			Contender: contender, Mode: First, Nodes: 500, Run: number, Pods: 400, Bound: 400, PerSecond: speed, CPUPer: 0.5, PeakRSS: 70e6,
			GangP50: 0.001, GangP99: 0.25,
		}}
	}
	r := &Result{Topology: []Topology{
		run("ours/gang-4", "ours/gang-4", 1, 400, 90), run("ours/gang-4+topology", "ours/gang-4", 1, 300, 0),
		run("ours/gang-4+topology", "ours/gang-4", 2, 600, 0), run("ours/gang-4", "ours/gang-4", 2, 600, 92),
		run("stock-gang-4+topology", "stock-gang-4", 1, 8, 0),
	}}
	r.Topology[4].Bound, r.Topology[4].Incomplete = 100, "not done within 1m0s"
	if r.Empty() {
		t.Error("the result is empty")
	}
	text := squeeze(r.Text())
	for _, want := range []string{
		"500 nodes in racks: gangs that each ask for one rack (+topology), and the same that do not",
		"ours/gang-4 400 500 (400..600) - 91 (90..92) 0.50 70 1 / 250",
		"ours/gang-4+topology 400 450 (300..600) 0.88 (0.75..1.00) 0 0.50 70 1 / 250",
		"stock-gang-4+topology 400 8 - 0",
		"* stock-gang-4+topology, run 1: 100 of 400 pods were bound: not done within 1m0s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, r.Text())
		}
	}
}
