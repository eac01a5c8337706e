package report

import "fmt"

// Topology is one run of the scenario in which gangs each ask for one rack, or of the same gangs that do not.
type Topology struct {
	Run
	// Alike is the name of the contender whose gangs ask for no topology, which is the same otherwise.
	Alike string `json:"alike"`
	// Torn is how many gangs have bound pods in more than one rack.
	Torn int `json:"gangsInSeveralRacks"`
}

// topologyTable compares how fast each contender schedules gangs that ask for one rack, and the same gangs that do not.
func (r *Result) topologyTable() table {
	t := table{
		heading: fmt.Sprintf("%d nodes in racks: gangs that each ask for one rack (+topology), and the same that do not",
			r.Topology[0].Nodes),
		columns: []string{
			"contender", "pods", "pods/s", "x without", "gangs in several racks", "CPU-s/1000", "peak RSS MB", "gang p50/p99 ms",
		},
	}
	found := groups(r.Topology, func(t *Topology) string { return t.Contender }, func(*Topology) bool { return true })
	for i := range found {
		g := &found[i]
		ratios := comparedWith(g, g.runs[0].Alike, found,
			func(t *Topology) int { return t.Run.Run }, func(t *Topology) float64 { return t.PerSecond })
		spread := func(figure func(*Run) float64, digits int) string {
			return format(g.spread(func(t *Topology) float64 { return figure(&t.Run) }), digits)
		}
		t.rows = append(t.rows, []string{
			g.contender, fmt.Sprint(g.runs[0].Pods), spread(perSecond, 0), orNone(ratios.Max > 0, format(ratios, 2)),
			format(g.spread(func(t *Topology) float64 { return float64(t.Torn) }), 0), spread(cpuPer, 2), spread(peakRSS, 0),
			spread(func(r *Run) float64 { return 1000 * r.GangP50 }, 0) + " / " +
				spread(func(r *Run) float64 { return 1000 * r.GangP99 }, 0),
		})
		t.notes = append(t.notes, incompleteNotes(g, func(t *Topology) *Run { return &t.Run })...)
	}
	return t
}
