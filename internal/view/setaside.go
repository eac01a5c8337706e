package view

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

const (
	// hangs is how long after its grace period a pod that is being deleted is not waited for any more.
	hangs = 2 * time.Minute
	// checkedEnds is how many ends are checked at most to find the latest one that a gang really waits for.
	checkedEnds = 8
)

// AsideRequest is what Planner.SetAside needs to know.
type AsideRequest struct {
	Task gang.Task
	Now  time.Time
	// Aside are the nodes on which capacity is set aside for the gang already. Their placeholders must not be in the snapshot.
	Aside []string
	// Free reports whether capacity may be set aside for the gang that could use these nodes: no other gang could.
	Free func(pool []string) bool
	// GangOf returns the gang that a pod belongs to, and false if it has none.
	GangOf func(pod *corev1.Pod) (gang.Key, bool)
}

// AsidePlan is the capacity to set aside for a gang.
type AsidePlan struct {
	// Pool are the nodes that a member of the gang could use.
	Pool []string
	// Slots are the pieces of capacity, one for each member that the gang needs. Of Held of them the capacity is free now.
	Slots []slots.Aside
	Held  int
	// After names the gang or pod that ends last before the gang starts, and Ends is when. After is empty if the end of one that the gang
	// waits for is unknown.
	After string
	Ends  time.Time
	// CouldStart is the earliest time at which the gang could start. It is zero if nothing about it is known, or if it could start now.
	CouldStart time.Time
	// Anew says that a node is gone on which capacity was set aside.
	Anew bool
}

// Fits reports whether the gang waits for nothing: all capacity is free.
func (p AsidePlan) Fits() bool { return p.Held == len(p.Slots) }

// SetAside finds the capacity to set aside for a gang that does not fit: it plans the gang, with all filters, on the hypothesis that as few
// as possible of the running pods have ended. It returns false if no capacity can be set aside: the gang would not fit even then, or
// another gang of its pool comes first.
func (p *Planner) SetAside(ctx context.Context, r AsideRequest) (AsidePlan, bool, error) {
	task := r.Task
	team, _ := p.teamFor(ctx, task)
	if len(team.pods) < task.Need || team.lacks {
		return AsidePlan{}, false, nil
	}
	v, err := p.viewFor(ctx, task, team, nil)
	if err != nil {
		return AsidePlan{}, false, err
	}
	defer v.release()
	if task.DeclaredMembers() > 0 &&
		p.Slots.BeyondShare(p.Framework.ProfileName(), task.Gang.Namespace, task.Roles, slots.Total(v.snapshot)) != "" {
		return AsidePlan{}, false, nil
	}
	w := &search{view: v, request: r, ledger: p.Ledger}
	w.findPool()
	if v.err != nil {
		return AsidePlan{}, false, fmt.Errorf("finding the nodes for gang %s: %w", task.Gang, v.err)
	}
	if len(w.pool) == 0 || !r.Free(w.names()) {
		return AsidePlan{}, false, nil
	}
	ended, found := w.find()
	if v.err != nil {
		return AsidePlan{}, false, fmt.Errorf("planning capacity to set aside for gang %s: %w", task.Gang, v.err)
	}
	if !found {
		return AsidePlan{}, false, nil
	}
	plan := w.plan(ended)
	if v.err != nil {
		return AsidePlan{}, false, fmt.Errorf("planning capacity to set aside for gang %s: %w", task.Gang, v.err)
	}
	return plan, true, nil
}
