package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// ErrNoGang is the error for a gang that does not exist.
var ErrNoGang = errors.New("the scheduler knows no such gang")

// SupposeWaiting returns what the ledger makes of a gang that exists, and of which no pod has a node. holding are gangs for which capacity
// is held or set aside. It changes nothing.
func (l *Ledger) SupposeWaiting(namespace, name string, holding []gang.Key) (*Supposed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	g, err := l.waiting(namespace, name)
	if err != nil {
		return nil, err
	}
	status := g.Status(now)
	s := &Supposed{
		Key: g.Key, Scheduler: g.Scheduler(), MinAvailable: g.Need(), Pods: status.Count(gang.MemberState.Waits),
		Runtime: g.BackfillRuntime(), gang: g, ledger: l,
	}
	if l.tree != nil {
		s.Queue = l.leafOf(g.Key.Namespace, g.Queue()).Name()
	}
	if phase := g.Phase(); phase != gang.Ready {
		s.Why, s.Refused = g.Explain(), phase == gang.Disagreeing
		return s, nil
	}
	if in := l.standings[g]; in != nil && in.waits {
		s.inQueue(l, in.id)
	}
	if s.Task, s.Planner = g.Next(now); l.tree != nil {
		s.Task, _, _ = l.within(g, s.Task)
	}
	s.Taker = l.takerFor(s.Task, nil)
	l.noteOutranked(s, holding)
	return s, nil
}

// waiting returns the gang of this name of which no pod has a node.
func (l *Ledger) waiting(namespace, name string) (*gang.Gang, error) {
	var named []*gang.Gang
	for key, g := range l.gangs {
		if key.Namespace == namespace && key.Name == name && g.Size() > 0 {
			named = append(named, g)
		}
	}
	if len(named) == 0 {
		return nil, fmt.Errorf("%w: %s/%s", ErrNoGang, namespace, name)
	}
	waits := slices.DeleteFunc(slices.Clone(named), func(g *gang.Gang) bool { return !l.allWait(g) })
	switch {
	case len(waits) > 1:
		return nil, fmt.Errorf("%d gangs are named %s/%s, and wait: the question would not say about which of them it is",
			len(waits), namespace, name)
	case len(waits) == 0:
		g := slices.MinFunc(named, func(a, b *gang.Gang) int { return cmp.Compare(a.Phase(), b.Phase()) })
		return nil, fmt.Errorf("gang %s is %s: such a question is about a gang that waits, and of which no pod has a node",
			g.Key, g.Phase())
	}
	return waits[0], nil
}

// allWait reports whether no pod of a gang has a node or is being bound, and some pods have to start together.
func (l *Ledger) allWait(g *gang.Gang) bool {
	switch g.Phase() {
	case gang.Running, gang.Placing, gang.Unbound:
		return false
	case gang.Ready, gang.Incomplete, gang.Disagreeing:
	}
	status := g.Status(l.clock.Now())
	return status.Count(func(s gang.MemberState) bool { return s == gang.MemberBound || s == gang.MemberBinding }) == 0
}
