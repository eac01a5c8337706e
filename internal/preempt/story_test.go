package preempt_test

import (
	"slices"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// on is a pod on a node that requests so much of the one resource, and is selected by the budgets.
func on(node int, request int64, budgets ...int) preempt.VictimPod {
	return preempt.VictimPod{Node: node, Requests: []int64{request}, Budgets: budgets}
}

// unit has some priority, and started at a second.
func unit(kind preempt.Kind, priority int32, started int, pods ...preempt.VictimPod) preempt.Unit {
	return preempt.Unit{Kind: kind, Priority: priority, Started: at(started), Pods: pods, Frees: []int64{int64(len(pods))}}
}

// surplusOf is a unit of surplus of the gang with this index.
func surplusOf(core int, u preempt.Unit) preempt.Unit {
	u.Kind, u.Core = preempt.Surplus, core
	return u
}

func gangOf(members int, ask int64) []preempt.Class {
	return []preempt.Class{{Members: members, Must: members, Ask: []int64{ask}}}
}

const (
	gang    = preempt.Gang
	surplus = preempt.Surplus
	pod     = preempt.Pod
)

func TestWhoGoes(t *testing.T) {
	type story struct {
		name    string
		free    []int64
		units   []preempt.Unit
		classes []preempt.Class
		need    int // default: all members
		usable  func(class, node int) bool
		budgets []int
		lacks   []int64
		allows  func(victims []int) bool
		want    []int // nil: there are no victims
	}
	for _, tc := range []story{
		{
			name:    "the gang fits as it is",
			free:    []int64{4},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4))},
			classes: gangOf(2, 2),
			want:    []int{},
		},
		{
			name:    "nothing goes if all together are not enough",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4)), unit(pod, 0, 1, on(1, 3))},
			classes: gangOf(2, 4),
		},
		{
			name:    "nothing goes where the gang may not run",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4)), unit(pod, 5, 1, on(1, 4))},
			classes: gangOf(1, 4),
			usable:  func(_, node int) bool { return node == 1 },
			want:    []int{1},
		},
		{
			name:    "budgets before priority",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4, 0)), unit(pod, 5, 1, on(1, 4))},
			classes: gangOf(1, 4),
			budgets: []int{0},
			want:    []int{1},
		},
		{
			name: "a budget allows one disruption, and not two",
			free: []int64{0, 0, 0},
			units: []preempt.Unit{
				unit(pod, 0, 3, on(0, 4, 0)), unit(pod, 0, 2, on(1, 4, 0)), unit(pod, 5, 1, on(2, 4)),
			},
			classes: gangOf(2, 4),
			budgets: []int{1},
			want:    []int{0, 2},
		},
		{
			name: "priority before the number of pods",
			free: []int64{0, 0},
			units: []preempt.Unit{
				unit(pod, 1, 1, on(0, 4)), unit(pod, 0, 1, on(1, 2)), unit(pod, 0, 1, on(1, 2)),
			},
			classes: gangOf(1, 4),
			want:    []int{1, 2},
		},
		{
			name: "the number of pods before the time that they started",
			free: []int64{0, 0},
			units: []preempt.Unit{
				unit(pod, 0, 1, on(0, 4)), unit(pod, 0, 8, on(1, 2)), unit(pod, 0, 9, on(1, 2)),
			},
			classes: gangOf(1, 4),
			want:    []int{0},
		},
		{
			name:    "surplus before a whole gang",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(gang, 0, 9, on(0, 4)), unit(surplus, 0, 1, on(1, 4))},
			classes: gangOf(1, 4),
			want:    []int{1},
		},
		{
			name: "surplus of a gang before the gang",
			free: []int64{0, 0},
			units: []preempt.Unit{
				unit(gang, 0, 9, on(0, 4)), surplusOf(0, unit(surplus, 0, 1, on(1, 4))),
			},
			classes: gangOf(1, 4),
			want:    []int{1},
		},
		{
			name: "the last member of the surplus first",
			free: []int64{0, 0, 0, 0},
			units: []preempt.Unit{
				unit(gang, 0, 1, on(0, 4)), surplusOf(0, unit(surplus, 0, 1, on(1, 4))),
				surplusOf(0, unit(surplus, 0, 3, on(2, 4))), surplusOf(0, unit(surplus, 0, 2, on(3, 4))),
			},
			classes: gangOf(2, 4),
			want:    []int{2, 3},
		},
		{
			name: "with a gang its surplus goes, wherever it is",
			free: []int64{0, 0},
			units: []preempt.Unit{
				unit(gang, 0, 1, on(0, 4)), surplusOf(0, unit(surplus, 0, 1, on(1, 1))),
			},
			classes: gangOf(1, 4),
			want:    []int{0, 1},
		},
		{
			name:    "a gang of which only the surplus may go stays",
			free:    []int64{0, 0},
			units:   []preempt.Unit{surplusOf(-1, unit(surplus, 0, 1, on(0, 2)))},
			classes: gangOf(1, 2),
			want:    []int{0},
		},
		{
			name:    "never a part of a gang",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(gang, 0, 1, on(0, 4), on(1, 4)), unit(pod, 5, 1, on(0, 0))},
			classes: gangOf(1, 4),
			want:    []int{0},
		},
		{
			name: "a gang on two nodes counts once",
			free: []int64{0, 0, 0, 0},
			units: []preempt.Unit{
				unit(pod, 0, 1, on(2, 2)), unit(pod, 0, 1, on(2, 2)), unit(pod, 0, 1, on(3, 4)),
				unit(gang, 0, 1, on(0, 4), on(1, 4)),
			},
			classes: gangOf(2, 4),
			want:    []int{3},
		},
		{
			name:    "of equal pods the one that started last",
			free:    []int64{0, 0, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4)), unit(pod, 0, 3, on(1, 4)), unit(pod, 0, 2, on(2, 4))},
			classes: gangOf(1, 4),
			want:    []int{1},
		},
		{
			name: "a node that is partly free before a full one",
			free: []int64{0, 2},
			units: []preempt.Unit{
				unit(pod, 0, 9, on(0, 2)), unit(pod, 0, 9, on(0, 2)), unit(pod, 0, 1, on(1, 2)), unit(pod, 0, 1, on(1, 2)),
			},
			classes: gangOf(1, 4),
			want:    []int{2},
		},
		{
			name:    "a small pod on a node that is partly free before an equal one on a full node",
			free:    []int64{0, 2},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4)), unit(pod, 0, 1, on(1, 2))},
			classes: gangOf(1, 4),
			want:    []int{1},
		},
		{
			name: "no more go than the gang needs",
			free: []int64{1, 0},
			units: []preempt.Unit{
				unit(pod, 0, 1, on(0, 1)), unit(pod, 0, 2, on(0, 1)), unit(pod, 5, 3, on(1, 2)), unit(pod, 0, 4, on(1, 2)),
			},
			classes: gangOf(2, 2),
			want:    []int{1, 3},
		},
		{
			name:    "members beyond those that have to be placed evict nobody",
			free:    []int64{2, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(1, 2))},
			classes: []preempt.Class{{Members: 2, Must: 1, Ask: []int64{2}}},
			need:    1,
			want:    []int{},
		},
		{
			name:    "a class of which a member has to be placed",
			free:    []int64{2, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(1, 4))},
			classes: []preempt.Class{{Members: 2, Ask: []int64{1}}, {Members: 1, Must: 1, Ask: []int64{4}}},
			need:    1,
			want:    []int{0},
		},
		{
			name:    "a limit needs more than the nodes do",
			free:    []int64{4, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(1, 1)), unit(pod, 0, 2, on(1, 1)), unit(pod, 0, 3, on(1, 1))},
			classes: gangOf(2, 2),
			lacks:   []int64{2},
			want:    []int{1, 2},
		},
		{
			name:    "a limit and the nodes need the same pod",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(pod, 0, 9, on(0, 0)), unit(pod, 0, 1, on(1, 2))},
			classes: gangOf(1, 2),
			lacks:   []int64{1},
			want:    []int{1},
		},
		{
			name:    "what is lacking of a limit cannot be freed",
			free:    []int64{4},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 1))},
			classes: gangOf(1, 2),
			lacks:   []int64{2},
		},
		{
			name:    "the rules between queues forbid the cheapest",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4)), unit(pod, 5, 1, on(1, 4))},
			classes: gangOf(1, 4),
			allows:  func(victims []int) bool { return !slices.Contains(victims, 0) },
			want:    []int{1},
		},
		{
			name: "the rules between queues allow one of each, and not two of the same",
			free: []int64{0, 0, 0},
			units: []preempt.Unit{
				unit(pod, 0, 1, on(0, 4)), unit(pod, 0, 1, on(1, 4)), unit(pod, 5, 1, on(2, 4)),
			},
			classes: gangOf(2, 4),
			allows:  func(victims []int) bool { return !slices.Contains(victims, 0) || !slices.Contains(victims, 1) },
			want:    []int{0, 2},
		},
		{
			name:    "the rules between queues allow too few",
			free:    []int64{0, 0},
			units:   []preempt.Unit{unit(pod, 0, 1, on(0, 4)), unit(pod, 0, 1, on(1, 4))},
			classes: gangOf(2, 4),
			allows:  func(victims []int) bool { return len(victims) < 2 },
		},
		{
			name:    "a pod on a node that is not known frees only what its queue lacks",
			free:    []int64{2},
			units:   []preempt.Unit{unit(gang, 0, 1, preempt.VictimPod{Node: -1, Requests: []int64{4}})},
			classes: gangOf(1, 2),
			lacks:   []int64{1},
			want:    []int{0},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &toy{allows: tc.allows}
			c.Units, c.Classes, c.Need, c.Usable = tc.units, tc.classes, tc.need, tc.usable
			c.Budgets, c.Lacks = tc.budgets, tc.lacks
			for _, free := range tc.free {
				c.Free = append(c.Free, []int64{free})
			}
			for _, class := range tc.classes {
				if tc.need == 0 {
					c.Need += class.Members
				}
			}
			choice, found := preempt.Choose(c.Problem, c)
			if found != (tc.want != nil) || found && !slices.Equal(choice.Victims, tc.want) {
				t.Errorf("%v go (%t), want %v", choice.Victims, found, tc.want)
			}
			if tc.want != nil && !preempt.Hopeful(c.Problem) {
				t.Error("there is no hope")
			}
		})
	}
}
