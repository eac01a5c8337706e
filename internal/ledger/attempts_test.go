package ledger_test

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// outcome counts ended attempts by their decisions.
type outcome struct{ started, failed int }

func (o *outcome) count(decisions []gang.Decision) {
	for _, d := range decisions {
		switch ended, ok := d.(gang.Ended); {
		case !ok:
		case ended.Started:
			o.started++
		default:
			o.failed++
		}
	}
}

// Each attempt is counted once, when it ends.
func TestEachAttemptIsCountedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(t *testing.T, l *ledger.Ledger, o *outcome, tick func(time.Duration))
		want outcome
	}{
		"no plan": {func(_ *testing.T, l *ledger.Ledger, o *outcome, tick func(time.Duration)) {
			a, _ := pair(l)
			l.Begin(a)
			o.count(l.Unfit("a", gang.Finding{}).Decisions)
			tick(5 * time.Minute) // the timeout passes, but does not end an attempt
		}, outcome{failed: 1}},
		"none could be bound": {func(t *testing.T, l *ledger.Ledger, o *outcome, _ func(time.Duration)) {
			a, _ := pair(l)
			o.count(committed(t, l, a))
			o.count(l.Unreserve("a"))
			o.count(l.Unreserve("b"))
		}, outcome{failed: 1}},
		"deleted during binding": {func(t *testing.T, l *ledger.Ledger, o *outcome, _ func(time.Duration)) {
			a, _ := pair(l)
			o.count(committed(t, l, a))
			o.count(l.Forget("a"))
			o.count(l.Forget("b"))
		}, outcome{failed: 1}},
		"started": {func(t *testing.T, l *ledger.Ledger, o *outcome, tick func(time.Duration)) {
			a, _ := pair(l)
			o.count(committed(t, l, a))
			for _, pod := range []string{"a", "b"} {
				bound := member(pod, "g", 2, 9)
				bound.Spec.NodeName = "node"
				o.count(l.Observe(bound))
			}
			tick(5 * time.Minute)
		}, outcome{started: 1}},
		"still being bound": {func(t *testing.T, l *ledger.Ledger, o *outcome, _ func(time.Duration)) {
			a, _ := pair(l)
			o.count(committed(t, l, a))
		}, outcome{}},
	} {
		t.Run(name, func(t *testing.T) {
			l, clock := newLedger()
			var o outcome
			c.run(t, l, &o, func(long time.Duration) {
				for range long / time.Second {
					clock.SetTime(clock.Now().Add(time.Second))
					o.count(l.Tick())
				}
			})
			if o != c.want {
				t.Errorf("counted attempts %+v, want %+v", o, c.want)
			}
		})
	}
}
