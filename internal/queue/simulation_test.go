package queue_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// simulation is a cluster without nodes: what starts fits if the total has room for it.
type simulation struct {
	*world
	total   queue.Vector
	used    queue.Vector
	running []queue.Entry
	// refused are those that did not fit. They are ready again when something has ended and they fit.
	refused []queue.Entry
	ids     int
	// observe is called before an entry starts that fits.
	observe func(queue.Entry)
}

func newSimulation(t rapid.TB, total amounts, queues ...queue.Queue) *simulation {
	w := cluster(t, total, queues...)
	return &simulation{world: w, total: w.vector(total), observe: func(queue.Entry) {}}
}

// fits reports whether the total has room for amounts.
func (s *simulation) fits(ask queue.Vector) bool {
	for r, amount := range ask {
		if amount > 0 && s.used.Get(r)+amount > s.total.Get(r) {
			return false
		}
	}
	return true
}

// arrives adds an entry to a leaf.
func (s *simulation) arrives(leaf string, ask amounts, hows ...how) {
	s.ids++
	s.waits(leaf, queue.ID(fmt.Sprintf("%s/%d", leaf, s.ids)), ask, hows...)
}

// startAll starts what Next says, until it says nothing more.
func (s *simulation) startAll() {
	for s.startOne() {
	}
}

// startOne starts what Next says, or notes that it does not fit. It returns false if Next says nothing.
func (s *simulation) startOne() bool {
	e, ok := s.Next()
	switch {
	case !ok:
		return false
	case !s.fits(e.Ask):
		s.SetReady(e.ID, false)
		s.refused = append(s.refused, e)
	default:
		s.observe(e)
		s.Remove(e.ID)
		s.Use(e.Leaf, e.Ask, 1)
		s.used.Add(e.Ask, 1)
		s.running = append(s.running, e)
	}
	return true
}

// end ends something that runs.
func (s *simulation) end(i int) {
	e := s.running[i]
	s.running = slices.Delete(s.running, i, i+1)
	s.Use(e.Leaf, e.Ask, -1)
	s.used.Add(e.Ask, -1)
	s.refused = slices.DeleteFunc(s.refused, func(e queue.Entry) bool {
		fits := s.fits(e.Ask)
		s.SetReady(e.ID, fits)
		return fits
	})
}

// runs returns what runs in a leaf, by resource.
func (s *simulation) runs(leaf string) amounts {
	a := amounts{}
	for _, e := range s.running {
		if e.Leaf.Name() != leaf {
			continue
		}
		for r, amount := range e.Ask {
			if amount > 0 {
				a[s.resources.Name(r)] += amount
			}
		}
	}
	return a
}

// drive lets random entries arrive, start and end.
func (s *simulation) drive(t *rapid.T, leaves []string, check func(*rapid.T)) {
	t.Repeat(map[string]func(*rapid.T){
		"": check,
		"arrive": func(t *rapid.T) {
			for range rapid.IntRange(1, 5).Draw(t, "gangs") {
				s.arrives(rapid.SampledFrom(leaves).Draw(t, "leaf"), randomAmounts(t, "ask", 6), func(e *queue.Entry) {
					e.Guaranteed = rapid.IntRange(0, 3).Draw(t, "only within guarantees") == 0
					e.Key.Priority = rapid.Int32Range(0, 1).Draw(t, "priority")
					e.Key.Age = time.Unix(rapid.Int64Range(0, 3).Draw(t, "age"), 0)
					e.Pool = rapid.IntRange(0, 3).Draw(t, "pool")
				})
			}
		},
		"start": func(*rapid.T) { s.startAll() },
		"end": func(t *rapid.T) {
			if len(s.running) == 0 {
				t.Skip("nothing runs")
			}
			s.end(rapid.IntRange(0, len(s.running)-1).Draw(t, "which"))
		},
	})
}
