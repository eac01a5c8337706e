package report

import (
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

// comparedWith returns the ratios of a figure to that of the contender with this name in the same run; none for that contender itself.
func comparedWith[R any](g *group[R], alike string, found []group[R], number func(*R) int, figure func(*R) float64) stats.Spread {
	for i := range found {
		if found[i].contender == alike && g.contender != alike {
			return paired(g, &found[i], number, figure)
		}
	}
	return stats.Spread{}
}

// incompleteNotes returns what to know about runs in which not all pods were bound.
func incompleteNotes[R any](g *group[R], of func(*R) *Run) []string {
	var notes []string
	for i := range g.runs {
		if run := of(&g.runs[i]); run.Incomplete != "" {
			notes = append(notes, incompleteNote(g.contender, run.Run, run.Bound, run.Pods, run.Incomplete))
		}
	}
	return notes
}

func incompleteNote(name string, run, bound, pods int, why string) string {
	return fmt.Sprintf("* %s, run %d: %d of %d pods were bound: %s", name, run, bound, pods, firstLine(why))
}
