package cycle

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
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
	// gangs are those of the victims that are preempted as a whole.
	gangs map[gang.Key]gang.ByWhy
	// leaving are pods that were being deleted before, and that the gang waits for too.
	leaving []gang.Ref
	decided time.Time
	asked   time.Time
	// pod is the pod without a gang, nil for a gang.
	pod *corev1.Pod
	// priority is that of the gang, and starts the number of pods that had started when it was decided.
	priority int32
	starts   uint64
	// ended is true once all of them are gone and the gang was put into the scheduling queue. broken is true if they are not, but a victim
	// hangs, or a node is gone.
	ended, broken bool
}

// NewPreemption returns a Preemption without holds.
func NewPreemption(parts Parts, budgets policylisters.PodDisruptionBudgetLister) *Preemption {
	return &Preemption{Parts: parts, budgets: budgets, holds: map[gang.Key]*hold{}}
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
		if awaits := p.awaitOthers(h, now); awaits != nil {
			return awaits, h
		}
		p.noteInVain(ctx, key, h)
		p.drop(ctx, key, h, false) // somebody dearer took what was held, a victim hangs, or a node is gone
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
	plan, found, err := r.planner.MakeRoom(ctx, view.RoomRequest{Task: r.task, Taker: taker, Now: now, Budgets: view.BudgetsOf(budgets)})
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

// noteInVain counts the victims of a gang that does not fit although they are gone, unless something with a higher priority came in
// between.
func (p *Preemption) noteInVain(ctx context.Context, key gang.Key, h *hold) {
	if !h.ended || h.broken || len(h.victims) == 0 || p.Ledger.HigherSince(h.priority, h.starts) {
		return
	}
	for _, other := range p.holds {
		if other.priority > h.priority {
			return
		}
	}
	p.Metrics.InVain(len(h.victims))
	klog.FromContext(ctx).Info("Pods were preempted in vain", "gang", key, "victims", len(h.victims), "planned", h.pins)
}

// carryOut holds the capacity of a plan, and then has the victims go.
func (p *Preemption) carryOut(ctx context.Context, r request, taker ledger.Taker, plan view.RoomPlan, now time.Time) *hold {
	key := r.task.Gang
	h := &hold{
		pins: plan.Pins, decided: now, asked: now, priority: taker.Priority, starts: p.Ledger.Starts(), gangs: map[gang.Key]gang.ByWhy{},
	}
	if key.Convention == "" {
		h.pod = r.pod
	}
	for _, m := range plan.Members {
		h.members = append(h.members, gang.Ref{Namespace: m.Pod.Namespace, Name: m.Pod.Name, UID: string(m.Pod.UID)})
	}
	for _, pod := range plan.Leaving {
		h.leaving = append(h.leaving, refOf(pod))
	}
	units := unitsOf(plan)
	reasons, because := map[gang.PreemptReason]int{}, p.Ledger.PreemptedFor(taker, units, now)
	for _, v := range plan.Victims {
		why := because[v.Unit]
		if why.Pod {
			why.Gang = gang.Key{Namespace: v.Pod.Namespace, Name: v.Pod.Name}
		}
		h.victims = append(h.victims, dispatch.Victim{Ref: refOf(v.Pod), Because: why})
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

// awaits returns what a gang waits for, or nil if all victims are gone, one of them hangs, or a node of the gang is gone.
func (p *Preemption) awaits(h *hold, now time.Time) *gang.AwaitsWhy {
	if h.ended || h.broken {
		return nil
	}
	if !p.Dispatcher.NodesExist(h.pins) {
		h.broken = true
		return nil
	}
	pods, nodes := 0, map[string]struct{}{}
	count := func(ref gang.Ref) (hangs bool) {
		pod, err := p.Dispatcher.Pod(ref)
		if err != nil || pod == nil {
			return false
		}
		pods++
		nodes[pod.Spec.NodeName] = struct{}{}
		return pod.DeletionTimestamp != nil && now.Sub(pod.DeletionTimestamp.Time) > victimHangs
	}
	for i := range h.victims {
		h.broken = h.broken || count(h.victims[i].Ref)
	}
	for _, ref := range h.leaving {
		h.broken = h.broken || count(ref)
	}
	if h.broken || pods == 0 {
		return nil
	}
	return &gang.AwaitsWhy{Pods: pods, Nodes: len(nodes)}
}

// drop ends a hold. Members that were not started lose their nominated nodes.
func (p *Preemption) drop(ctx context.Context, key gang.Key, h *hold, started bool) {
	logger := klog.FromContext(ctx)
	delete(p.holds, key)
	p.tellFreed(p.Slots.Release(logger, key))
	p.Dispatcher.Perform(p.Ledger.Release(key))
	p.Ledger.PreemptionEnded(h.gangs)
	if started {
		p.Metrics.StartedAfterPreemption(time.Since(h.decided))
	} else {
		p.Dispatcher.Denominate(ctx, h.members)
	}
	logger.V(2).Info("No longer holding what preempted pods freed", "gang", key)
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
