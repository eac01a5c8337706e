package gang

import "time"

const (
	// retryBase is how long a gang waits at least after a plan that failed for other reasons than capacity, where any event may help, or
	// that could not be bound; it doubles with each failure, up to retryMax. These are upstream's backoff for pods.
	retryBase = time.Second
	retryMax  = 10 * time.Second
	// maxDoublings bounds how many times an interval that doubles does.
	maxDoublings = 5
)

// parked is why a gang that is complete waits, and what it waits for.
type parked struct {
	// failure is why the last attempt failed, nil if none did since the gang last ran; failedAt is when.
	failure  *Explanation
	failedAt time.Time
	// failures counts the attempts that failed since the gang last ran.
	failures int
	// shortage is what was missing when the last plan failed, less what was found since for so many members.
	shortage Shortage
	found    int
	// seen is how many changes of the cluster that takes into account, failedSeen how many the plan knew of.
	seen, failedSeen uint64
	// retryAt is when the gang is tried again that could not be bound; zero means: when something that could help happens.
	retryAt time.Time
}

// Finding is why a plan failed.
type Finding struct {
	// Fit is how many members of the task have a node.
	Fit int
	// Short is what the others lack, if it is one resource; Detail counts the reasons of the nodes.
	Short  *Shortfall
	Detail string
	// TooLarge says that the cluster could not hold the gang if it were empty; Most is how many members it then could.
	TooLarge bool
	Most     int
	Shortage Shortage
}

// Shortage is what was missing when a plan failed, to find out which changes of the cluster are worth another one.
type Shortage struct {
	// Missing is how many more members need a node, at least.
	Missing int
	// Takes is the least that any member takes which may be missing.
	Takes []Amount
	// Like is one of the members without a node, if all are alike.
	Like *Ref
	// Anything says that more than capacity on single nodes was missing: any change may help.
	Anything bool
}

// Amount is an amount of a resource: millicores of cpu, else units.
type Amount struct {
	Resource string
	Quantity int64
}

// FailedAt returns when the last attempt failed.
func (p *parked) FailedAt() time.Time { return p.failedAt }

// Shortage returns what the last plan lacked, if it failed, and how many changes of the cluster it knew of.
func (p *parked) Shortage() (lacked Shortage, seen uint64, failed bool) {
	return p.shortage, p.seen, p.failure != nil
}

// FirstShortage returns what the plan lacked when it failed, and how many changes of the cluster it knew of; changed says that some of
// that was found since, which others may have taken.
func (p *parked) FirstShortage() (lacked Shortage, seen uint64, changed bool) {
	lacked = p.shortage
	lacked.Missing += p.found
	return lacked, p.failedSeen, p.found != 0
}

// StillLacks records that the changes of the cluster up to seen do not give the gang what it lacks, except capacity for so many members:
// capacity may come piece by piece.
func (p *parked) StillLacks(seen uint64, found int) {
	p.seen = seen
	p.found += found
	p.shortage.Missing -= found
}

// lacks records what a plan that failed lacked.
func (p *parked) lacks(shortage Shortage, seen uint64) {
	p.shortage, p.seen, p.failedSeen, p.found = shortage, seen, seen, 0
}

// notBound says whether the gang waits because members could not be bound.
func (p *parked) notBound() bool { return p.failure != nil && p.failure.Kind == KindNotBound }

// rests says whether the gang waits because it could not be bound a moment ago.
func (p *parked) rests(now time.Time) bool { return p.notBound() && now.Before(p.retryAt) }

// isParked says whether the representative was refused because a plan failed, or could not be bound. It enters the queue again when
// something that may help has changed, or its time has come, not at each change of its pod, such as that the reason was written on it.
func (g *Gang) isParked() bool {
	return g.failure != nil && g.representative != nil && g.representative.parked && g.queuedAt.IsZero() && !g.overtaken
}

// Seeks says whether the gang is parked because a plan failed, and what it lacked. It may be tried again once the cluster has changed
// since (seen), at once for capacity, a while later for anything else.
func (g *Gang) Seeks(now time.Time) (lacked Shortage, seen uint64, ok bool) {
	if g.Phase() != Ready || !g.isParked() || g.notBound() ||
		g.shortage.Anything && now.Sub(g.failedAt) < backoff(g.failures) {
		return Shortage{}, 0, false
	}
	return g.shortage, g.seen, true
}

// Retry puts the representative of a gang that is parked back into the queue.
func (g *Gang) Retry(now time.Time) []Decision {
	if g.representative == nil {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// nudge tries a ready gang again whose time has come, or by another member if the representative is not popped.
func (g *Gang) nudge(now time.Time) []Decision {
	if !g.retryAt.IsZero() && !now.Before(g.retryAt) {
		g.retryAt = time.Time{}
		return g.represent(true, now)
	}
	if g.queuedAt.IsZero() || now.Sub(g.queuedAt) < idleTime {
		return nil
	}
	next := g.oldestParked(g.representative)
	if next == nil {
		return nil
	}
	g.appoint(next)
	return g.activate([]*member{next}, now)
}

// backoff is how long a gang waits after so many failures in a row.
func backoff(failures int) time.Duration {
	return min(retryBase<<min(max(failures-1, 0), maxDoublings), retryMax)
}
