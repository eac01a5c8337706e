package ledger

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Waiting is a gang, or a pod without one, that waits for capacity.
type Waiting struct {
	Key       gang.Key
	Scheduler string
	Priority  int32
	// Since is when it began to be passed by.
	Since time.Time
	// Task is what to plan for it. Only StillWaits fills it in.
	Task  gang.Task
	order queue.SortKey
}

// noteDue makes sure that a gang that was found not to fit is looked at when it has been passed by for too long.
func (l *Ledger) noteDue(key gang.Key, since time.Time) {
	if most := l.mostWait(key); most > 0 {
		l.due.Store(min(l.due.Load(), since.Add(most).UnixNano()))
	}
}

// noteUnfit does so for a gang whose plan failed.
func (l *Ledger) noteUnfit(g *gang.Gang) {
	if since, tried, waits := g.PassedBy(l.trusted()); waits && tried {
		l.noteDue(g.Key, since)
	}
}

// DueAt returns when Due may return another gang than before.
func (l *Ledger) DueAt() time.Time { return time.Unix(0, l.due.Load()) }

// Freed counts the changes that may free capacity.
func (l *Ledger) Freed() uint64 { return l.freed.Load() }

// groupsMost is the most groups that Due compares. Anybody can make as many as there are sets of nodes.
const groupsMost = 1024

// Grouped says how Due treats a gang. Of each group it returns only the first. Gangs without a group, which is empty, are not told apart.
type Grouped struct {
	Group string
	// Keep has the gang returned in any case, LeaveOut in none.
	Keep, LeaveOut bool
}

// Due returns gangs that have been passed by for too long, in the order in which capacity is set aside for them: those to keep, the first
// of each group, and those without a group. Of the latter two it returns at most so many, the first ones. The ledger is locked when grouped
// is called.
//
// One that its queue may not start now is not passed by. Its time begins again.
func (l *Ledger) Due(most int, grouped func(gang.Key) Grouped) []Waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := dueNow{Ledger: l, most: most, grouped: grouped, now: l.clock.Now(), next: time.Unix(0, math.MaxInt64), first: map[string]Waiting{}}
	for _, g := range l.gangs {
		if since, tried, waits := g.PassedBy(l.trusted()); waits && tried {
			d.add(waitingGang(g, since), g.WaitsForItsQueue)
		}
	}
	for key, m := range l.passedBy.pods {
		d.add(waitingPod(key, m), func(now time.Time) { m.since = now })
	}
	l.due.Store(d.next.UnixNano())
	all := slices.Concat(d.kept, l.earliest(slices.Collect(maps.Values(d.first)), most), l.earliest(d.others, most))
	return l.earliest(all, len(all))
}

// dueNow collects those that are due.
type dueNow struct {
	*Ledger
	most      int
	grouped   func(gang.Key) Grouped
	now, next time.Time
	// first are the first of each group, others those without one: the first ones, and some more.
	first        map[string]Waiting
	kept, others []Waiting
}

// add adds one if it is due. restart begins its time again.
func (d *dueNow) add(w Waiting, restart func(now time.Time)) {
	wait := d.mostWait(w.Key)
	if wait <= 0 {
		return
	}
	if at := w.Since.Add(wait); at.After(d.now) {
		d.lookAt(at)
		return
	}
	grouped := d.grouped(w.Key)
	switch before, known := d.first[grouped.Group]; {
	case grouped.LeaveOut:
	case !d.mayStart(w.Key):
		restart(d.now)
		d.lookAt(d.now.Add(wait))
	case grouped.Keep:
		d.kept = append(d.kept, w)
	case grouped.Group == "":
		if d.others = append(d.others, w); len(d.others) >= 2*d.most+64 {
			d.others = d.earliest(d.others, d.most)
		}
	case !known && len(d.first) == groupsMost:
	case !known || d.goesBefore(w, before):
		d.first[grouped.Group] = w
	}
}

func (d *dueNow) lookAt(at time.Time) {
	if at.Before(d.next) {
		d.next = at
	}
}

// mayStart reports whether the limits and guarantees of its queue let a gang, or a pod without one, start.
func (l *Ledger) mayStart(key gang.Key) bool {
	if l.tree == nil {
		return true
	}
	e, waits := l.tree.Entry(l.idIn(key))
	if !waits {
		return false
	}
	_, may := l.tree.May(e.Leaf, e.Ask, e.Guaranteed)
	return may
}

// earliest returns those that go first, in their order, and changes the order of all.
func (l *Ledger) earliest(all []Waiting, most int) []Waiting {
	slices.SortFunc(all, func(a, b Waiting) int { return a.order.Compare(b.order) })
	most = min(len(all), most)
	if l.tree == nil {
		return all[:most]
	}
	for i := range most {
		first := i
		for j := i + 1; j < len(all); j++ {
			if l.goesBefore(all[j], all[first]) {
				first = j
			}
		}
		w := all[first]
		copy(all[i+1:first+1], all[i:first])
		all[i] = w
	}
	return all[:most]
}

// goesBefore reports whether a goes before b: by their queues, and in a queue by their sort keys.
func (l *Ledger) goesBefore(a, b Waiting) bool {
	if l.tree == nil {
		return a.order.Compare(b.order) < 0
	}
	return l.tree.Before(l.idIn(a.Key), l.idIn(b.Key))
}

func waitingGang(g *gang.Gang, since time.Time) Waiting {
	return Waiting{Key: g.Key, Scheduler: g.Scheduler(), Priority: g.Priority(), Since: since, order: sortKey(g)}
}

func waitingPod(key gang.Key, m *misfit) Waiting {
	return Waiting{
		Key: key, Scheduler: m.scheduler, Priority: m.priority, Since: m.since,
		order: queue.SortKey{Priority: m.priority, Age: m.created, Gang: key},
	}
}

// StillWaits returns what to plan for a gang that waits for capacity, and false if it does not wait any more.
func (l *Ledger) StillWaits(key gang.Key) (Waiting, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.passedBy.pods[key]; m != nil {
		w := waitingPod(key, m)
		w.Task = gang.Task{Gang: key, Members: []gang.Ref{m.ref}, Need: 1, Topology: m.share.Topology.Topology()}
		return w, true
	}
	g := l.gangs[key]
	if g == nil {
		return Waiting{}, false
	}
	since, _, waits := g.PassedBy(l.trusted())
	if !waits {
		return Waiting{}, false
	}
	w := waitingGang(g, since)
	w.Task = g.Task(l.clock.Now())
	return w, true
}

// Waits reports whether a gang, or a pod without one, waits for capacity.
func (l *Ledger) Waits(key gang.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.passedBy.pods[key] != nil {
		return true
	}
	g := l.gangs[key]
	if g == nil {
		return false
	}
	_, _, waits := g.PassedBy(l.trusted())
	return waits
}
