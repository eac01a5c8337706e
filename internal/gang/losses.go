package gang

import (
	"maps"
	"slices"
	"time"
)

const (
	// lossTime is how long a gang must have too few members before it is restarted as a whole: a member that is gone may turn
	// out to have succeeded.
	lossTime = time.Second
	// avoidTime is how long a node that rejected a member is not tried again for its gang.
	avoidTime = time.Minute
)

// losses are what a gang that ran has lost, and what follows from that.
type losses struct {
	// avoided are the nodes that rejected a member, until when.
	avoided map[string]time.Time
	// whole says that since the gang runs it had all members that it needs.
	whole bool
	// shortSince is since when a gang that restarts as a whole has too few members.
	shortSince time.Time
	// evicting is why the rest is being evicted, empty if it is not. stays says that this was given up, so that others join what runs.
	evicting Kind
	eviction eviction
	stays    bool
}

// Finished is a member whose pod ended. It still exists, but takes no room.
type Finished struct {
	UID, Name, Role, OwnerUID string
	// Index is the pod's completion index, if its controller is an Indexed Job.
	Index string
	// OwnedByPod says that the object that created it is a pod.
	OwnedByPod bool
	// Node is where it was, empty if it was never bound.
	Node      string
	Succeeded bool
	// At is when it ended.
	At time.Time
	// RejectedBy is the node whose kubelet did not let it start, and Reason what that said.
	RejectedBy, Reason string
}

// Finish records a member that ended. A member that succeeded counts as one that is there; one that the kubelet rejected is
// told of, and its node is not tried again at once.
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
		decisions = g.noteBound(m, now) // it was, and ended before anybody said so
	}
	if f.RejectedBy != "" && now.Sub(f.At) < avoidTime {
		g.avoided[f.RejectedBy] = now.Add(avoidTime)
		why := g.explanation(KindLost)
		why.Culprit, why.Node, why.Detail = f.Name, f.RejectedBy, f.Reason
		told := []Ref{{Namespace: g.Key.Namespace, Name: f.Name, UID: f.UID}}
		if oldest := g.oldestBut(f.UID); oldest != nil {
			told = append(told, g.refs([]*member{oldest})...)
		}
		decisions = append(decisions, Tell{Members: told, Explanation: why})
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

// Avoided returns the nodes that rejected a member a moment ago.
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

// forgetAvoided lets members try nodes again that rejected one a while ago: nothing else wakes them then.
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
	return g.oldest(func(m *member) bool { return m.UID != uid }) // it may be that nobody said yet that it is gone
}

// countDone counts the finished members that succeeded in this run of the gang.
func (g *Gang) countDone() {
	g.done, g.doneOf, g.doneBy, g.creator = 0, map[string]int{}, map[string]int{}, ""
	if creator := g.declared.Creator(); creator != nil && g.tally.roles[creator.Name] > 0 {
		g.creator = creator.Name // one that ended does not take its place
	}
	for _, f := range g.finished {
		g.countFinished(f)
	}
	g.countPast()
	g.countSaid()
}

// countFinished counts a member that succeeded if it did so in this run of the gang: its owner is one of a member that is there,
// or such a member existed before it ended. Others were of an earlier gang of this name.
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

// Short says whether a gang that runs has fewer members than it needs: some were lost, or could not be bound. Before the first
// is bound it is not known.
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

// noteWhole notes that a gang that runs has all members that it needs. One without a creator had them when it started.
func (g *Gang) noteWhole() {
	if g.runs() && !g.whole {
		g.whole = g.shape().Creator() == nil || g.tally.started+g.done >= g.Need()
	}
	g.noteRestored()
}

// replaces says whether the member came after the gang had started, so it replaces one that was lost. A member that was to be
// bound with the others existed before. The API tells times to the second; within one, what this process saw counts.
func (g *Gang) replaces(m *member) bool {
	g.rank()
	first := g.firstScheduled
	return !first.IsZero() && (m.Created.After(first) || m.late && m.Created.Equal(first))
}

// lost says whether a gang that runs and was whole is short.
func (g *Gang) lost() bool { return g.runs() && g.whole && g.Short() }

// Late says whether the member was to start with a gang that runs short, and has to come before everything else. One that replaces
// a lost member comes before others of its priority.
func (g *Gang) Late(uid string) bool {
	m, known := g.members[uid]
	return known && g.Short() && !g.replaces(m) && g.shape().Creator() == nil
}

// awaitsRestart says whether the member has to wait until what is left of its gang was evicted.
func (g *Gang) awaitsRestart(m *member) bool {
	return g.tally.started > 0 && g.evicting != "" || g.restartPolicy() == WholeGang && g.lost() && g.replaces(m) && !g.stays
}
