package gang

import (
	"fmt"
	"maps"
)

// Looks returns how many members were looked at since it was last asked, because something had to look at one after the other.
func (g *Gang) Looks() int {
	looks := g.looks
	g.looks = 0
	return looks
}

// Derived returns what follows from the members. With fresh, all of it is derived anew.
func (g *Gang) Derived(fresh bool) string {
	if fresh {
		g.ranked, g.counted, g.lines = false, false, nil
	}
	return fmt.Sprint(g.Priority(), g.Age().UTC(), g.timeout(), g.reservationTimeout(), g.restarts, g.partial, g.firstScheduled.UTC(),
		g.shape().All(), g.done, maps.Clone(g.doneOf), g.creator, g.owner(), g.placement(), g.claims(), g.lines.owners)
}
