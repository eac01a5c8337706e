package cycle

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/klog/v2"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

const (
	// askAgain is how long after the request a victim must be terminating. Otherwise it is asked again.
	askAgain = 5 * time.Second
	// sweepPause is how often a gang is tried again because something has started since that it could preempt. sweepShare limits what that
	// costs: the pause is at least so many times as long as the last plan took.
	sweepPause = 200 * time.Millisecond
	sweepShare = 20
	// victimHangs is how long after its grace period a victim is no longer waited for.
	victimHangs = 2 * time.Minute
)

// Preemption makes room for gangs, and for pods without one, that do not fit: it preempts others, and holds what they free. A pod without a
// gang is a gang of one.
//
// It plans on the scheduling goroutine, in the cycle of the gang. What is held, and for whom, is in the nominated nodes of the members, so
// that a new process continues.
type Preemption struct {
	Parts
	budgets policylisters.PodDisruptionBudgetLister

	mu sync.Mutex
	// holds are the gangs that wait for victims to end.
	holds map[gang.Key]*hold
	// chosen counts for how many of them a pod has to go.
	chosen view.Chosen
	// next is when a gang may be tried again at the earliest because something has started since.
	next time.Time
	// leads is true once this process schedules pods.
	leads atomic.Bool
}

// hold is the capacity that is held for a gang while its victims end.
type hold struct {
	// members have a node each.
	members []gang.Ref
	pins    []gang.Pin
	victims []dispatch.Victim
	// from are the nodes of the victims.
	from []string
	// leaving are pods that were being deleted before, and that the gang waits for too.
	leaving []gang.Ref
	// others are victims of other gangs that the gang waits for too. They did not have to go a second time.
	others  []gang.Ref
	decided time.Time
	asked   time.Time
	// ended is true once all of them are gone and the gang was put into the scheduling queue.
	ended bool
}

// NewPreemption returns a Preemption without holds.
func NewPreemption(parts Parts, budgets policylisters.PodDisruptionBudgetLister) *Preemption {
	return &Preemption{Parts: parts, budgets: budgets, holds: map[gang.Key]*hold{}, chosen: view.Chosen{}}
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
		task: gang.Task{Gang: ledger.PodKey(pod), Members: []gang.Ref{refOf(pod)}, Need: 1}, pod: pod, planner: planner,
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
	if h := p.holds[key]; h != nil {
		if awaits := p.awaits(h, now); awaits != nil {
			return awaits, h
		}
		if awaits := p.behind(h, r.planner); awaits != nil {
			h.ended = false // to be tried again
			return awaits, h
		}
		p.drop(ctx, key, h, false) // somebody dearer took what was held, or a victim hangs
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
	plan, found, err := r.planner.MakeRoom(ctx, view.RoomRequest{
		Task: r.task, Taker: taker, Now: now, Budgets: view.BudgetsOf(budgets),
		Chosen: p.chosen,
	})
	took := time.Since(now)
	p.Metrics.RoomPlanned(took, found)
	p.next = now.Add(max(sweepPause, sweepShare*took))
	if err != nil {
		klog.FromContext(ctx).Error(err, "Failed to plan a preemption", "gang", key)
	}
	if !found {
		return nil, nil
	}
	h := p.carryOut(ctx, r, taker, plan, now)
	klog.FromContext(ctx).Info("Preempting pods", "gang", key, "victims", len(plan.Victims), "terminating", len(plan.Leaving),
		"budgetsBroken", plan.Broken, "took", took)
	return p.awaits(h, now), h
}

// carryOut holds the capacity of a plan, and then has the victims go.
func (p *Preemption) carryOut(ctx context.Context, r request, taker ledger.Taker, plan view.RoomPlan, now time.Time) *hold {
	key := r.task.Gang
	h := &hold{pins: plan.Pins, decided: now, asked: now}
	for _, m := range plan.Members {
		h.members = append(h.members, gang.Ref{Namespace: m.Pod.Namespace, Name: m.Pod.Name, UID: string(m.Pod.UID)})
	}
	for _, pod := range plan.Leaving {
		if pod.DeletionTimestamp == nil {
			h.others = append(h.others, refOf(pod))
		} else {
			h.leaving = append(h.leaving, refOf(pod))
		}
	}
	units := unitsOf(plan)
	reasons, because := map[gang.PreemptReason]int{}, p.Ledger.PreemptedFor(taker, units, now)
	for _, v := range plan.Victims {
		why := because[v.Unit]
		if why.Pod {
			why.Gang = gang.Key{Namespace: v.Pod.Namespace, Name: v.Pod.Name}
		}
		h.victims = append(h.victims, dispatch.Victim{Ref: refOf(v.Pod), Because: why})
		h.from = append(h.from, v.Pod.Spec.NodeName)
		p.chosen.Add(v.Pod.Spec.NodeName, v.Pod.UID, 1)
		reasons[v.Unit.Reason]++
	}
	var gangs []gang.Key
	for _, u := range units {
		if u.Whole() {
			gangs = append(gangs, u.Gang)
		}
	}
	p.Ledger.Preempted(gangs)
	var pods []*corev1.Pod
	for _, m := range plan.Members {
		pods = append(pods, m.Pod)
	}
	p.Ledger.Hold(key, pods)
	if key.Convention != "" { // the nomination of a pod without a gang holds its capacity, as for kube-scheduler
		p.Slots.SetAside(klog.FromContext(ctx), key, plan.Hold)
	}
	p.holds[key] = h
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

// wanted reports whether the gang still waits for the victims of this hold.
func (p *Preemption) wanted(key gang.Key, h *hold) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds[key] == h
}

// awaits returns what a gang waits for, or nil if all victims are gone, or one of them hangs or does not have to go any more.
func (p *Preemption) awaits(h *hold, now time.Time) *gang.AwaitsWhy {
	if h.ended {
		return nil
	}
	pods, nodes := 0, map[string]struct{}{}
	goes := func(ref gang.Ref, other bool) bool {
		pod, err := p.Dispatcher.Pod(ref)
		if err != nil || pod == nil {
			return true
		}
		pods++
		nodes[pod.Spec.NodeName] = struct{}{}
		if deleted := pod.DeletionTimestamp; deleted != nil {
			return now.Sub(deleted.Time) <= victimHangs
		}
		return !other || p.chosen.Has(pod)
	}
	for i := range h.victims {
		if !goes(h.victims[i].Ref, false) {
			return nil
		}
	}
	for _, ref := range h.leaving {
		if !goes(ref, false) {
			return nil
		}
	}
	for _, ref := range h.others {
		if !goes(ref, true) {
			return nil
		}
	}
	if pods == 0 {
		return nil
	}
	return &gang.AwaitsWhy{Pods: pods, Nodes: len(nodes)}
}

// behind returns what a gang waits for if all its victims are gone, but the snapshot of this cycle still has some of them. It is nil
// otherwise.
func (p *Preemption) behind(h *hold, planner *view.Planner) *gang.AwaitsWhy {
	gone := map[string]struct{}{}
	note := func(ref gang.Ref) {
		if pod, err := p.Dispatcher.Pod(ref); pod == nil && (err == nil || apierrors.IsNotFound(err)) {
			gone[ref.UID] = struct{}{}
		}
	}
	for i := range h.victims {
		note(h.victims[i].Ref)
	}
	for _, ref := range slices.Concat(h.leaving, h.others) {
		note(ref)
	}
	if len(gone) < len(h.victims)+len(h.leaving)+len(h.others) {
		return nil // one of them hangs
	}
	nodes := map[string]struct{}{}
	for _, pin := range h.pins {
		nodes[pin.Node] = struct{}{}
	}
	stale := gang.AwaitsWhy{}
	for name := range nodes {
		node, err := planner.Framework.SnapshotSharedLister().NodeInfos().Get(name)
		if err != nil {
			continue
		}
		before := stale.Pods
		for _, info := range node.GetPods() {
			if _, had := gone[string(info.GetPod().UID)]; had {
				stale.Pods++
			}
		}
		if stale.Pods > before {
			stale.Nodes++
		}
	}
	if stale.Pods == 0 {
		return nil
	}
	return &stale
}

// drop ends a hold. Members that were not started lose their nominated nodes.
func (p *Preemption) drop(ctx context.Context, key gang.Key, h *hold, started bool) {
	logger := klog.FromContext(ctx)
	delete(p.holds, key)
	for i := range h.victims {
		p.chosen.Add(h.from[i], types.UID(h.victims[i].Ref.UID), -1)
	}
	p.Slots.Release(logger, key)
	p.Dispatcher.Perform(p.Ledger.Release(key))
	if started {
		p.Metrics.StartedAfterPreemption(time.Since(h.decided))
	} else {
		p.Dispatcher.Denominate(ctx, h.members)
	}
	logger.V(2).Info("No longer holding what preempted pods freed", "gang", key)
}

// Holds reports whether capacity is held for a gang that preempted others.
func (p *Preemption) Holds(key gang.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds[key] != nil
}

// None reports whether nothing is held.
func (p *Preemption) None() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.holds) == 0
}

// Run keeps holds up to date until the context ends.
func (p *Preemption) Run(ctx context.Context) {
	ticker := time.NewTicker(tickPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.tick(ctx, time.Now())
		}
	}
}

// tick ends the holds of gangs that do not wait any more, retries gangs whose victims are gone, and asks victims again that stay.
func (p *Preemption) tick(ctx context.Context, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune(ctx)
	for key, h := range p.holds {
		switch {
		case h.ended:
		case p.awaits(h, now) == nil:
			h.ended = true
			p.Dispatcher.Perform(p.Ledger.TryPreemptor(key, h.members[0]))
		case now.Sub(h.asked) >= askAgain:
			h.asked = now
			p.ask(ctx, key, h)
		}
	}
	if !p.leads.Load() || now.Before(p.next) {
		return
	}
	p.next = now.Add(sweepPause)
	p.Dispatcher.Perform(p.Ledger.PreemptAgain(now))
}

// Prune ends the holds of gangs that do not wait any more.
func (p *Preemption) Prune(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune(ctx)
}

func (p *Preemption) prune(ctx context.Context) {
	for key, h := range p.holds {
		if waits, started := p.waits(key, h); !waits {
			p.drop(ctx, key, h, started)
		}
	}
}

// waits reports whether the gang, or the pod without one, of a hold still waits, and whether it has started otherwise.
func (p *Preemption) waits(key gang.Key, h *hold) (waits, started bool) {
	if key.Convention != "" {
		return p.Ledger.StillPreempts(key)
	}
	pod, err := p.Dispatcher.Pod(h.members[0])
	if err != nil || pod == nil || pod.DeletionTimestamp != nil {
		return false, false
	}
	return pod.Spec.NodeName == "", pod.Spec.NodeName != ""
}
