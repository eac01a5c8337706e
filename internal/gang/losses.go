package gang

import (
	"maps"
	"slices"
	"time"
)

const (
	// lossTime is how long a gang must have too few members before it is restarted as a whole: a missing member may turn out to have
	// succeeded.
	lossTime = time.Second
	// avoidTime is how long the gang avoids a node that rejected a member.
	avoidTime = time.Minute
)

// losses tracks the members that a running gang lost, and the response to that.
type losses struct {
	// avoided are the nodes that rejected a member, and until when to avoid them.
	avoided map[string]time.Time
	// whole is true if the running gang has had all the members that it needs.
	whole bool
	// shortSince is when a gang with restart policy WholeGang first had too few members. It is zero if it has enough.
	shortSince time.Time
	// evicting is why the rest is being evicted, empty if it is not. stays is true if the eviction was given up, so that others join
	// the running members.
	evicting Kind
	eviction eviction
	stays    bool
}

// Finished is a member whose pod ended. The pod still exists, but uses no capacity.
type Finished struct {
	UID, Name, Role, OwnerUID string
	// Index is the pod's completion index, if its controller is an Indexed Job.
	Index string
	// OwnedByPod is true if a pod created this one.
	OwnedByPod bool
	// Node is the node of the pod, empty if it was never bound.
	Node      string
	Succeeded bool
	// At is when it ended.
	At time.Time
	// RejectedBy is the node whose kubelet rejected the pod, and Reason the kubelet's reason.
	RejectedBy, Reason string
}

// Finish records a member that ended. A member that succeeded still counts for min-available. If the kubelet rejected it, the gang
// reports that and avoids the node for a while.
func (g *Gang) Finish(f Finished, now time.Time) []Decision {
	if _, known := g.finished[f.UID]; known {
		return nil
	}
	g.finished[f.UID] = f
	g.changed = now
	if g.ranked && len(g.counting.said) == 0 {
		g.countFinished(f)
	} else {
		g.counted = false
	}
	var decisions []Decision
	if m, known := g.members[f.UID]; known && m.started() && m.Node == "" && f.Node != "" {
		decisions = g.noteBound(m, now) // it ended before its bind was observed
	}
	if f.RejectedBy != "" && now.Sub(f.At) < avoidTime {
		g.avoided[f.RejectedBy] = now.Add(avoidTime)
		why := g.explanation(KindLost)
		why.Culprit, why.Node, why.Detail = f.Name, f.RejectedBy, f.Reason
		notified := []Ref{{Namespace: g.Key.Namespace, Name: f.Name, UID: f.UID}}
		if oldest := g.oldestBut(f.UID); oldest != nil {
			notified = append(notified, g.refs([]*member{oldest})...)
		}
		decisions = append(decisions, Notify{Members: notified, Explanation: why})
	}
	return append(decisions, g.settle(true, now)...)
}

// FinishedGone records that the pod of a finished member was deleted. A success still counts.
func (g *Gang) FinishedGone(uid string, now time.Time) []Decision {
	f, known := g.finished[uid]
	if !known {
		return nil
	}
	delete(g.finished, uid)
	g.keep(f, now)
	g.ranked, g.counted, g.changed = false, false, now
	return g.settle(true, now)
}

// Avoided returns the nodes that recently rejected a member.
func (g *Gang) Avoided(now time.Time) []string {
	var nodes []string
	for node, until := range g.avoided {
		if now.Before(until) {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// forgetAvoided lets members retry nodes whose avoidTime has passed: no other event activates them.
func (g *Gang) forgetAvoided(now time.Time) []Decision {
	before := len(g.avoided)
	maps.DeleteFunc(g.avoided, func(_ string, until time.Time) bool { return !now.Before(until) })
	if len(g.avoided) == before {
		return nil
	}
	g.retryAt = now
	return g.activate(g.where(func(m *member) bool { return m.pending() && !m.parked && !m.Gated && m.bindsTo == "" }), now)
}

func (g *Gang) oldestBut(uid string) *member {
	return g.oldest(func(m *member) bool { return m.UID != uid }) // its removal may not be observed yet
}

// countDone counts the members that succeeded in this run of the gang.
func (g *Gang) countDone() {
	g.done, g.doneOf, g.doneBy, g.creator = 0, map[string]int{}, map[string]int{}, ""
	if creator := g.declared.Creator(); creator != nil && g.tally.roles[creator.Name] > 0 {
		g.creator = creator.Name // a finished creator does not count as the current one
	}
	for _, f := range g.finished {
		g.countFinished(f)
	}
	g.countPast()
	g.countSaid()
}

// countFinished counts a succeeded member if it belongs to this run of the gang: its owner also owns a current member, or the
// oldest member existed before it ended. Others belong to an earlier gang of this name.
func (g *Gang) countFinished(f Finished) {
	if f.OwnedByPod && g.run.excludesOwner(f.OwnerUID) {
		return
	}
	ofThisRun := g.lines.owners[f.OwnerUID] > 0 || !g.age.IsZero() && g.age.Before(f.At)
	if f.Succeeded && ofThisRun && (g.creator == "" || f.Role != g.creator) {
		g.countSuccess(f.OwnerUID, f.Role, 1)
	}
}

func (g *Gang) countSuccess(owner, role string, n int) {
	g.done += n
	g.doneOf[role] += n
	g.doneBy[owner] += n
}

// Short reports whether a running gang has fewer members than it needs: some were lost or could not be bound. It is false until the
// first member is bound.
func (g *Gang) Short() bool {
	if g.tally.started == 0 || g.starts != nil || g.shape().Creator() == nil && g.begunWith < g.Need() {
		return false
	}
	g.rank()
	there := g.tally.started + g.done
	for _, p := range g.held {
		if p.taker == nil || !p.taker.started() {
			there++
		}
	}
	return there < g.Need()
}

// noteWhole records that a running gang has all the members that it needs. A gang without a creator had them when it started.
func (g *Gang) noteWhole() {
	if g.runs() && !g.whole {
		g.whole = g.shape().Creator() == nil || g.tally.started+g.done >= g.Need()
	}
	g.noteRestored()
}

// replaces reports whether the member was created after the gang started, so that it replaces a lost one. A member that could not
// be bound with the others existed before. The API has a resolution of one second; within one second, the order in which this
// process saw the pods decides.
func (g *Gang) replaces(m *member) bool {
	g.rank()
	first := g.firstScheduled
	return !first.IsZero() && (m.Created.After(first) || m.late && m.Created.Equal(first))
}

// lost reports whether a running gang that was whole is short.
func (g *Gang) lost() bool { return g.runs() && g.whole && g.Short() }

// Late reports whether the member should have started with a gang that now runs short, and goes before everything else. A
// replacement for a lost member goes only before others of its priority.
func (g *Gang) Late(uid string) bool {
	m, known := g.members[uid]
	return known && g.Short() && !g.replaces(m) && g.shape().Creator() == nil
}

// awaitsRestart reports whether the member must wait until the rest of its gang is evicted.
func (g *Gang) awaitsRestart(m *member) bool {
	return g.tally.started > 0 && g.evicting != "" || g.restartPolicy() == WholeGang && g.lost() && g.replaces(m) && !g.stays
}
