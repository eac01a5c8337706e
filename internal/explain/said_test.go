package explain

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// oracle is a scheduler that gives fixed answers.
type oracle struct {
	gang      answers.Gang
	forecast  answers.Forecast
	queues    answers.Queues
	unreached error
	busy      error
}

func (o *oracle) Gangs(context.Context, string, string) (answers.Gangs, error) {
	return answers.Gangs{Items: []answers.Gang{o.gang}}, o.unreached
}

func (o *oracle) Queues(context.Context) (answers.Queues, error) { return o.queues, o.unreached }

func (o *oracle) WhatIf(_ context.Context, question answers.WhatIf) (answers.Forecast, error) {
	if question.Gang != "team-a/train" {
		return answers.Forecast{}, errors.New("another question")
	}
	return o.forecast, o.busy
}

// waiting is the gang train as the scheduler has it.
func waiting() answers.Gang {
	return answers.Gang{
		Status: gang.Status{
			Key: gang.Key{Namespace: "team-a", Name: "train", Convention: "Coscheduling"}, Phase: gang.Ready, Attempts: 3,
			SetAside: &gang.SetAsideStatus{Held: 1, Of: 2, StartsAt: now.Add(12 * time.Minute), After: "gang a/b"},
			Slots:    []gang.SlotStatus{{Role: "executor", Node: "n1"}, {Role: "executor", Node: "n1"}},
			Times:    gang.Times{At: now, NextTry: now.Add(8 * time.Second)},
		},
		Reason: "the cluster is full",
		Awaits: &answers.Awaits{Pods: 3, Nodes: 2},
	}
}

func TestWhatTheSchedulerSays(t *testing.T) {
	r := clusterOf(nil, members(2, 2, "cpu=2", says("the cluster was full")))
	r.said = askAbout(t.Context(), &oracle{gang: waiting(), forecast: answers.Forecast{
		Outcome: answers.StartsAfterPreemption, Why: "gang team-a/train would start on 1 node once 1 pod has been preempted", Pods: 2,
		Nodes: []answers.NodeShare{{Name: "n1", Pods: 2}}, Victims: []answers.Victim{{Namespace: "team-b", Name: "sweep-0"}}, HiddenVictims: 2,
	}}, waiting().Key)
	got := text(t, storyOf(t, r))
	_, got, _ = strings.Cut(got, "\nWhat the scheduler says:")
	got, _, _ = strings.Cut(got, "\nHistory:")
	same(t, `

  phase Ready, after 3 attempts, tried again in about 8s
  the cluster is full
  capacity is set aside for 1 of 2 pods; it starts in about 12m0s, when gang a/b ends
  3 pods on 2 nodes were preempted for it, and have not ended
  holds 2 slots for executor on n1

What would happen if it were tried now:
  Starts after preemption: gang team-a/train would start on 1 node once 1 pod has been preempted.
  Nodes: n1 (2)
  Preempted: team-b/sweep-0, 2 more pods
`, got)
}

// TestASchedulerThatDoesNotAnswer: one line says so, and the rest of the story is complete.
func TestASchedulerThatDoesNotAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		of   *oracle
		want string
	}{
		"it cannot be reached": {
			&oracle{unreached: errors.New("looking up who leads: not found")}, "what the scheduler itself says of it: looking up who leads: not found",
		},
		"it has no such gang": {&oracle{}, "what the scheduler itself says of it: it knows no such gang"},
		"it is busy": {
			&oracle{gang: waiting(), busy: errors.New("it is busy")}, "what would happen if it were tried now: it is busy",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := askAbout(t.Context(), tc.of, waiting().Key)
			if diff := cmp.Diff([]string{tc.want}, got.leftOut); diff != "" || got.forecast != nil {
				t.Errorf("left out (-want +got), forecast %v:\n%s", got.forecast, diff)
			}
		})
	}
}

// TestTheQueueOfTheSchedulerIsTaken, and computed if it does not answer. Both tell the same.
func TestTheQueueOfTheSchedulerIsTaken(t *testing.T) {
	research := queue.NewQueue("research")
	research.Limit = queue.Amounts{"cpu": 2000}
	config := queue.Config{Queues: []queue.Queue{research, queue.NewQueue(queue.Default)}}
	pods := members(2, 2, "cpu=1", annotated("kubenexus.io/queue", "research"), says("why"))
	for _, name := range []string{"first-0", "first-1"} {
		pods = append(pods, pod(name, "cpu=1", "", of("first", 2), annotated("kubenexus.io/queue", "research"), func(p *corev1.Pod) {
			p.CreationTimestamp = ago(time.Hour)
		}))
	}
	pods = append(pods, pod("x", "cpu=1", "n1", of("x", 1), annotated("kubenexus.io/queue", "research")))
	nodes := []*corev1.Node{node("n1", "cpu=8")}
	// The scheduler's answers come from a ledger that is filled as its own is.
	standings := gangread.Stand(gangread.Cluster{Pods: pods, Nodes: nodes, Queues: config, Schedulers: serving}, now)
	answering := &oracle{gang: waiting(), queues: standings.Queues()}
	answering.gang.Queue, answering.gang.Position = standings.Of(waiting().Key)

	tell := func(scheduler Scheduler) Story {
		r := clusterOf(nodes, pods)
		r.queues = &config
		gangs := gangread.Among(pods, serving, now).Items
		at := 1 // after first
		r.inQueue(t.Context(), scheduler, &gangs[at], serving, now)
		return tell(r, nil, &gangs[at], serving, now)
	}
	fast, full := tell(answering), tell(&oracle{unreached: errors.New("not reached")})
	for name, s := range map[string]Story{"asked": fast, "computed": full} {
		if s.Gang.Key.Name != "train" || s.Gang.Queue != "research" || s.Gang.Position == nil || *s.Gang.Position != 1 || len(s.Help) == 0 ||
			!strings.HasPrefix(s.Help[0], "queue research uses 1 of its limit of 2 cpu") {
			t.Errorf("%s: gang %s in queue %q at %v, help %q", name, s.Gang.Key, s.Gang.Queue, s.Gang.Position, s.Help)
		}
	}
	fast.Now, fast.Next, full.LeftOut, fast.LeftOut = nil, nil, nil, nil
	if diff := cmp.Diff(full, fast); diff != "" {
		t.Errorf("(-computed +asked):\n%s", diff)
	}
}
