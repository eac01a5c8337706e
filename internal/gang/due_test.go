package gang_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestDueMissesNothing compares two gangs with the same history: one is ticked all the time, the other only after it changed and when Due
// says so. Both must decide the same at the same time, and be in the same state.
func TestDueMissesNothing(t *testing.T) {
	const tick = 500 * time.Millisecond
	kinds, ticks, saved := map[gang.Kind]int{}, 0, 0
	for round := range uint64(60) {
		every, seldom := newRestlessTwin(round), newRestlessTwin(round)
		now := start
		var due time.Time
		for step := range 60 {
			every.stepOrRest(now)
			seldom.stepOrRest(now)
			changed := true
			for range 1 + step%40 {
				now = now.Add(tick)
				want := every.Tick(now)
				ticks++
				var got []gang.Decision
				if changed || !due.IsZero() && !now.Before(due) {
					got = seldom.Tick(now)
					changed, due = len(got) > 0 || seldom.Moved(), seldom.Due(now)
				} else {
					saved++
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("round %d, step %d, at %s: the decisions differ (-always +when due %s):\n%s", round, step, now, due, diff)
				}
				if a, b := len(every.Moves()), len(seldom.Moves()); a != b {
					t.Fatalf("round %d, step %d: %d moves of slots, when due %d", round, step, a, b)
				}
				if a, b := every.State(), seldom.State(); a != b {
					t.Fatalf("round %d, step %d: the states differ (-always +when due):\n%s", round, step, cmp.Diff(a, b))
				}
				note(kinds, want)
			}
		}
	}
	for _, kind := range []gang.Kind{
		gang.KindTimedOut, gang.KindRestarted, gang.KindUnplaced, gang.KindIncomplete, gang.KindExpired, gang.KindEvicted, gang.KindPartial,
	} {
		if kinds[kind] == 0 {
			t.Errorf("no decision of kind %s: %v", kind, kinds)
		}
	}
	if saved < ticks/2 {
		t.Errorf("only %d of %d ticks were not needed", saved, ticks)
	}
}

// note counts the kinds of decisions.
func note(kinds map[gang.Kind]int, decisions []gang.Decision) {
	for _, d := range decisions {
		switch d := d.(type) {
		case gang.Notify:
			kinds[d.Kind]++
		case gang.Evict:
			kinds[d.Because.Kind]++
		}
	}
}

// restlessTwin is a twin for whose members time matters.
type restlessTwin struct{ *twin }

func newRestlessTwin(seed uint64) *restlessTwin { return &restlessTwin{newTwin(seed)} }

func (tw *restlessTwin) stepOrRest(now time.Time) {
	uid := fmt.Sprint(tw.pick(8))
	switch tw.pick(8) {
	case 0:
		tw.Preempted(gang.ByWhy{}, now)
	case 1:
		tw.PreemptionEnded(now)
	case 2:
		tw.EvictionRefused(uid, "budget", now)
	case 3:
		m, known := tw.Member(uid)
		if !known {
			return
		}
		m.Spec.RestartPolicy, m.Spec.OnPartial = gang.WholeGang, gang.EvictOnPartial
		m.Spec.Timeout, m.Spec.ReservationTimeout = 7*time.Second, 3*time.Second
		tw.Observe(m, now)
		tw.there[uid] = m
	default:
		tw.step(now)
	}
}
