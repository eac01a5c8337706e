package gang

import (
	"fmt"
	"maps"
)

// Looks returns the number of members visited by loops over all members since the last call.
func (g *Gang) Looks() int {
	looks := g.looks
	g.looks = 0
	return looks
}

// Derived returns the values derived from the members as text. With fresh, it discards the cached values first.
func (g *Gang) Derived(fresh bool) string {
	if fresh {
		g.ranked, g.counted, g.lines = false, false, nil
	}
	return fmt.Sprint(g.Priority(), g.Age().UTC(), g.timeout(), g.reservationTimeout(), g.restarts, g.partial, g.firstScheduled.UTC(),
		g.shape().All(), g.done, maps.Clone(g.doneOf), g.creator, g.owner(), g.placement(), g.claims(), g.lines.owners)
}
