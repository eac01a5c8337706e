package setaside

import "time"

// Aside is the capacity that is set aside for a gang.
type Aside struct {
	// CouldStart is the earliest time at which the gang could start. It is zero if nothing about it is known.
	CouldStart time.Time
}

// User is a gang that could use capacity that is set aside for another one.
type User struct {
	// Outranks is true if it goes before the gang whatever both have waited: by its priority, or by what its queue is guaranteed.
	Outranks bool
	// Runtime is how long it runs. It is zero if that is unknown.
	Runtime time.Duration
}

// Admits reports whether the user may take capacity that is set aside: it outranks the gang, or it ends before the gang could start.
func (a Aside) Admits(u User, now time.Time) bool {
	return u.Outranks || u.Runtime > 0 && !now.Add(u.Runtime).After(a.CouldStart)
}

// Renew returns the later finding for the same gang. The gang must not start later because of those that used the capacity, so the time at
// which it could start never moves back, unless the plan is a new one for another reason, such as a node that is gone.
func (a Aside) Renew(later Aside, replanned bool) Aside {
	if !replanned && !a.CouldStart.IsZero() && a.CouldStart.Before(later.CouldStart) {
		later.CouldStart = a.CouldStart
	}
	return later
}

// Pools are the nodes of the gangs for which capacity is set aside: one gang in each pool. Two gangs are in the same pool if both could use
// some node.
type Pools struct{ taken map[string]struct{} }

// Free reports whether no other gang could use any of these nodes.
func (p *Pools) Free(nodes []string) bool {
	for _, node := range nodes {
		if _, taken := p.taken[node]; taken {
			return false
		}
	}
	return true
}

// Take records the nodes that a gang could use.
func (p *Pools) Take(nodes []string) {
	if p.taken == nil {
		p.taken = make(map[string]struct{}, len(nodes))
	}
	for _, node := range nodes {
		p.taken[node] = struct{}{}
	}
}

// Size returns how many nodes are taken.
func (p *Pools) Size() int { return len(p.taken) }
