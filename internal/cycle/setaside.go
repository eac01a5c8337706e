package cycle

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/setaside"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

const (
	// asideShare limits what setting capacity aside costs: the pause after it is so many times as long as it took.
	asideShare = 20
	// asidePause is the shortest pause while somebody has been passed by for too long.
	asidePause = 10 * time.Millisecond
	// asideRefresh is how often what is set aside is planned again even if nothing changed.
	asideRefresh = 10 * time.Second
	// hopelessPause is how long a gang is left alone for which no capacity could be set aside.
	hopelessPause = 30 * time.Second
	// triesMost is how often a gang for which all capacity is free is tried. Something else then keeps it from starting.
	triesMost = 5
	// idlePause is how long no pod must have been popped before a gang is put into the queue to have its capacity planned again.
	idlePause = time.Second
)

//nolint:gochecknoglobals // a constant
var never = time.Unix(1<<40, 0)

// SetAside sets capacity aside for gangs that have been passed by for too long, one in each pool. A pod without a gang is a gang of one.
//
// It works on the scheduling goroutine, between the moment when a pod was popped and its snapshot, because it plans. Everything follows
// from the cluster as it is, so there is nothing to restore after a restart.
type SetAside struct {
	sched      *scheduler.Scheduler
	preemption *Preemption
	Parts

	mu sync.Mutex
	// ours are the gangs that capacity is set aside for. due are those that have been passed by for too long, the first ones in order.
	ours map[gang.Key]*beneficiary
	due  []ledger.Waiting
	// behind are those that wait behind ours.
	behind behind
	// seen is the number of changes that the last plans took into account. The next ones are not made before next, and are made at
	// refresh at the latest.
	seen          uint64
	next, refresh time.Time
	// hopeless are the gangs for which no capacity could be set aside, and until when they are left alone.
	hopeless map[gang.Key]time.Time
	// popped is when a pod was popped last, zero before the first.
	popped time.Time
}

// beneficiary is a gang that capacity is set aside for.
type beneficiary struct {
	setaside.Aside
	// tried is when it was last put into the queue because it fits, and tries how often since it fits.
	tried time.Time
	tries int
}

// NewSetAside returns a SetAside that sets nothing aside yet.
func NewSetAside(sched *scheduler.Scheduler, preemption *Preemption, parts Parts) *SetAside {
	s := &SetAside{
		sched: sched, preemption: preemption, Parts: parts, ours: map[gang.Key]*beneficiary{}, hopeless: map[gang.Key]time.Time{},
		behind: behind{pools: map[gang.Key]knownPool{}}, refresh: never,
	}
	s.Slots.Using(s.uses)
	return s
}

// Before prepares the scheduling cycle of a pod that was just popped. Until the next call, the pod may use what is set aside for it, and
// what it may use of what is set aside for others.
func (s *SetAside) Before(ctx context.Context, popped *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.popped = now
	s.tidy(ctx)
	if s.mustPlan(now) {
		s.plan(ctx, now)
	}
	if s.any() {
		s.liftFor(ctx, popped, now)
	}
}

// tidy lets go of what is held or set aside for gangs that do not wait any more. The last cycle may not use the rest any more.
func (s *SetAside) tidy(ctx context.Context) {
	if s.any() {
		s.prune(ctx)
		s.preemption.Prune(ctx)
		s.preemption.Unnominate(s.sched.SchedulingQueue.DeleteNominatedPodIfExists)
		s.Slots.Restore(klog.FromContext(ctx))
	}
}

// any reports whether anything is set aside, or held for gangs that preempted others.
func (s *SetAside) any() bool { return len(s.ours) > 0 || !s.preemption.None() }

// mustPlan reports whether what to set aside has to be planned now.
func (s *SetAside) mustPlan(now time.Time) bool {
	if now.Before(s.next) {
		return false
	}
	return !now.Before(s.Ledger.DueAt()) || !now.Before(s.refresh) || len(s.due) > 0 && s.Ledger.Freed() != s.seen
}

// plan decides for whom capacity is set aside, and on which nodes.
func (s *SetAside) plan(ctx context.Context, now time.Time) {
	logger := klog.FromContext(ctx)
	s.seen = s.Ledger.Freed()
	s.findDue(now)
	s.Slots.Lift(logger, func(key gang.Key) bool { return !s.preemption.Holds(key) })
	chosen := map[gang.Key]struct{}{}
	var pools setaside.Pools
	for i := range s.due {
		key := s.due[i].Key
		if s.isHopeless(key, now) || s.preemption.Holds(key) {
			continue
		}
		waiting, waits := s.Ledger.StillWaits(key)
		if !waits {
			continue
		}
		plan, nodes, found := s.planFor(ctx, waiting, &pools, now)
		if found && s.setAside(ctx, waiting, plan, now) {
			chosen[key] = struct{}{}
			pools.Take(plan.Pool)
		}
		if pools.Size() >= nodes || len(chosen) == oursMost {
			break
		}
	}
	for key := range s.ours {
		if _, still := chosen[key]; !still {
			s.letGo(ctx, key)
		}
	}
	s.Slots.Restore(logger)
	took := time.Since(now)
	pause := asideShare * took
	if len(s.due)+len(s.hopeless) > 0 {
		pause = max(pause, asidePause)
	}
	s.next = now.Add(took + pause)
	logger.V(2).Info("Planned capacity to set aside", "gangs", len(s.ours), "waiting", len(s.due), "took", took)
}

// isHopeless reports whether the gang is left alone, because no capacity could be set aside for it.
func (s *SetAside) isHopeless(key gang.Key, now time.Time) bool {
	until, hopeless := s.hopeless[key]
	return hopeless && now.Before(until)
}

// planFor plans the capacity to set aside for one gang. It also returns the number of nodes in the cluster.
func (s *SetAside) planFor(ctx context.Context, waiting ledger.Waiting, pools *setaside.Pools, now time.Time) (
	plan view.AsidePlan, nodes int, found bool,
) {
	planner := s.Planner(waiting.Scheduler, waiting.Key.Convention)
	if planner == nil {
		return plan, 1, false
	}
	snapshot, ok := planner.Framework.SnapshotSharedLister().(*internalcache.Snapshot)
	if !ok {
		return plan, 1, false
	}
	logger := klog.FromContext(ctx)
	if err := s.sched.Cache.UpdateSnapshot(logger, snapshot); err != nil {
		logger.Error(err, "Failed to take a snapshot of the cluster to set capacity aside")
		return plan, 1, false
	}
	taken := false
	plan, found, err := planner.SetAside(ctx, view.AsideRequest{
		Task: waiting.Task, Now: now, Aside: s.Slots.AsideFor(waiting.Key),
		Free: func(pool []string) bool {
			if taken = !pools.Free(pool); taken && s.behind.add(waiting.Key, pool, now) {
				s.refresh = now // there is room for another one among those that are looked at
			}
			return !taken
		},
		GangOf: func(pod *corev1.Pod) (gang.Key, bool) { return s.Ledger.GangOf(pod.UID) },
	})
	if err != nil {
		logger.Error(err, "Failed to plan capacity to set aside", "gang", waiting.Key)
	}
	if !found && !taken {
		s.giveUp(waiting.Key, now)
	}
	return plan, snapshot.NumNodesInPlacement(), found
}

// giveUp leaves the gang alone for a while, so that others are looked at.
func (s *SetAside) giveUp(key gang.Key, now time.Time) {
	s.hopeless[key] = now.Add(hopelessPause)
	s.refresh = now
}

// setAside carries out a plan. It returns false if the gang was tried in vain too often.
func (s *SetAside) setAside(ctx context.Context, waiting ledger.Waiting, plan view.AsidePlan, now time.Time) bool {
	key, logger := waiting.Key, klog.FromContext(ctx)
	aside := setaside.Aside{CouldStart: plan.CouldStart}
	b := s.ours[key]
	if b == nil {
		b = &beneficiary{}
		s.ours[key] = b
		logger.Info("Setting capacity aside", "gang", key, "free", plan.Held, "of", len(plan.Slots))
	} else {
		aside = b.Renew(aside, plan.Anew)
	}
	b.Aside = aside
	switch {
	case !plan.Fits():
		b.tries = 0
	case now.Sub(b.tried) < idlePause:
	case b.tries == triesMost:
		s.giveUp(key, now)
		return false
	default:
		b.tried = now
		b.tries++
		s.Dispatcher.Perform(s.Ledger.Try(key))
	}
	s.tellFreed(s.Slots.SetAside(logger, key, plan.Slots))
	why := &gang.SetAsideWhy{Held: plan.Held, Of: len(plan.Slots)}
	if plan.After != "" {
		why.In, why.After = rounded(plan.Ends.Sub(now)), plan.After
	}
	s.Dispatcher.Perform(s.Ledger.SetAside(key, why))
	return true
}

// rounded keeps estimates from changing all the time.
func rounded(d time.Duration) time.Duration {
	if d >= 2*time.Minute {
		return d.Round(time.Minute)
	}
	return d.Round(10 * time.Second)
}

// letGo sets nothing aside for the gang any more.
func (s *SetAside) letGo(ctx context.Context, key gang.Key) {
	logger := klog.FromContext(ctx)
	delete(s.ours, key)
	s.refresh = time.Time{} // another one of its pool may be next
	s.Dispatcher.Perform(s.Ledger.SetAside(key, nil))
	if !s.preemption.Holds(key) { // otherwise what is held has replaced what was set aside
		s.tellFreed(s.Slots.Release(logger, key))
	}
	logger.Info("No longer setting capacity aside", "gang", key)
}

// tellFreed lets others have what is free again on these nodes.
func (s *SetAside) tellFreed(nodes []string) {
	if len(nodes) == 0 {
		return
	}
	decisions := []gang.Decision{gang.Freed{}}
	for i, node := range nodes {
		if i == 0 || node != nodes[i-1] {
			decisions = append(decisions, s.Ledger.CapacityChanged(node, "")...)
			s.seen++ // it is no news
		}
	}
	s.Dispatcher.Perform(decisions)
}

// prune lets go of what is set aside for gangs that do not wait any more, so that nothing is planned for them either.
func (s *SetAside) prune(ctx context.Context) {
	for key := range s.ours {
		if !s.Ledger.Waits(key) {
			s.letGo(ctx, key)
			s.due = slices.DeleteFunc(s.due, func(w ledger.Waiting) bool { return w.Key == key })
		}
	}
}

// liftFor lets the popped pod use what it may.
func (s *SetAside) liftFor(ctx context.Context, popped *corev1.Pod, now time.Time) {
	asker := s.Ledger.Asks(popped)
	s.Slots.Lift(klog.FromContext(ctx), func(of gang.Key) bool {
		if asker.TakesSlot || of == asker.Key {
			return true
		}
		outranks := s.Ledger.Outranks(asker, of)
		if s.preemption.Holds(of) {
			if outranks {
				s.preemption.lend(of, asker.Key)
			}
			return outranks || s.preemption.lent(of, asker.Key) // what its queue uses may have changed since it was planned
		}
		b := s.ours[of]
		return b != nil && b.Admits(setaside.User{Outranks: outranks, Runtime: asker.Runtime}, now)
	})
}

// uses reports whether a parked gang may use what is set aside for another one.
func (s *SetAside) uses(key, of gang.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.preemption.Holds(of) {
		asker, waits := s.Ledger.AsksFor(key)
		return waits && s.Ledger.Outranks(asker, of)
	}
	b, now := s.ours[of], time.Now()
	if b == nil {
		return false
	}
	asker, waits := s.Ledger.AsksFor(key)
	if !waits {
		return false
	}
	return b.Admits(setaside.User{Outranks: s.Ledger.Outranks(asker, of), Runtime: asker.Runtime}, now)
}
