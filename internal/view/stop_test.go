package view

import (
	"context"
	"errors"
	"math"
	"reflect"
	"sync/atomic"
	"testing"

	"k8s.io/utils/clock"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// ending is a context that ends once somebody has looked so often whether it has ended.
type ending struct {
	context.Context
	looks, after atomic.Int64
}

func endingAfter(ctx context.Context, looks int64) *ending {
	e := &ending{Context: ctx}
	e.after.Store(looks)
	return e
}

func (e *ending) Err() error {
	if e.looks.Add(1) > e.after.Load() {
		return context.Canceled
	}
	return nil
}

// ended runs a plan with a context that ends while it is made, and once more to its end. The first says that it was given up, or is the same
// as the second: a plan that was given up leaves nothing behind, and is never taken for an answer.
func ended[P any](ctx context.Context, t *rapid.T, what string, w *world, plan func(context.Context) (P, error)) (gaveUp bool) {
	all := endingAfter(ctx, math.MaxInt64)
	whole, err := plan(all)
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, w)
	}
	at := rapid.Int64Range(0, all.looks.Load()).Draw(t, what+" ends after")
	got, err := plan(endingAfter(ctx, at))
	gaveUp = err != nil
	switch {
	case gaveUp && !errors.Is(err, context.Canceled):
		t.Fatalf("%s that ends after %d looks: %v\n%s", what, at, err, w)
	case !gaveUp && !reflect.DeepEqual(got, whole):
		t.Fatalf("%s that ends after %d looks is %+v, want an error or %+v\n%s", what, at, got, whole, w)
	}
	again, err := plan(ctx)
	if err != nil || !reflect.DeepEqual(again, whole) {
		t.Fatalf("%s after one that was given up is %+v, error %v, want %+v\n%s", what, again, err, whole, w)
	}
	return gaveUp
}

// TestAPlanThatIsGivenUp: whoever waits for a plan may give it up at any moment.
func TestAPlanThatIsGivenUp(t *testing.T) {
	h := newHarness(t)
	gaveUp := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(rolled(t), false)
		h.set(t, w)
		if ended(h.ctx, t, "a plan", w, func(ctx context.Context) (any, error) {
			p, err := h.planner.Plan(ctx, w.task(), nil)
			return []any{p.Planned, p.Finding}, err
		}) {
			gaveUp["plan"]++
		}
		if ended(h.ctx, t, "setting aside", w, func(ctx context.Context) (any, error) {
			p, found, err := h.planner.SetAside(ctx, w.asideRequest())
			return []any{p, found}, err
		}) {
			gaveUp["set aside"]++
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		h.planner.Ledger = ledger.New(clock.RealClock{})
		h.planner.Slots = slots.New(h.planner.Ledger)
		h.serveRunning()
		w, d := &world{}, rolled(t)
		w.drawNodes(d)
		w.drawCrowd(d)
		w.drawMembers(d)
		h.set(t, w)
		if ended(h.ctx, t, "making room", w, func(ctx context.Context) (any, error) {
			p, found, err := h.planner.MakeRoom(ctx, h.roomRequest(w))
			names := []string{}
			for _, v := range p.Victims {
				names = append(names, v.Pod.Name)
			}
			return []any{p.Planned, p.Hold, names, p.Broken, found}, err
		}) {
			gaveUp["make room"]++
		}
	})
	for _, what := range []string{"plan", "set aside", "make room"} {
		if gaveUp[what] == 0 {
			t.Errorf("no %s was given up", what)
		}
	}
}
