package gang

import "time"

const (
	// retryBase is the shortest backoff after a plan that failed for other reasons than capacity, where any event may help, and after
	// a gang that could not be bound. It doubles with each failure, up to retryMax. The values are those of upstream's backoff for
	// pods.
	retryBase = time.Second
	retryMax  = 10 * time.Second
	// maxDoublings bounds how often an interval doubles.
	maxDoublings = 5
)

// parked tracks why a complete gang waits and what it waits for.
type parked struct {
	// failure is why the last attempt failed, nil if none has failed since the gang last ran; failedAt is when it failed.
	failure  *Explanation
	failedAt time.Time
	// failures counts the failed attempts since the gang last ran.
	failures int
	// shortage is the shortage of the last plan, less the capacity found since then for a number of members (found).
	shortage Shortage
	found    int
	// seen is the number of cluster changes that the shortage takes into account, failedSeen the number that the plan took into
	// account.
	seen, failedSeen uint64
	// retryAt is when a gang that could not be bound is retried; zero means after a change that may help.
	retryAt time.Time
}

// Finding is why a plan failed.
type Finding struct {
	// Fit is the number of members with a node.
	Fit int
	// Short is the shortage of the others if it is a single resource; Detail counts the nodes' reasons.
	Short  *Shortfall
	Detail string
	// Topology says how many members fit into a domain, empty if the topology of the nodes is not the reason.
	Topology string
	// TooLarge is true if the gang would not fit even if the cluster were empty; Most is the number of members that would.
	TooLarge bool
	Most     int
	// Awaits is set if pods were preempted for the gang, and it waits for them to end.
	Awaits   *AwaitsWhy
	Shortage Shortage
}

// Shortage describes why members did not fit, to find out which cluster changes justify another plan.
type Shortage struct {
	// Missing is the minimum number of members that still need a node.
	Missing int
	// Takes is the smallest request of any member for the resources that may be short.
	Takes []Amount
	// Counted are the resources in Takes, besides CPU, memory and storage, of which a filter said that a node has too little: nodes count
	// them, and no driver provides them in another way.
	Counted []string
	// Like is one of the members without a node, if they are all alike.
	Like *Ref
	// Anything is true if members failed for more than capacity on single nodes: any change may help.
	Anything bool
}

// Amount is an amount of a resource: millicores for cpu, units for everything else.
type Amount struct {
	Resource string
	Quantity int64
}

// FailedAt returns when the last attempt failed.
func (p *parked) FailedAt() time.Time { return p.failedAt }

// Shortage returns the remaining shortage of the last plan, the number of cluster changes it takes into account, and whether the
// plan failed.
func (p *parked) Shortage() (lacked Shortage, seen uint64, failed bool) {
	return p.shortage, p.seen, p.failure != nil
}

// FirstShortage returns the shortage when the plan failed and the number of cluster changes that the plan took into account.
// changed is true if capacity was found since then; other pods may have taken it.
func (p *parked) FirstShortage() (lacked Shortage, seen uint64, changed bool) {
	lacked = p.shortage
	lacked.Missing += p.found
	return lacked, p.failedSeen, p.found != 0
}

// StillShort records that the cluster changes up to seen do not end the shortage but provide capacity for found members: capacity
// may become free piece by piece.
func (p *parked) StillShort(seen uint64, found int) {
	p.seen = seen
	p.found += found
	p.shortage.Missing -= found
}

// lacks records the shortage of a failed plan.
func (p *parked) lacks(shortage Shortage, seen uint64) {
	p.shortage, p.seen, p.failedSeen, p.found = shortage, seen, seen, 0
}

// notBound reports whether the gang waits because its members could not be bound.
func (p *parked) notBound() bool { return p.failure != nil && p.failure.Kind == KindNotBound }

// rests reports whether the gang is in backoff because it could not be bound.
func (p *parked) rests(now time.Time) bool { return p.notBound() && now.Before(p.retryAt) }

// isParked reports whether the representative was refused because a plan failed or members could not be bound. It enters the queue
// again when a relevant change happens or its backoff ends, not at each update of its pod, such as the one that wrote the reason.
func (g *Gang) isParked() bool {
	return g.failure != nil && g.representative != nil && g.representative.parked && g.queuedAt.IsZero() && !g.overtaken
}

// Unplaced reports whether the gang is parked because it did not fit.
func (g *Gang) Unplaced() bool {
	return g.Phase() == Ready && g.isParked() && g.failure.Kind == KindUnplaced
}

// Seeks returns the shortage of a gang that is parked because a plan failed. ok reports whether the gang may be retried when the
// cluster changed after seen: at once for capacity, after a backoff for anything else. A gang that preempted others is retried once they
// are gone.
func (g *Gang) Seeks(now time.Time) (lacked Shortage, seen uint64, ok bool) {
	lacked, seen, from, ok := g.SeeksFrom()
	if !ok || now.Before(from) {
		return Shortage{}, 0, false
	}
	return lacked, seen, true
}

// SeeksFrom returns what Seeks does, and from when on.
func (g *Gang) SeeksFrom() (lacked Shortage, seen uint64, from time.Time, ok bool) {
	if !g.isParked() || g.notBound() || g.failure.Kind == KindPreempting || g.Phase() != Ready {
		return Shortage{}, 0, time.Time{}, false
	}
	if g.shortage.Anything {
		from = g.failedAt.Add(backoff(g.failures))
	}
	return g.shortage, g.seen, from, true
}

// Retry puts the representative of a parked gang back into the queue.
func (g *Gang) Retry(now time.Time) []Decision {
	if g.representative == nil {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// nudge retries a ready gang whose backoff has ended, or tries another member if the representative is not popped.
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

// backoff is the wait after this number of failures in a row.
func backoff(failures int) time.Duration {
	return min(retryBase<<min(max(failures-1, 0), maxDoublings), retryMax)
}
