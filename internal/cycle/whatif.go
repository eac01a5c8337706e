package cycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/setaside"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// WhatIf answers what would happen if pods were created, or if a gang that waits were tried now: with the rules, the planner and the
// snapshot of a scheduling cycle, but it writes nothing. It must not run during a scheduling cycle.
type WhatIf struct {
	Parts
	sched *scheduler.Scheduler
	aside *SetAside
}

// NewWhatIf returns a WhatIf.
func NewWhatIf(sched *scheduler.Scheduler, aside *SetAside, parts Parts) *WhatIf {
	return &WhatIf{Parts: parts, sched: sched, aside: aside}
}

// hypothesis is a question while it is answered.
type hypothesis struct {
	*ledger.Supposed
	pods    []*corev1.Pod
	planner *view.Planner
	now     time.Time
	answer  answers.Forecast
}

// Ask returns what would happen if these pods were created now, as one gang, or as a pod without one. Their names and UIDs must be those of
// no pod. The error says why the question cannot be answered.
func (w *WhatIf) Ask(ctx context.Context, pods []*corev1.Pod) (answers.Forecast, error) {
	w.tidy(ctx)
	supposed, err := w.Ledger.Suppose(pods, w.Slots.Holding())
	if err != nil {
		return answers.Forecast{}, err
	}
	return w.answer(ctx, newHypothesis(supposed, pods))
}

// AskWaiting returns what would happen to a gang that exists, and of which no pod has a node, if it were tried now. The error says why the
// question cannot be answered; it wraps ledger.ErrNoGang if there is no such gang.
func (w *WhatIf) AskWaiting(ctx context.Context, namespace, name string) (answers.Forecast, error) {
	w.tidy(ctx)
	supposed, err := w.Ledger.SupposeWaiting(namespace, name, w.Slots.Holding())
	if err != nil {
		return answers.Forecast{}, err
	}
	var pods []*corev1.Pod
	for _, ref := range supposed.Task.Members {
		pod, err := w.Dispatcher.Pod(ref)
		switch {
		case err != nil:
			return answers.Forecast{}, fmt.Errorf("looking up pod %s: %w", ref.Name, err)
		case pod == nil:
		case ref.UID == supposed.Planner:
			pods = slices.Insert(pods, 0, pod)
		default:
			pods = append(pods, pod)
		}
	}
	h := newHypothesis(supposed, pods)
	if awaits, pins, holds := w.aside.preemption.awaited(supposed.Key); holds {
		h.awaits(awaits, pins)
		return h.answer, nil
	}
	if len(pods) == 0 && supposed.Why.Kind == "" {
		return answers.Forecast{}, fmt.Errorf("the pods of gang %s are gone", supposed.Key)
	}
	return w.answer(ctx, h)
}

// tidy lets go of what is held for gangs that do not wait any more.
func (w *WhatIf) tidy(ctx context.Context) {
	w.aside.mu.Lock()
	defer w.aside.mu.Unlock()
	w.aside.tidy(ctx)
}

// newHypothesis returns the question with what is known of its answer.
func newHypothesis(supposed *ledger.Supposed, pods []*corev1.Pod) *hypothesis {
	h := &hypothesis{Supposed: supposed, pods: pods, now: time.Now()}
	h.answer = answers.Forecast{
		Outcome: answers.Waits, Namespace: supposed.Key.Namespace, Queue: supposed.Queue, Pods: supposed.Pods,
		MinAvailable: supposed.MinAvailable, Before: supposed.Before, At: h.now,
	}
	if supposed.Key.Convention != "" {
		h.answer.Gang = supposed.Key.Name
	}
	return h
}

// answer completes the answer.
func (w *WhatIf) answer(ctx context.Context, h *hypothesis) (answers.Forecast, error) {
	if h.Why.Kind != "" && !h.Beyond {
		if h.Refused {
			h.answer.Outcome = answers.Rejected
		}
		h.answer.Why = events.Sentence(h.Why)
		return h.answer, nil
	}
	if h.planner = w.Planner(h.Scheduler, h.Key.Convention); h.planner == nil {
		return answers.Forecast{}, fmt.Errorf("no profile with the schedulerName %q plans such gangs", h.Scheduler)
	}
	var err error
	w.suppose(ctx, h, func() { err = w.plan(ctx, h) })
	return h.answer, err
}

// suppose calls f while the planner finds the pods, and the gang may use what it may of what is held or set aside for others.
func (w *WhatIf) suppose(ctx context.Context, h *hypothesis, f func()) {
	logger := klog.FromContext(ctx)
	w.Slots.Lift(logger, func(of gang.Key) bool { return w.aside.admits(h.Supposed, of, h.now) })
	defer w.Slots.Restore(logger)
	byUID := make(map[string]*corev1.Pod, len(h.pods))
	for _, pod := range h.pods {
		byUID[string(pod.UID)] = pod
	}
	h.planner.Suppose(byUID, f)
}

// admits reports whether a gang, or pod, that is asked about may use what is held or set aside for this one.
func (s *SetAside) admits(supposed *ledger.Supposed, of gang.Key, now time.Time) bool {
	if of == supposed.Key {
		return true
	}
	outranks := supposed.Outranks(of)
	if s.preemption.Holds(of) {
		return outranks || s.preemption.lent(of, supposed.Key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.ours[of]
	return b != nil && b.Admits(setaside.User{Outranks: outranks, Runtime: supposed.Runtime}, now)
}

// plan plans as a gang cycle does, and answers.
func (w *WhatIf) plan(ctx context.Context, h *hypothesis) error {
	snapshot, ok := h.planner.Framework.SnapshotSharedLister().(*internalcache.Snapshot)
	if !ok {
		return errors.New("the profile has another kind of snapshot")
	}
	if err := w.sched.Cache.UpdateSnapshot(klog.FromContext(ctx), snapshot); err != nil {
		return fmt.Errorf("taking a snapshot of the cluster: %w", err)
	}
	finding := gang.Finding{Detail: noNodes, Shortage: gang.Shortage{Missing: h.Task.Need}}
	if snapshot.NumNodesInPlacement() > 0 && !h.Beyond {
		plan, err := h.planner.Plan(ctx, h.Task, nil)
		if err != nil {
			return err
		}
		if plan.Finding == nil {
			h.starts(plan, answers.Starts)
			h.answer.Why = fmt.Sprintf("%s would start now on %s", h.name(), events.Count(len(h.answer.Nodes), "node"))
			return nil
		}
		finding = *plan.Finding
	}
	if snapshot.NumNodesInPlacement() > 0 {
		room, found, err := w.aside.preemption.suppose(ctx, request{task: h.Task, pod: h.pods[0], planner: h.planner}, h.Taker, h.now)
		if err != nil {
			return err
		}
		if found {
			h.makesRoom(room)
			return nil
		}
	}
	if h.Beyond {
		h.answer.Why = events.Sentence(h.Why)
		return nil
	}
	why, shortage := h.Unfit(finding)
	h.answer.Why, h.answer.Shortage = events.Sentence(why), shortage
	return w.estimate(ctx, h)
}

// name names the gang, or the pod, in a sentence.
func (h *hypothesis) name() string {
	if h.answer.Gang == "" {
		return "the pod"
	}
	return "gang " + h.Key.String()
}

// starts answers with the nodes of a plan, and the domains that all of them are in.
func (h *hypothesis) starts(plan view.Plan, outcome answers.Outcome) {
	h.answer.Outcome = outcome
	on := map[string]int{}
	for _, pin := range plan.Pins {
		on[pin.Node]++
	}
	for _, slot := range plan.Slots {
		on[slot.Node]++
	}
	h.places(on)
	for _, key := range h.TopologyKeys(h.now) {
		if name, one := h.domain(key); one {
			h.answer.Domains = append(h.answer.Domains, gang.DomainStatus{Key: key, Name: name})
		}
	}
}

// places answers with how many pods would be on each node.
func (h *hypothesis) places(on map[string]int) {
	for node, pods := range on {
		h.answer.Nodes = append(h.answer.Nodes, answers.NodeShare{Name: node, Pods: pods})
		h.answer.Placed += pods
	}
	slices.SortFunc(h.answer.Nodes, func(a, b answers.NodeShare) int { return cmp.Compare(a.Name, b.Name) })
}

// awaits answers that pods were preempted for the gang already, and that it waits for them to end.
func (h *hypothesis) awaits(awaits *gang.AwaitsWhy, pins []gang.Pin) {
	h.answer.Outcome, h.answer.Terminating = answers.StartsAfterPreemption, awaits.Pods
	on := map[string]int{}
	for _, pin := range pins {
		on[pin.Node]++
	}
	h.places(on)
	why, _ := h.Unfit(gang.Finding{Awaits: awaits})
	h.answer.Why = events.Sentence(why)
}

// domain returns the domain that all nodes of the answer are in.
func (h *hypothesis) domain(key string) (name string, one bool) {
	for i, node := range h.answer.Nodes {
		info, err := h.planner.Framework.SnapshotSharedLister().NodeInfos().Get(node.Name)
		if err != nil {
			return "", false
		}
		value, labelled := info.Node().Labels[key]
		if !labelled || i > 0 && value != name {
			return "", false
		}
		name = value
	}
	return name, len(h.answer.Nodes) > 0
}

// makesRoom answers with a plan to preempt others.
func (h *hypothesis) makesRoom(plan view.RoomPlan) {
	h.starts(plan.Plan, answers.StartsAfterPreemption)
	for _, v := range plan.Victims {
		h.answer.Victims = append(h.answer.Victims, answers.Victim{
			Namespace: v.Pod.Namespace, Name: v.Pod.Name, Gang: v.Unit.Gang.Name, Node: v.Pod.Spec.NodeName,
			Priority: v.Unit.Priority, Reason: string(v.Unit.Reason),
		})
	}
	slices.SortFunc(h.answer.Victims, func(a, b answers.Victim) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	h.answer.BudgetsBroken, h.answer.Terminating = plan.Broken, len(plan.Leaving)
	h.answer.Why = fmt.Sprintf("%s would start on %s once %s been preempted", h.name(), events.Count(len(h.answer.Nodes), "node"),
		have(len(plan.Victims)))
	if len(plan.Leaving) > 0 {
		h.answer.Why += fmt.Sprintf(", and %s that %s being deleted already %s ended", events.Count(len(plan.Leaving), "pod"),
			is(len(plan.Leaving)), has(len(plan.Leaving)))
	}
}

func have(pods int) string { return events.Count(pods, "pod") + " " + has(pods) }

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

func is(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// estimate answers when a gang that does not fit is expected to start, if the pods that it waits for say how long they run.
func (w *WhatIf) estimate(ctx context.Context, h *hypothesis) error {
	plan, found, err := h.planner.SetAside(ctx, view.AsideRequest{
		Task: h.Task, Now: h.now, Aside: w.Slots.AsideFor(h.Key), Free: func([]string) bool { return true },
		GangOf: func(pod *corev1.Pod) (gang.Key, bool) { return w.Ledger.GangOf(pod.UID) },
	})
	if err != nil {
		return err
	}
	if found && plan.After != "" {
		h.answer.StartsAt, h.answer.After = plan.Ends, plan.After
	}
	return nil
}
