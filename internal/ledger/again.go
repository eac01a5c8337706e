package ledger

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// A pod that goes on its own and does not fit is in the custody of the scheduling queue, which brings it back after a backoff of up to
// 10 s. Its queue would have nothing to start in the meantime, and what frees up would go to others. So when capacity frees up, the next
// such pod of each queue is ready for its turn at once, and after each that starts another one: one attempt in vain for each queue and
// change.

// noteFailed records that a pod did not fit. It comes back to the end of the line of its queue. If capacity freed up during the attempt,
// which may not have seen it, the pod keeps its turn for a second attempt. Only for one: otherwise, where pods end all the time, those
// behind it would never be tried.
func (l *Ledger) noteFailed(uid types.UID) {
	a := l.alone[uid]
	if l.tree == nil || a == nil || a.failed {
		return
	}
	e, waits := l.tree.Entry(idOf(uid))
	if !waits {
		return
	}
	a.again = !a.again && a.freed != l.freed.Load()
	if a.ready = a.again; a.ready {
		l.tree.SetReady(e.ID, true)
		return
	}
	a.failed = true
	l.tree.SetReady(e.ID, false)
	name := e.Leaf.Name()
	if line := l.failed[name]; len(line) > 2*len(l.alone)+1024 {
		l.failed[name] = slices.DeleteFunc(line, func(uid types.UID) bool { return l.alone[uid] == nil || !l.alone[uid].failed })
	}
	l.failed[name] = append(l.failed[name], uid)
}

// tryFailed makes the next pod of each queue ready that did not fit.
func (l *Ledger) tryFailed(decisions []gang.Decision) []gang.Decision {
	if len(l.failed) == 0 {
		return decisions
	}
	for _, name := range slices.Sorted(maps.Keys(l.failed)) {
		if l.tryNext(name) {
			decisions = append(decisions, gang.Proceed{})
		}
	}
	return decisions
}

// tryNext makes the next pod of a queue ready that did not fit, and reports whether there is one.
func (l *Ledger) tryNext(name string) bool {
	for len(l.failed[name]) > 0 {
		uid := l.failed[name][0]
		l.failed[name] = l.failed[name][1:]
		a := l.alone[uid]
		if a == nil || !a.failed {
			continue
		}
		if a.failed = false; !a.ready {
			a.ready = true
			l.tree.SetReady(idOf(uid), true)
			return true
		}
	}
	delete(l.failed, name)
	return false
}

// Loner returns a pod that goes on its own and waits.
func (l *Ledger) Loner(uid types.UID) (gang.Ref, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.alone[uid]
	if a == nil {
		return gang.Ref{}, false
	}
	return refOf(a.pod), true
}
