package view

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// RoomRequest is what Planner.MakeRoom needs to know.
type RoomRequest struct {
	Task  gang.Task
	Taker ledger.Taker
	Now   time.Time
	// Budgets are the disruption budgets of the cluster.
	Budgets Budgets
	// Chosen are the pods that go for others.
	Chosen Chosen
}

// Chosen counts for how many others a pod has to go, by node and UID.
type Chosen map[string]map[types.UID]int

// Add adds to the number for a pod.
func (c Chosen) Add(node string, uid types.UID, times int) {
	if c[node] == nil {
		c[node] = map[types.UID]int{}
	}
	if c[node][uid] += times; c[node][uid] <= 0 {
		delete(c[node], uid)
	}
	if len(c[node]) == 0 {
		delete(c, node)
	}
}

// Has reports whether a pod has to go for others.
func (c Chosen) Has(pod *corev1.Pod) bool { return c[pod.Spec.NodeName][pod.UID] > 0 }

// RoomPlan is a plan for a gang for which others have to make room.
type RoomPlan struct {
	Plan
	// Hold is the capacity to hold for the members of the plan.
	Hold []slots.Aside
	// Victims are the pods to preempt, each once.
	Victims []Victim
	// Leaving are the pods on the nodes of the plan that are being deleted already, or go for others, and that the gang waits for too.
	Leaving []*corev1.Pod
	// Broken is the number of disruptions beyond what budgets allow.
	Broken int
}

// Victim is a pod to preempt.
type Victim struct {
	Pod *corev1.Pod
	// Unit is what it goes together with.
	Unit *ledger.Unit
}

// MakeRoom plans a gang that does not fit on the hypothesis that as few pods as possible of those that it may preempt are gone. Pods that
// are being deleted count as gone. It returns false if the gang would not fit even without all of them, or fits without any victim: then it
// waits for those that are being deleted.
func (p *Planner) MakeRoom(ctx context.Context, r RoomRequest) (RoomPlan, bool, error) {
	task := r.Task
	team, _ := p.teamFor(ctx, task)
	if len(team.pods) < task.Need || team.lacks {
		return RoomPlan{}, false, nil
	}
	team.pods = team.pods[:max(team.required, task.Need)] // nothing is preempted for members that the gang does not need
	nodes, err := p.Framework.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return RoomPlan{}, false, fmt.Errorf("listing the nodes of the snapshot: %w", err)
	}
	if task.DeclaredMembers() > 0 &&
		p.Slots.BeyondShare(p.Framework.ProfileName(), task.Gang.Namespace, task.Roles, slots.Total(nodes)) != "" {
		return RoomPlan{}, false, nil
	}
	v, err := p.viewFor(ctx, task, team, nil)
	if err != nil {
		return RoomPlan{}, false, err
	}
	defer v.release()
	s, choice, found := p.search(v, &r, nodes)
	if v.err != nil {
		return RoomPlan{}, false, fmt.Errorf("planning to make room for gang %s: %w", task.Gang, v.err)
	}
	if !found {
		return RoomPlan{}, false, nil
	}
	return s.result(choice, team), true, nil
}

// search looks for victims: for a single pod first where they are the cheapest, and on all nodes only if counting does not say no.
func (p *Planner) search(v *view, r *RoomRequest, nodes []fwk.NodeInfo) (s *roomSearch, choice preempt.Choice, found bool) {
	s, choice, settled := v.searchNear(r, p)
	if settled || v.err != nil {
		return s, choice, s != nil
	}
	if p.Ledger.OnlyPriorities() && v.countStanding(p, r).hopeless(r.Task.Need, nil) {
		return nil, choice, false
	}
	if v.where.rules.Required != nil {
		return p.searchDomains(v, r, nodes)
	}
	return p.searchAll(v, r, nodes)
}

// searchAll looks for victims on all nodes.
func (p *Planner) searchAll(v *view, r *RoomRequest, nodes []fwk.NodeInfo) (s *roomSearch, choice preempt.Choice, found bool) {
	candidates := candidatesOn(nodes, r)
	candidates.units = p.Ledger.Units(r.Taker, candidates.pods, r.Now)
	if len(candidates.units) == 0 {
		return nil, choice, false
	}
	s = v.searchRoom(r, candidates, p.Ledger)
	if !p.Ledger.OnlyPriorities() && s.hopeless() {
		return nil, choice, false
	}
	v.begin()
	choice, found = s.choose(s.problem(r.Budgets))
	return s, choice, found
}
