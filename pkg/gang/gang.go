package gang

import (
	"cmp"
	"slices"
	"time"
)

const (
	// settleTime is how long a gang must stay unchanged before its members are told what it lacks, so that a gang
	// whose pods are just being created stays silent.
	settleTime = time.Second
	// restlessTime is after how long the members of a gang that keeps changing are told all the same.
	restlessTime = 5 * time.Second
	// refreshTime is how often the members of a gang are told of numbers that changed.
	refreshTime = 30 * time.Second
	// stallTime is how long an attempt may go without a further member placed, and without one in its scheduling cycle. Members
	// of an attempt sort before everything else, so only a member that cannot come lets it pass.
	stallTime = 2 * time.Second
	// stallRetry is after how long a gang is tried again that stalled, if the missing member does not come before.
	// It doubles with each stall, up to maxStalls times: who holds the turn for a member that does not come delays others.
	stallRetry = 30 * time.Second
	maxStalls  = 5
	// retryBase is how long a gang waits at least after a plan that failed for other reasons than room, where any event may
	// help, or that could not be bound; it doubles with each failure, up to retryMax. These are upstream's backoff for pods.
	retryBase = time.Second
	retryMax  = 10 * time.Second
	// freshTime is how long a gang that was woken goes before those that come after it in the order.
	freshTime = time.Second
	// idleTime is how long a representative may stay in the queue without its turn before another one is tried too.
	idleTime = 5 * time.Second
)

// Gang is the state machine of one gang. It is not safe for concurrent use.
type Gang struct {
	Key Key

	members map[string]*member
	// finished are the members that ended and whose pods still exist.
	finished map[string]Finished
	tally    tally
	run      runs
	past     past
	counting counting
	// representative stands in the scheduling queue for all; sinceIdle is when it was let in, zero once it was popped.
	representative *member
	sinceIdle      time.Time
	// attempt is the attempt that is under way, nil if there is none.
	attempt *attempt
	// failure is why the last attempt failed, nil if none did since the gang last ran; failedAt is when.
	failure  *Explanation
	failedAt time.Time
	// lack is what was missing when the last plan failed, less what was found since for so many members; seen is how many changes of
	// the cluster that takes into account, failedSeen how many the plan knew of.
	lack             Lack
	found            int
	seen, failedSeen uint64
	// fails counts the plans that failed since the gang last ran.
	fails int
	// releasing tells that the gang starts, once the first of those that were let go is bound; nil if none are, or one was. unbound
	// counts the times in a row that none of them could be, or that some were refused while others took their time.
	releasing *Tell
	unbound   int
	// refusedAt is since when members wait that were let go and could not be bound, while others are being bound.
	refusedAt time.Time
	// retryAt is when a gang is tried again that stalled or could not be bound; zero means: when something that could help happens.
	retryAt time.Time
	// stalls counts the attempts that stalled since the gang last ran.
	stalls int
	// awaitsTurn says that the representative was popped while another gang was being placed.
	awaitsTurn bool
	// since starts the gang's whole wait, clock the current timeout; completeSince is since when enough members exist. ran says that
	// a member was bound since; waited is how long the gang had waited then, nil if it ran when it was first seen.
	since, clock, completeSince time.Time
	ran                         bool
	waited                      *time.Duration
	// changed is when the gang last changed in a way that members may have to be told; zero means they were.
	changed time.Time
	// toldAt is when members were told last.
	toldAt time.Time
	// reserved is what is held for members that do not exist yet; moves is what happened to it.
	reserved reservation
	moves    []Move
	// avoided are the nodes that rejected a member, until when.
	avoided map[string]time.Time
	// shortSince is since when a gang that restarts as a whole has too few members; evicting is why the rest is being evicted, if
	// it is. stays says that this was given up, so that others join what runs.
	shortSince time.Time
	evicting   Kind
	eviction   eviction
	stays      bool
	// whole says that since it runs it had all members that it needs.
	whole bool
	// begunWith is the largest min-available with which the gang was started or had so many members with a node, since a member first
	// had one.
	begunWith int
	// arrivals counts the members that were ever seen.
	arrivals int
	derived
	// lines say which member comes first, nil if that is not known; looks counts the members that were looked at one by one.
	lines *lines
	looks int
	// Attempts counts the gang's attempts, Lost the members that a kubelet rejected.
	Attempts, Lost int
	// attemptsBefore are those until the gang last started.
	attemptsBefore int
}

// attempt is the placing of a gang: from its plan until it is released or gives everything back.
type attempt struct {
	progress time.Time
	// replans is how many times more the rest may be planned again when the plan breaks.
	replans int
	// planner is the member that is to plan the rest, nil if all have their node.
	planner *member
	// cycle is the member that is in its scheduling cycle since cycleSince, nil if none is.
	cycle      *member
	cycleSince time.Time
}

// New returns a gang without members.
func New(key Key) *Gang {
	return &Gang{
		Key:      key,
		members:  map[string]*member{},
		finished: map[string]Finished{},
		avoided:  map[string]time.Time{},
		run:      newRuns(),
		tally: tally{
			claims: claims{}, startedClaims: claims{},
			roles: map[string]int{}, startedRoles: map[string]int{}, planned: map[string]int{},
		},
	}
}

// Occupies says whether the gang holds room that it may have to give back.
func (g *Gang) Occupies() bool { return g.attempt != nil || g.tally.holding > 0 }

// Empty says whether nothing of the gang is left.
func (g *Gang) Empty() bool { return len(g.members)+len(g.finished)+len(g.past.gone) == 0 }

// Holding returns how many members hold room and wait for the others.
func (g *Gang) Holding() int { return g.tally.holding }

// Observe records what the API says about a member.
func (g *Gang) Observe(seen Member, now time.Time) []Decision {
	if len(g.members) == 0 {
		g.since, g.clock = now, now
	}
	m, known := g.members[seen.UID]
	if !known {
		g.arrivals++
		m = &member{Member: seen, late: g.tally.started > 0, seen: g.arrivals}
		g.members[seen.UID] = m
		g.run.note(m, 1)
		m.otherRun = g.run.excludes(m)
		g.tally.count(m, 1)
		if m.started() {
			g.ran = true
			if !m.Placed { // an earlier process began to bind the gang
				g.begunWith = max(g.begunWith, int(m.Spec.MinAvailable))
			}
		}
		g.noteCreated(m.Created)
		g.changed = now
		g.noteAdded(m)
		return g.settle(true, now)
	}
	if sameRoles(m.Spec.Roles, seen.Spec.Roles) {
		seen.Spec.Roles = m.Spec.Roles
	}
	if m.Member == seen {
		return nil
	}
	m.misfit = m.misfit && m.Generation == seen.Generation
	before, wasRunning, wasPending, wasOther := m.Member, g.tally.started > 0, m.Node == "", m.otherRun
	g.run.note(m, -1)
	g.update(m, func() {
		m.Member = seen
		g.run.note(m, 1)
		m.otherRun = g.run.excludes(m)
		if m.Node != "" {
			m.pin, m.reservedOn, m.released, m.refused = "", "", false, false
		}
	})
	if m.Node != "" {
		g.fill(m)
	}
	if g.noteUpdated(m, before); m.otherRun != wasOther {
		g.relined()
	}
	g.membersChanged(wasRunning, now)
	var decisions []Decision
	if wasPending && m.started() && m.Node != "" {
		decisions = g.noteBound(m, now)
	}
	return append(decisions, g.settle(true, now)...)
}

// noteCreated makes a gang's wait begin with its first pod, also if an earlier process saw that. The API tells times to the second,
// and its clock may be another.
func (g *Gang) noteCreated(at time.Time) {
	if latest := at.Add(time.Second); !at.IsZero() && latest.Before(g.since) {
		g.since = latest
	}
}

// Remove forgets a member whose pod is gone.
func (g *Gang) Remove(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	wasRunning := g.tally.started > 0
	var decisions []Decision
	if m.holding() {
		// Its pod may live on, without or in another gang, and must not wait in Permit for this one.
		decisions = []Decision{Reject{Members: g.refs([]*member{m}), Because: g.explainWaiting()}}
	}
	g.giveBack(m)
	g.EndCycle(uid, now)
	g.tally.count(m, -1)
	delete(g.members, uid)
	g.run.note(m, -1)
	g.noteRemoved(m)
	if g.representative == m {
		g.appoint(nil)
	}
	if g.attempt != nil && g.attempt.planner == m {
		g.attempt.planner = nil
	}
	g.membersChanged(wasRunning, now)
	return append(decisions, g.settle(true, now)...)
}

// membersChanged notes that there may be something to tell. If the last member that ran is gone, those that are left start
// anew.
func (g *Gang) membersChanged(wasRunning bool, now time.Time) {
	g.changed = now
	if !wasRunning || g.tally.started > 0 {
		return
	}
	g.fails, g.evicting, g.stays, g.shortSince, g.whole = 0, "", false, time.Time{}, false
	if g.ran { // else it goes on waiting: none of those that were let go could be bound
		g.since, g.clock, g.failure, g.ran, g.waited, g.begunWith = now, now, nil, false, nil, 0
	}
}

// refuse records whether the member lies refused in the queue.
func (g *Gang) refuse(m *member, refused bool) {
	if m.refused != refused {
		g.update(m, func() { m.refused = refused })
	}
	if refused && m == g.representative {
		g.sinceIdle = time.Time{} // it does not stand there
	}
}

// update changes a member and keeps the tally right.
func (g *Gang) update(m *member, change func()) {
	g.tally.count(m, -1)
	change()
	g.tally.count(m, 1)
}

// settle answers a change: it ends an attempt that lost its quorum, finds a representative, and activates the members
// that were refused and would not be any more. If something changed that may help, a gang that failed is tried again.
func (g *Gang) settle(tryAgain bool, now time.Time) []Decision {
	decisions := append(g.settleRun(now), g.settleRelease(now)...)
	g.noteBegun()
	phase := g.Phase()
	if g.attempt != nil {
		decisions = append(decisions, g.settleAttempt(phase, now)...)
		phase = g.Phase()
	}
	g.noteWhole()
	decisions = append(decisions, g.tendPlaces(now)...)
	switch phase {
	case Ready:
		if g.completeSince.IsZero() {
			g.completeSince = now
		}
		decisions = append(decisions, g.represent(tryAgain, now)...)
	case Placing, Running, Unbound:
		if !g.mayWake(phase) {
			break
		}
		woken := g.where(func(m *member) bool { return m.refused && g.mayEnter(m) && g.admits(m) })
		decisions = append(decisions, g.activate(woken, now)...)
	case Incomplete, Disagreeing:
		g.completeSince = time.Time{}
	}
	return decisions
}

// settleAttempt ends an attempt that is over: the gang runs, or has lost its quorum.
func (g *Gang) settleAttempt(phase Phase, now time.Time) []Decision {
	switch {
	case phase == Running: // another process bound a member
		g.attempt = nil
		return g.ended(true)
	case phase != Placing || !g.complete():
		return g.fail(g.explainWaiting(), now)
	case g.Places() > 0 && g.plannedTooFew():
		g.free(anyPlace) // whoever comes next plans them again
	}
	return nil
}

// represent makes sure that a member stands in the queue for a gang that is ready and has something new to try.
func (g *Gang) represent(tryAgain bool, now time.Time) []Decision {
	if g.rests(now) || g.awaitsBind() {
		return nil
	}
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(g.oldestRefused(nil))
		if g.representative == nil {
			return nil // the next member that enters becomes it
		}
		return g.activate([]*member{g.representative}, now)
	}
	if stands := !g.sinceIdle.IsZero() || g.awaitsTurn; stands || !tryAgain {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// appoint makes a member, or none, the representative.
func (g *Gang) appoint(m *member) { g.representative, g.sinceIdle = m, time.Time{} }

// activate puts members that were refused back into the queue.
func (g *Gang) activate(members []*member, now time.Time) []Decision {
	if len(members) == 0 {
		return nil
	}
	for _, m := range members {
		g.refuse(m, false)
		if m == g.representative {
			g.sinceIdle = now
		}
	}
	return []Decision{Activate{Members: g.refs(members)}}
}

// mayEnter says whether a member may stand in the queue for itself.
func (g *Gang) mayEnter(m *member) bool {
	if g.Alone(m.UID) {
		return m.pending() && !m.Gated
	}
	claim, agreed := g.tally.agreed()
	return agreed && m.eligible() && (m.claim() == claim || m.silent()) && !g.awaitsRestart(m) && !g.awaitsBind()
}

// admits says whether a gang that is being placed, or runs, lets the member go on: it is planned, or has to plan, or joins.
func (g *Gang) admits(m *member) bool {
	return g.attempt == nil || g.Alone(m.UID) || m.pin != "" || m.reservedOn != "" || g.attempt.planner == m || g.plannedTooFew()
}

// plannedTooFew: members that were planned went away, and whoever comes next has to plan again.
func (g *Gang) plannedTooFew() bool {
	if g.attempt.planner != nil {
		return false
	}
	if g.tally.holding-g.tally.leaving+g.tally.pinned+g.Places() < g.missing() {
		return true
	}
	return slices.ContainsFunc(g.shape().All(), func(r Role) bool {
		return g.tally.planned[r.Name]+g.placesOf(r.Name)+g.doneOf[r.Name]+g.tally.startedRoles[r.Name] < int(r.Min)
	})
}

// allHold says whether all members that the plan needs hold room: then they start. With roles, these are all that it has a
// node for.
func (g *Gang) allHold() bool {
	if g.shape() != nil {
		return g.tally.pinned == 0 && g.attempt.planner == nil && !g.plannedTooFew()
	}
	return g.tally.holding-g.tally.leaving >= g.missing()
}

// oldestRefused picks a representative: the oldest member that lies refused in the queue, other than not.
func (g *Gang) oldestRefused(not *member) *member {
	if g.tally.standby == 0 {
		return nil
	}
	return g.oldest(func(m *member) bool {
		return m != not && m.refused && !m.otherRun && g.mayEnter(m) && !g.Alone(m.UID)
	})
}

// refs names members in a stable order, that of the plan if there is one.
func (g *Gang) refs(members []*member) []Ref {
	slices.SortFunc(members, func(a, b *member) int { return cmp.Or(cmp.Compare(a.rank, b.rank), compareMembers(a, b)) })
	refs := make([]Ref, len(members))
	for i, m := range members {
		refs[i] = Ref{Namespace: g.Key.Namespace, Name: m.Name, UID: m.UID}
	}
	return refs
}

// where returns the members for which yes holds.
func (g *Gang) where(yes func(*member) bool) []*member {
	var found []*member
	for _, m := range g.each() {
		if yes(m) {
			found = append(found, m)
		}
	}
	return found
}
