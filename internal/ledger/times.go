package ledger

import (
	"container/heap"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// times holds the gangs for which the passage of time has an effect later, by when that is. Adding, moving and removing a gang costs the
// logarithm of their number.
type times struct {
	line []*gang.Gang
	at   map[*gang.Gang]time.Time
	// place is the index of each gang in line.
	place map[*gang.Gang]int
}

func newTimes() times { return times{at: map[*gang.Gang]time.Time{}, place: map[*gang.Gang]int{}} }

// set records when time has an effect on the gang; zero means never.
func (t *times) set(g *gang.Gang, at time.Time) {
	i, known := t.place[g]
	switch {
	case at.IsZero() && known:
		heap.Remove(t, i)
	case at.IsZero():
	case known:
		t.at[g] = at
		heap.Fix(t, i)
	default:
		t.at[g] = at
		heap.Push(t, g)
	}
}

// due removes and returns a gang whose time has come, or nil.
func (t *times) due(now time.Time) *gang.Gang {
	if len(t.line) == 0 || now.Before(t.at[t.line[0]]) {
		return nil
	}
	g := t.line[0]
	heap.Pop(t)
	return g
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (t *times) Len() int           { return len(t.line) }
func (t *times) Less(i, j int) bool { return t.at[t.line[i]].Before(t.at[t.line[j]]) }
func (t *times) Swap(i, j int) {
	t.line[i], t.line[j] = t.line[j], t.line[i]
	t.place[t.line[i]], t.place[t.line[j]] = i, j
}

// Push adds a gang, whose time is known.
func (t *times) Push(x any) {
	g, _ := x.(*gang.Gang)
	t.place[g] = len(t.line)
	t.line = append(t.line, g)
}

// Pop removes the last gang.
func (t *times) Pop() any {
	g := t.line[len(t.line)-1]
	t.line[len(t.line)-1] = nil
	t.line = t.line[:len(t.line)-1]
	delete(t.place, g)
	delete(t.at, g)
	return g
}
