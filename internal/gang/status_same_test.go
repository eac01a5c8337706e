package gang_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestStatusIsTheSameForTheSameInputs checks that two gangs with the same history have the same status, also after the cached
// values are discarded. The iteration order of maps must not matter.
func TestStatusIsTheSameForTheSameInputs(t *testing.T) {
	phases := map[gang.Phase]int{}
	for round := range uint64(400) {
		var twins [2]*twin
		for i := range twins {
			twins[i] = newTwin(round)
		}
		for step := range 60 {
			now := start.Add(time.Duration(step) * time.Second)
			for _, tw := range twins {
				tw.step(now)
			}
			first, second := twins[0].Status(now), twins[1].Status(now)
			if diff := cmp.Diff(first, second); diff != "" {
				t.Fatalf("round %d, step %d: the statuses differ for the same inputs (-one +other):\n%s", round, step, diff)
			}
			twins[0].Derived(true)
			if diff := cmp.Diff(first, twins[0].Status(now)); diff != "" {
				t.Fatalf("round %d, step %d: the recomputed status differs (-maintained +recomputed):\n%s", round, step, diff)
			}
			phases[first.Phase]++
		}
	}
	for _, phase := range []gang.Phase{gang.Incomplete, gang.Disagreeing, gang.Ready, gang.Placing, gang.Running} {
		if phases[phase] < 100 {
			t.Errorf("only %d statuses had phase %s: %v", phases[phase], phase, phases)
		}
	}
}

// twin is one of two gangs with the same history. The seed determines the history.
type twin struct {
	*gang.Gang
	there map[string]gang.Member
	pick  func(int) int
	// plain is true if no member has a role.
	plain bool
}

func newTwin(seed uint64) *twin {
	return &twin{
		Gang: gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"}), there: map[string]gang.Member{},
		pick: rand.New(rand.NewPCG(seed, 1)).IntN, plain: seed%2 == 0, //nolint:gosec // the same at each run
	}
}

func (tw *twin) step(now time.Time) {
	uid, node := fmt.Sprint(tw.pick(8)), fmt.Sprint("n", tw.pick(3))
	switch tw.pick(13) {
	case 0, 1:
		change(tw.Gang, tw.there, tw.pick, now)
	case 2, 3:
		m := one(tw.pick(8), 2+tw.pick(8)/7)
		if !tw.plain {
			m.Spec.Role, m.Spec.Roles, m.Spec.Creates = created(tw.pick(2), 3)
		}
		if _, known := tw.there[m.UID]; !known {
			tw.Observe(m, now)
			tw.there[m.UID] = m
		}
	case 4:
		tw.Tick(now)
	case 5:
		tw.Unreserve(uid, now)
	case 6:
		tw.Finish(gang.Finished{UID: uid + "x", Name: "x", Node: node, OwnerUID: "job", Succeeded: tw.pick(2) == 0, RejectedBy: node, At: now}, now)
	case 7:
		tw.NotBound(uid, "forbidden")
	case 8:
		tw.Take(uid)
	default:
		tw.pop(uid, now)
	}
}

// pop runs a scheduling cycle of a member, or a part of one.
func (tw *twin) pop(uid string, now time.Time) {
	tw.Enter(uid, now)
	switch tw.Begin(uid, tw.pick(8) > 0, now) {
	case gang.Plan:
		task := tw.Task(now)
		switch tw.pick(5) {
		case 0:
			return // the gang cycle continues
		case 1:
			tw.Unfit(uid, gang.Finding{Fit: 1, Short: &gang.Shortfall{Members: 1, Resource: "cpu"}, Shortage: gang.Shortage{Missing: 1}}, 1, now)
			return
		}
		var plan gang.Planned
		for i, ref := range task.Members {
			plan.Pins = append(plan.Pins, gang.Pin{UID: ref.UID, Node: fmt.Sprint("n", i%3)})
		}
		for i := range task.DeclaredMembers() {
			plan.Slots = append(plan.Slots, gang.Slot{Role: "executor", Node: fmt.Sprint("n", i)})
		}
		tw.Commit(uid, plan, now)
	case gang.Go:
		if tw.pick(8) == 0 {
			tw.Misfit(uid)
			return
		}
		tw.Permit(uid, "n0", now)
	case gang.Refuse:
	}
}

// TestStatusHasStableNames checks the JSON field names, on which readers of the status depend.
func TestStatusHasStableNames(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text, err := json.MarshalIndent(gang.Status{
		Key:     gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling", Instance: "Job/a-1"},
		Phase:   gang.Ready,
		Needs:   gang.Needs{MinAvailable: 3, Have: 2, Running: 1, Roles: []gang.RoleStatus{{"driver", 1, 1, 1, true}}},
		Partial: true, Attempts: 2, Why: gang.Explanation{Kind: gang.KindPartial},
		Members:  []gang.MemberStatus{{Name: "a-0", UID: "0", Role: "driver", Node: "n", State: gang.MemberBound, Apart: true}},
		Nodes:    []gang.NodeStatus{{"n", 1, 1}},
		Shortage: gang.ShortageStatus{Members: 2, Resource: "cpu", Each: "1", Largest: "0.5", Anything: true},
		Slots:    []gang.SlotStatus{{"executor", "n", "a-1"}},
		Queue:    "research", Position: new(0),
		SetAside: &gang.SetAsideStatus{Held: 3, Of: 4, StartsAt: at, After: "gang a/b"},
		Times:    gang.Times{At: at, Since: at, Started: at, NextTry: at, SlotsUntil: at},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "key": {
  "namespace": "default",
  "name": "a",
  "convention": "Coscheduling",
  "instance": "Job/a-1"
 },
 "phase": "Ready",
 "needs": {
  "minAvailable": 3,
  "have": 2,
  "running": 1,
  "roles": [
   {
    "name": "driver",
    "min": 1,
    "have": 1,
    "running": 1,
    "creates": true
   }
  ]
 },
 "partial": true,
 "attempts": 2,
 "members": [
  {
   "name": "a-0",
   "uid": "0",
   "role": "driver",
   "node": "n",
   "state": "Bound",
   "apart": true
  }
 ],
 "nodes": [
  {
   "name": "n",
   "members": 1,
   "slots": 1
  }
 ],
 "shortage": {
  "members": 2,
  "resource": "cpu",
  "each": "1",
  "largest": "0.5",
  "anything": true
 },
 "slots": [
  {
   "role": "executor",
   "node": "n",
   "member": "a-1"
  }
 ],
 "queue": "research",
 "position": 0,
 "setAside": {
  "held": 3,
  "of": 4,
  "startsAt": "2026-01-02T03:04:05Z",
  "after": "gang a/b"
 },
 "at": "2026-01-02T03:04:05Z",
 "since": "2026-01-02T03:04:05Z",
 "started": "2026-01-02T03:04:05Z",
 "nextTry": "2026-01-02T03:04:05Z",
 "slotsUntil": "2026-01-02T03:04:05Z"
}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
