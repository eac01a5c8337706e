// Package cycle schedules gangs: the gang cycle, the binding of its members, and the pods that are parked meanwhile.
package cycle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

const (
	// replans is how many times a gang is planned again in one cycle because a plugin refused to reserve what the plan chose.
	replans = 3
	// sampledCycles is the percentage of gang cycles in which the framework measures each plugin, as kube-scheduler samples its own.
	sampledCycles = 10
	// noNodes is why nothing can be planned in a cluster without nodes.
	noNodes = "the cluster has no node"
)

// Parts are what gang cycles work with.
type Parts struct {
	Ledger     *ledger.Ledger
	Dispatcher *dispatch.Dispatcher
	Slots      *slots.Held
	Metrics    *metrics.Metrics
	// Planner returns the planner of a gang's convention in a profile, or nil.
	Planner func(schedulerName, convention string) *view.Planner
	// Gate is the name of the plugin that members are refused by.
	Gate string
}

// Cycle schedules gangs. A gang is one transaction: a node is found and reserved for all of its members, or for none, in one step
// of the scheduling loop; and no member is bound before all volumes and devices of all are ready.
type Cycle struct {
	sched  *scheduler.Scheduler
	parked *ParkedPods
	Parts
}

// New returns the gang cycle of a scheduler. The pods that it parks wait outside of the scheduler's queue.
func New(sched *scheduler.Scheduler, parked *ParkedPods, parts Parts) *Cycle {
	return &Cycle{sched: sched, parked: parked, Parts: parts}
}

// attempt is one attempt to schedule a gang.
type attempt struct {
	framework framework.Framework
	planner   *view.Planner
	snapshot  *internalcache.Snapshot
	// popped is the member that the scheduling queue returned; it stands for its gang.
	popped *framework.QueuedPodInfo
	asked  ledger.Answer
	// group makes members share the devices and volumes that one of them was given.
	group fwk.PodGroupCycleState
	start time.Time
	// sampled says that the framework measures each plugin in this cycle.
	sampled bool
	// decisions are the ledger's. They are performed at the end: they may activate the popped pod, which has to be parked before.
	decisions []gang.Decision
}

// Schedule runs the gang cycle for the pod that the scheduling queue returned. It returns false if the pod is to be scheduled by itself.
func (c *Cycle) Schedule(ctx context.Context, popped *framework.QueuedPodInfo) bool {
	a, single := c.begin(popped)
	if single {
		return false
	}
	defer func() { c.Dispatcher.Perform(a.decisions) }()
	if a.asked.Verdict == gang.Refuse {
		c.refuse(ctx, a, a.asked.Why)
		return true
	}
	if finding := c.takeSnapshot(ctx, a); finding != nil {
		c.doesNotFit(ctx, a, *finding)
		return true
	}
	if a.asked.Scout != nil && !c.look(a) {
		c.refuse(ctx, a, c.Ledger.Why(popped.Pod.UID)) // what changed is not enough
		return true
	}
	members, found, finding := c.planAndReserve(ctx, a)
	if finding != nil {
		c.doesNotFit(ctx, a, *finding)
		return true
	}
	if !c.commit(ctx, a, members, found) || !c.permit(ctx, a, members) {
		return true
	}
	go c.bind(ctx, a, members)
	return true
}

// begin begins an attempt, unless the pod is to be scheduled by itself: it has no gang, or joins one that runs.
func (c *Cycle) begin(popped *framework.QueuedPodInfo) (a *attempt, single bool) {
	pod := popped.Pod
	f := c.sched.Profiles[pod.Spec.SchedulerName]
	if f == nil || pod.DeletionTimestamp != nil || !c.Ledger.Member(pod.UID) {
		return nil, true
	}
	if assumed, err := c.sched.Cache.IsAssumedPod(pod); err != nil || assumed {
		return nil, true // ScheduleOne skips it
	}
	a = &attempt{framework: f, popped: popped, start: time.Now(), sampled: rand.IntN(100) < sampledCycles} //nolint:gosec // it samples
	a.asked = c.Ledger.Begin(pod)
	if a.asked.Verdict == gang.Go {
		c.Dispatcher.Perform(a.asked.Decisions)
		return nil, true
	}
	a.decisions = a.asked.Decisions
	a.planner = c.Planner(pod.Spec.SchedulerName, c.Ledger.Convention(pod.UID))
	return a, false
}

// look says whether a plan for the scout may succeed now. What changed is compared to what every gang lacked that is parked, so that a plan
// is made only for one that may succeed.
func (c *Cycle) look(a *attempt) bool {
	found, enough := a.planner.Enough(*a.asked.Scout)
	var lacking []ledger.Lacking
	for _, parked := range c.Ledger.Parked() {
		if found, enough := a.planner.Enough(parked); !enough {
			lacking = append(lacking, ledger.Lacking{Key: parked.Key, Found: found})
		}
	}
	a.decisions = append(a.decisions, c.Ledger.Looked(a.popped.Pod.UID, enough, found, lacking)...)
	return enough
}

// planAndReserve finds a node for each member and reserves it. If a plugin refuses to reserve, nothing stays reserved, and another plan
// is made without that node for that member. After some plans, or without any, it returns why.
func (c *Cycle) planAndReserve(ctx context.Context, a *attempt) ([]*reserved, gang.Planned, *gang.Finding) {
	task, excluded := a.asked.Task, view.Exclusions{}
	for try := 0; ; try++ {
		began := time.Now()
		found, err := a.planner.Plan(ctx, task, excluded)
		if err != nil {
			found.Finding = &gang.Finding{Detail: err.Error(), Shortage: gang.Shortage{Anything: true}}
		}
		c.Metrics.Planned(time.Since(began), len(task.Members)+task.DeclaredMembers(), found.Finding == nil)
		klog.FromContext(ctx).V(2).Info("Planned gang", "gang", task.Gang, "members", len(task.Members),
			"need", task.Need, "placed", len(found.Pins), "took", time.Since(began))
		if found.Finding != nil {
			return nil, gang.Planned{}, found.Finding
		}
		members := c.members(a, found)
		refused := c.reserveAll(ctx, a, members)
		if refused == nil {
			return members, found.Planned, nil
		}
		if try == replans {
			detail := fmt.Sprintf("pod %s on node %s: %s", refused.pod.Name, refused.node, refused.status.Message())
			return nil, gang.Planned{}, &gang.Finding{Fit: len(members) - 1, Detail: detail, Shortage: gang.Shortage{Anything: true}}
		}
		excluded.Add(refused.pod.UID, refused.node)
	}
}

// takeSnapshot brings the snapshot of the profile up to the scheduler's cache. It returns why no plan can be made, or nil.
func (c *Cycle) takeSnapshot(ctx context.Context, a *attempt) *gang.Finding {
	snapshot, ok := a.framework.SnapshotSharedLister().(*internalcache.Snapshot)
	if !ok {
		return &gang.Finding{Detail: fmt.Sprintf("the profile's snapshot is a %T", a.framework.SnapshotSharedLister())}
	}
	a.snapshot = snapshot
	if err := c.sched.Cache.UpdateSnapshot(klog.FromContext(ctx), snapshot); err != nil {
		return &gang.Finding{Detail: "taking a snapshot of the cluster: " + err.Error(), Shortage: gang.Shortage{Anything: true}}
	}
	if snapshot.NumNodesInPlacement() == 0 {
		return &gang.Finding{Detail: noNodes, Shortage: gang.Shortage{Missing: a.asked.Task.Need}}
	}
	return nil
}

// doesNotFit ends an attempt that holds nothing: the gang is parked until something changes that may help.
func (c *Cycle) doesNotFit(ctx context.Context, a *attempt, why gang.Finding) {
	answer := c.Ledger.Unfit(a.popped.Pod.UID, why)
	a.decisions = append(a.decisions, answer.Decisions...)
	c.refuse(ctx, a, answer.Why)
}

// refuse returns the popped pod to the parked ones.
func (c *Cycle) refuse(ctx context.Context, a *attempt, why gang.Explanation) {
	schedulermetrics.SchedulingAlgorithmLatency.Observe(schedulermetrics.SinceInSeconds(a.start))
	c.sched.FailureHandler(ctx, a.framework, a.popped, fitError(a.popped.Pod, "", fwk.NewStatus(
		fwk.UnschedulableAndUnresolvable, events.Sentence(why)).WithPlugin(c.Gate)), noNomination(), a.start)
}

// commit makes what is reserved the gang's. It returns false, and gives everything back, if the gang has changed since it was planned.
func (c *Cycle) commit(ctx context.Context, a *attempt, members []*reserved, found gang.Planned) bool {
	c.parked.take(members, a.popped.Pod.UID)
	committed, decisions := c.Ledger.Commit(a.popped.Pod.UID, found)
	a.decisions = append(a.decisions, decisions...)
	if !committed {
		c.unreserve(ctx, a, members)
		c.parked.putBack(members, a.popped.Pod.UID)
		c.refuse(ctx, a, c.Ledger.Why(a.popped.Pod.UID))
		return false
	}
	c.Slots.Follow(klog.FromContext(ctx))
	if !slices.ContainsFunc(members, func(m *reserved) bool { return m.pod.UID == a.popped.Pod.UID }) {
		c.refuse(ctx, a, c.Ledger.Why(a.popped.Pod.UID)) // it joins the gang later
	}
	return true
}

// permit asks the Permit plugins for every member. Ours lets all of them go, because min-available are reserved. Another plugin may make
// members wait, or refuse one: then all give everything back.
func (c *Cycle) permit(ctx context.Context, a *attempt, members []*reserved) bool {
	schedulermetrics.SchedulingAlgorithmLatency.Observe(schedulermetrics.SinceInSeconds(a.start))
	for i, m := range members {
		wait, status := a.framework.RunPermitPlugins(ctx, m.state, m.assumed, m.node)
		switch {
		case status.IsWait():
			a.framework.AddWaitingPod(m.assumed, wait)
		case !status.IsSuccess():
			c.giveBack(ctx, a, members, i, status)
			return false
		}
		c.activate(ctx, m)
	}
	return true
}

// activate puts the pods into the scheduling queue that plugins asked for in the member's cycle.
func (c *Cycle) activate(ctx context.Context, m *reserved) {
	if len(m.toActivate.Map) > 0 {
		c.sched.SchedulingQueue.Activate(klog.FromContext(ctx), m.toActivate.Map)
		m.toActivate.Map = map[string]*corev1.Pod{}
	}
}

// fitError is what kube-scheduler reports for a pod that does not fit.
func fitError(pod *corev1.Pod, node string, status *fwk.Status) *fwk.Status {
	fit := &framework.FitError{
		Pod: pod, NumAllNodes: 1, Diagnosis: framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()},
	}
	if node == "" {
		fit.Diagnosis.PreFilterMsg = status.Message()
	} else {
		fit.Diagnosis.NodeToStatus.Set(node, status)
	}
	fit.Diagnosis.AddPluginStatus(status)
	return fwk.NewStatus(status.Code()).WithError(fit)
}

// noNomination removes the pod's nominated node.
func noNomination() *fwk.NominatingInfo {
	return &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: ""}
}
