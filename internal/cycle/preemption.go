package cycle

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// Preemption makes room for gangs, and for pods without one, that do not fit: it preempts others, and holds what they free. A pod without a
// gang is a gang of one.
//
// It plans on the scheduling goroutine, in the cycle of the gang. The nominated nodes of the members record the held capacity, so a new
// process holds it again.
type Preemption struct {
	Parts
	sched   *scheduler.Scheduler
	budgets policylisters.PodDisruptionBudgetLister

	mu sync.Mutex
	// holds are the gangs that wait for victims to end.
	holds map[gang.Key]*hold
	// chosen are the pods that go for them.
	chosen view.Chosen
	// clearing are the members of holds that have ended, until the API server has cleared their nominated nodes.
	clearing map[types.UID]gang.Ref
	// sweeps limits how often gangs are tried again because something has started since.
	sweeps sweeps
	gone   goneVictims
	// popped is when the pod was popped that is scheduled now.
	popped time.Time
	// leads is true once this process schedules pods.
	leads atomic.Bool
}

// NewPreemption returns a Preemption without holds.
func NewPreemption(sched *scheduler.Scheduler, parts Parts, budgets policylisters.PodDisruptionBudgetLister) *Preemption {
	p := &Preemption{
		Parts: parts, sched: sched, budgets: budgets, holds: map[gang.Key]*hold{}, chosen: view.Chosen{},
		clearing: map[types.UID]gang.Ref{}, gone: newGoneVictims(),
	}
	p.Dispatcher.Ending(p.gone.add)
	return p
}

// Popped notes that a scheduling cycle begins. The snapshot is taken later.
func (p *Preemption) Popped() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.popped = time.Now()
}

// request is a gang that does not fit, or a pod without one.
type request struct {
	task    gang.Task
	pod     *corev1.Pod
	planner *view.Planner
}

// MakeRoomForPod preempts others for a pod without a gang that does not fit. It returns the node that is held for the pod, empty if nothing
// was preempted for it, and what it waits for.
func (p *Preemption) MakeRoomForPod(ctx context.Context, pod *corev1.Pod, planner *view.Planner) (node string, awaits *gang.AwaitsWhy) {
	awaits, h := p.makeRoom(ctx, request{
		task: gang.Task{Gang: ledger.PodKey(pod), Members: []gang.Ref{refOf(pod)}, Need: 1, Topology: ledger.TopologyOf(pod)},
		pod:  pod, planner: planner,
	})
	if awaits == nil {
		return "", nil
	}
	return h.pins[0].Node, awaits
}

// makeRoom preempts others for a gang that does not fit, if it then fits. It returns what the gang waits for, or nil if nothing was
// preempted for it.
func (p *Preemption) makeRoom(ctx context.Context, r request) (*gang.AwaitsWhy, *hold) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, key := time.Now(), r.task.Gang
	planned := false
	defer func() { p.sweeps.ended(key, planned, p.popped, time.Now()) }()
	if h := p.holds[key]; h != nil {
		if h.ended && !h.broken && (!h.over.Before(p.popped) || p.Ledger.CountAny(h.going)) {
			h.ended = false // the snapshot of this cycle, or the ledger, may still have a victim that is gone
		}
		if !h.ended || p.awaitOthers(h) || h.onceMore() {
			awaits := h.awaits()
			return awaits, h
		}
		p.countInVain(klog.FromContext(ctx), key, h, r.planner.Framework.SnapshotSharedLister().NodeInfos())
		p.drop(ctx, key, h, false) // a gang or pod that goes first used the capacity, or a victim hangs
	}
	if policy := r.pod.Spec.PreemptionPolicy; policy != nil && *policy == corev1.PreemptNever {
		return nil, nil
	}
	taker := p.Ledger.TakerFor(r.task, r.pod)
	if !p.Ledger.MayPreempt(taker) {
		return nil, nil
	}
	schedulermetrics.PreemptionAttempts.Inc()
	budgets, err := p.budgets.List(labels.Everything())
	if err != nil {
		klog.FromContext(ctx).Error(err, "Failed to list disruption budgets")
		return nil, nil
	}
	planned = true
	plan, found, err := r.planner.MakeRoom(ctx, view.RoomRequest{
		Task: r.task, Taker: taker, Now: now, Budgets: view.BudgetsOf(budgets),
		Chosen: p.chosen,
	})
	took := time.Since(now)
	p.Metrics.RoomPlanned(took, found)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Failed to plan a preemption", "gang", key)
	}
	if !found {
		return nil, nil
	}
	h := p.carryOut(ctx, r, taker, plan, now)
	klog.FromContext(ctx).Info("Preempting pods", "gang", key, "victims", len(plan.Victims), "terminating", len(plan.Leaving),
		"budgetsBroken", plan.Broken, "took", took)
	awaits := h.awaits()
	return awaits, h
}

// suppose returns the plan to make room for a gang, or pod, that does not exist. It carries nothing out.
func (p *Preemption) suppose(ctx context.Context, r request, taker ledger.Taker, now time.Time) (
	plan view.RoomPlan, found bool, err error,
) {
	if policy := r.pod.Spec.PreemptionPolicy; policy != nil && *policy == corev1.PreemptNever || !p.Ledger.MayPreempt(taker) {
		return plan, false, nil
	}
	budgets, err := p.budgets.List(labels.Everything())
	if err != nil {
		return plan, false, fmt.Errorf("listing disruption budgets: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.planner.MakeRoom(ctx, view.RoomRequest{
		Task: r.task, Taker: taker, Now: now, Budgets: view.BudgetsOf(budgets), Chosen: p.chosen,
	})
}

// carryOut holds the capacity of a plan, and then has the victims go.
func (p *Preemption) carryOut(ctx context.Context, r request, taker ledger.Taker, plan view.RoomPlan, now time.Time) *hold {
	key := r.task.Gang
	h := newHold(now)
	h.pins = plan.Pins
	if key.Convention == "" {
		h.pod = r.pod
	}
	for _, m := range plan.Members {
		h.members = append(h.members, gang.Ref{Namespace: m.Pod.Namespace, Name: m.Pod.Name, UID: string(m.Pod.UID)})
	}
	for _, pod := range plan.Leaving {
		h.await(pod)
	}
	units := unitsOf(plan)
	reasons, because := map[gang.PreemptReason]int{}, p.Ledger.PreemptedFor(taker, units, now)
	for _, v := range plan.Victims {
		why := because[v.Unit]
		if why.Pod {
			why.Gang = gang.Key{Namespace: v.Pod.Namespace, Name: v.Pod.Name}
		}
		h.victims = append(h.victims, dispatch.Victim{Ref: refOf(v.Pod), Because: why, Unit: slices.Index(units, v.Unit)})
		h.await(v.Pod)
		h.going = append(h.going, v.Pod)
		p.chosen.Add(v.Pod.Spec.NodeName, v.Pod.UID, 1)
		reasons[v.Unit.Reason]++
	}
	for _, u := range units {
		if u.Whole() {
			h.gangs[u.Gang] = *because[u].By
		}
	}
	p.Ledger.Preempted(h.gangs)
	var pods []*corev1.Pod
	for _, m := range plan.Members {
		pods = append(pods, m.Pod)
	}
	p.Ledger.Hold(key, pods)
	p.Slots.SetAside(klog.FromContext(ctx), key, plan.Hold)
	p.holds[key] = h
	for _, m := range h.members {
		delete(p.clearing, types.UID(m.UID))
	}
	schedulermetrics.PreemptionVictims.Observe(float64(len(h.victims)))
	p.Metrics.Preempted(reasons)
	p.ask(ctx, key, h)
	return h
}

// ask has the victims of a hold end.
func (p *Preemption) ask(ctx context.Context, key gang.Key, h *hold) {
	p.Dispatcher.Preempt(ctx, dispatch.Preemption{
		Members: h.members, Nominate: h.pins, Victims: h.victims, Wanted: func() bool { return p.wanted(key, h) },
	})
}

// unitsOf returns the units of the victims, each once.
func unitsOf(plan view.RoomPlan) []*ledger.Unit {
	var units []*ledger.Unit
	for _, v := range plan.Victims { // those of a unit follow each other
		if len(units) == 0 || units[len(units)-1] != v.Unit {
			units = append(units, v.Unit)
		}
	}
	return units
}

func refOf(pod *corev1.Pod) gang.Ref {
	return gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

// wanted reports whether the victims of this hold must still be deleted: the gang, or another preemptor, waits for their capacity.
func (p *Preemption) wanted(key gang.Key, h *hold) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holds[key] == h {
		return true
	}
	for _, other := range p.holds {
		if !other.ended && slices.ContainsFunc(h.going, func(pod *corev1.Pod) bool { return other.left[pod.UID] != nil }) {
			return true
		}
	}
	return false
}

// drop ends a hold. Members that were not started lose their nominated nodes.
func (p *Preemption) drop(ctx context.Context, key gang.Key, h *hold, started bool) {
	logger := klog.FromContext(ctx)
	delete(p.holds, key)
	for _, pod := range h.going {
		p.chosen.Add(pod.Spec.NodeName, pod.UID, -1)
	}
	p.Ledger.Spared(h.going)
	p.tellFreed(p.Slots.Release(logger, key))
	p.Dispatcher.Perform(p.Ledger.Release(key))
	p.Ledger.PreemptionEnded(h.gangs)
	switch {
	case !started:
		p.clear(h.members)
		p.Dispatcher.Denominate(ctx, h.members)
	case !h.decided.IsZero():
		p.Metrics.StartedAfterPreemption(time.Since(h.decided))
	}
	logger.V(2).Info("No longer holding what preempted pods freed", "gang", key)
}
