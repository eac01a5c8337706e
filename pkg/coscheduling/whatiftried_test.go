package coscheduling

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// askAgain asks about a gang that was tried and waits. The answer is that it waits, unless the scheduler is about to try it again because
// gangs have ended: then the answer comes true.
func (f *forecaster) askAgain(outcomes map[answers.Outcome]int) {
	f.t.Helper()
	var waiting []string
	for _, s := range f.plugins.ledger.Statuses() {
		if f.waits(s.Key.Name) {
			waiting = append(waiting, s.Key.Name)
		}
	}
	if len(waiting) == 0 {
		return
	}
	slices.Sort(waiting)
	name := waiting[f.random.IntN(len(waiting))]
	f.begin()
	forecast, err := f.plugins.WhatIfTried(f.ctx, testNamespace, name)
	if err != nil {
		if f.waits(name) {
			f.t.Fatalf("gang %s waits, and cannot be asked about: %v", name, err)
		}
		return // it was started in the meantime
	}
	if forecast.Terminating > 0 {
		return // its victims were chosen before: TestAGangThatWaitsForItsVictims is about that
	}
	var pods []*corev1.Pod
	for _, pod := range f.gangs()[name] {
		pods = append(pods, testPod(pod).Annotation(conventions.Coscheduling().GroupAnnotation, name).Obj())
	}
	if len(pods) == 0 {
		return // it was deleted a moment ago
	}
	if f.compare(forecast, pods) {
		outcomes[forecast.Outcome]++
	}
}

// explain says how things are if the test has failed: what is left, and what is known of a gang.
func (f *forecaster) explain(name string) {
	if !f.t.Failed() {
		return
	}
	f.t.Logf("what is left: %s; what was done: %+v; capacity is held for %v", f.unsettled(), f.seen(), f.plugins.slots.Holding())
	for _, s := range f.plugins.ledger.Statuses() {
		if s.Key.Name == name || s.Phase != gang.Running {
			f.t.Logf("%+v", s)
		}
	}
}

// written returns how often the scheduler wrote something.
func written(h *harness) int {
	writes := 0
	for _, action := range h.client.Actions() {
		if verb := action.GetVerb(); verb != "get" && verb != "list" && verb != "watch" {
			writes++
		}
	}
	return writes
}

// TestAskingAboutAGangThatWaitsChangesNothing: what the ledger has of the gangs, what the scheduler has written, and what happens next.
func TestAskingAboutAGangThatWaitsChangesNothing(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	o := &obstacle{reserve: func(*corev1.Pod, string) *fwk.Status {
		if full.Load() {
			return fwk.NewStatus(fwk.Unschedulable, "an obstacle")
		}
		return nil
	}}
	r := run(t, o, true, map[string]string{"n1": "4"})
	r.create("waits", "waits-0", "waits-1")
	status := func() (s gang.Status) {
		all := r.plugins.ledger.Statuses()
		if len(all) == 1 {
			s = all[0]
		}
		return s
	}
	eventually(t, "the gang to be tried", func() bool { return status().Attempts > 0 && status().Why.Kind == gang.KindUnplaced })
	before, writes, asked := status(), written(r.harness), 0
	var forecast answers.Forecast
	for range 5 {
		var err error
		if forecast, err = r.plugins.WhatIfTried(r.ctx, testNamespace, "waits"); err != nil {
			t.Fatal(err)
		}
		if after := status(); after.Attempts == before.Attempts { // it was not tried again in the meantime
			asked++
			after.At = before.At
			if diff := cmp.Diff(before, after); diff != "" {
				t.Fatalf("the question changed the gang:\n%s", diff)
			}
		}
	}
	if asked > 0 && written(r.harness) != writes && status().Attempts == before.Attempts {
		t.Errorf("the scheduler wrote %d times because of the questions", written(r.harness)-writes)
	}
	// The obstacle is in Reserve, which an answer does not know.
	if forecast.Outcome != answers.Starts || forecast.Placed != 2 || len(forecast.Nodes) != 1 || forecast.Nodes[0].Name != "n1" {
		t.Errorf("the answer is %+v", forecast)
	}
	full.Store(false)
	r.plugins.ledger.AnythingChanged()
	eventually(t, "the gang to start", func() bool { return status().Phase == gang.Running })
	if _, err := r.plugins.WhatIfTried(r.ctx, testNamespace, "waits"); err == nil || !strings.Contains(err.Error(), "is Running") {
		t.Errorf("about a gang that runs: %v", err)
	}
	if _, err := r.plugins.WhatIfTried(r.ctx, testNamespace, "none"); !errors.Is(err, ledger.ErrNoGang) {
		t.Errorf("about a gang that does not exist: %v", err)
	}
}
