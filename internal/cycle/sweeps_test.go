package cycle

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestSweepsCountTheWholeAttempt checks that gangs which are tried again only because something started take at most a twentieth of the
// time, whatever their attempts consist of.
func TestSweepsCountTheWholeAttempt(t *testing.T) {
	a, b := gang.Key{Name: "a"}, gang.Key{Name: "b"}
	start := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		key     gang.Key
		planned bool
		took    time.Duration
		want    time.Duration // since the end of the attempt
	}{
		"a short one":                           {a, true, time.Millisecond, sweepPause},
		"a long one":                            {a, true, 100 * time.Millisecond, 2 * time.Second},
		"a long one that could preempt nothing": {a, false, 100 * time.Millisecond, 2 * time.Second},
		"another gang that planned to preempt":  {b, true, 100 * time.Millisecond, 2 * time.Second},
		"another gang that could not":           {b, false, 100 * time.Millisecond, sweepPause - 100*time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var s sweeps
			if !s.due(start) {
				t.Fatal("none may be tried at first")
			}
			s.began(a, start)
			end := start.Add(c.took)
			s.ended(c.key, c.planned, start, end)
			if s.due(end.Add(c.want-time.Nanosecond)) || !s.due(end.Add(c.want)) {
				t.Errorf("the next is due %s after the attempt, want %s", s.next.Sub(end), c.want)
			}
		})
	}
}

// TestSweepCountsOnce checks that later attempts of the same gang, which something else led to, do not delay others.
func TestSweepCountsOnce(t *testing.T) {
	var s sweeps
	key, start := gang.Key{Name: "a"}, time.Unix(1000, 0)
	s.began(key, start)
	s.ended(key, false, start, start.Add(time.Millisecond))
	next := s.next
	s.ended(key, false, start, start.Add(time.Hour))
	if !s.next.Equal(next) {
		t.Errorf("an attempt that was not a sweep delays the next one by %s", s.next.Sub(next))
	}
}
