// Package cycle schedules gangs: it runs the gang cycle, binds the members, and keeps the parked pods.
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
	// replans is how often one cycle plans a gang again because a Reserve plugin failed.
	replans = 3
	// sampledCycles is the percentage of gang cycles in which the framework records plugin metrics. kube-scheduler samples as many.
	sampledCycles = 10
	// noNodes is the reason for every gang in a cluster without nodes.
	noNodes = "the cluster has no node"
)

// Parts are what the gang cycle depends on.
type Parts struct {
	Ledger     *ledger.Ledger
	Dispatcher *dispatch.Dispatcher
	Slots      *slots.Held
	Metrics    *metrics.Metrics
	// Planner returns the planner for a profile and a gang's convention, or nil.
	Planner func(schedulerName, convention string) *view.Planner
	// Gate is the name of the plugin reported as the one that rejected a member.
	Gate string
}

// Cycle schedules a gang as one transaction. In one step of the scheduling loop, it reserves nodes for all members, or for none. It binds
// no member before the volumes and devices of all members are ready.
type Cycle struct {
	sched      *scheduler.Scheduler
	parked     *ParkedPods
	preemption *Preemption
	Parts
}

// New returns the gang cycle of a scheduler. Pods that it parks wait in parked, outside the scheduling queue.
func New(sched *scheduler.Scheduler, parked *ParkedPods, preemption *Preemption, parts Parts) *Cycle {
	return &Cycle{sched: sched, parked: parked, preemption: preemption, Parts: parts}
}

// attempt is one attempt to schedule a gang.
type attempt struct {
	framework framework.Framework
	planner   *view.Planner
	snapshot  *internalcache.Snapshot
	// popped is the member that the scheduling queue returned; it stands for its gang.
	popped *framework.QueuedPodInfo
	asked  ledger.Answer
	// group lets members share the devices and volumes allocated to one of them.
	group fwk.PodGroupCycleState
	start time.Time
	// unfit says that the last plan failed.
	unfit bool
	// sampled says that the framework records plugin metrics in this cycle.
	sampled bool
	// decisions are the ledger's. The dispatcher performs them at the end, because they may activate the popped pod, which must be parked
	// first.
	decisions []gang.Decision
}

// Schedule runs the gang cycle for the pod that the scheduling queue returned. It returns false if the pod must be scheduled as a single
// pod.
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
	if a.asked.Beyond {
		c.makeRoomWithin(ctx, a)
		return true
	}
	if a.asked.Scout != nil && !c.look(a) {
		c.refuse(ctx, a, c.Ledger.Why(popped.Pod.UID)) // what changed is not enough, or enough for one that goes first
		return true
	}
	members, found, finding := c.planAndReserve(ctx, a)
	if finding != nil {
		c.makeRoom(ctx, a, finding)
		c.doesNotFit(ctx, a, *finding)
		return true
	}
	if !c.commit(ctx, a, members, found) || !c.permit(ctx, a, members) {
		return true
	}
	go c.bind(ctx, a, members)
	return true
}

// begin starts an attempt. single is true if the pod must be scheduled as a single pod, because it has no gang or joins a running one.
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

// look reports whether a plan for the scout's gang may succeed now, and is its turn. It compares what changed with the shortage of every
// parked gang, so that the scheduler plans only gangs that may fit.
func (c *Cycle) look(a *attempt) bool {
	found, enough := a.planner.Enough(*a.asked.Scout)
	var lacking []ledger.Lacking
	for _, parked := range c.Ledger.Parked() {
		if found, enough := a.planner.Enough(parked); !enough {
			lacking = append(lacking, ledger.Lacking{Key: parked.Key, Found: found})
		}
	}
	goes, decisions := c.Ledger.Looked(a.popped.Pod.UID, enough, found, lacking)
	a.decisions = append(a.decisions, decisions...)
	return goes
}

// planAndReserve finds a node for each member and reserves it. If a Reserve plugin fails, it unreserves all members, excludes that node for
// that member, and plans again, up to replans times. If the gang does not fit or cannot be reserved, it returns the reason as a finding.
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
			a.unfit = err == nil
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

// takeSnapshot updates the profile's snapshot from the scheduler's cache. It returns why no plan can be made, or nil.
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

// makeRoom preempts others for a gang whose plan failed, and notes what the gang then waits for.
func (c *Cycle) makeRoom(ctx context.Context, a *attempt, finding *gang.Finding) {
	if a.unfit {
		finding.Awaits, _ = c.preemption.makeRoom(ctx, request{task: a.asked.Task, pod: a.popped.Pod, planner: a.planner})
	}
}

// makeRoomWithin preempts others for a gang that would lead beyond a limit of its queues.
func (c *Cycle) makeRoomWithin(ctx context.Context, a *attempt) {
	awaits, _ := c.preemption.makeRoom(ctx, request{task: a.asked.Task, pod: a.popped.Pod, planner: a.planner})
	if awaits != nil {
		c.doesNotFit(ctx, a, gang.Finding{Awaits: awaits, Shortage: gang.Shortage{Missing: a.asked.Task.Need}})
		return
	}
	answer := c.Ledger.StaysBeyond(a.popped.Pod.UID)
	a.decisions = append(a.decisions, answer.Decisions...)
	c.refuse(ctx, a, answer.Why)
}

// doesNotFit ends an attempt that holds nothing. The gang is parked until a change may help.
func (c *Cycle) doesNotFit(ctx context.Context, a *attempt, why gang.Finding) {
	answer := c.Ledger.Unfit(a.popped.Pod.UID, why)
	a.decisions = append(a.decisions, answer.Decisions...)
	c.refuse(ctx, a, answer.Why)
}

// refuse parks the popped pod again.
func (c *Cycle) refuse(ctx context.Context, a *attempt, why gang.Explanation) {
	schedulermetrics.SchedulingAlgorithmLatency.Observe(schedulermetrics.SinceInSeconds(a.start))
	c.sched.FailureHandler(ctx, a.framework, a.popped, fitError(a.popped.Pod, "", fwk.NewStatus(
		fwk.UnschedulableAndUnresolvable, events.Sentence(why)).WithPlugin(c.Gate)), noNomination(), a.start)
}

// commit records the reservations in the ledger. If the gang has changed since it was planned, commit unreserves all members and returns
// false.
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

// permit runs the Permit plugins for every member. Our plugin allows all of them, because min-available members are reserved. Another
// plugin may let members wait, or reject one: then permit unreserves all of them and returns false.
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

// activate moves pods to the active queue that plugins asked for during the member's cycle.
func (c *Cycle) activate(ctx context.Context, m *reserved) {
	if len(m.toActivate.Map) > 0 {
		c.sched.SchedulingQueue.Activate(klog.FromContext(ctx), m.toActivate.Map)
		m.toActivate.Map = map[string]*corev1.Pod{}
	}
}

// fitError returns the status that kube-scheduler reports for a pod that does not fit.
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

// noNomination clears the pod's nominated node.
func noNomination() *fwk.NominatingInfo {
	return &fwk.NominatingInfo{NominatingMode: fwk.ModeOverride, NominatedNodeName: ""}
}
