package ledger

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Remembered returns the number of deleted pods that the ledger remembers.
func (l *Ledger) Remembered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.gone)
}

// Tried returns the number of gangs and pods whose attempt to preempt is remembered.
func (l *Ledger) Tried() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tried)
}

// Locked reports whether the ledger's lock is held.
func (l *Ledger) Locked() bool {
	if !l.mu.TryLock() {
		return true
	}
	l.mu.Unlock()
	return false
}

// MovesWait reports whether there are moves that Moves has not returned yet.
func (l *Ledger) MovesWait() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.moves) > 0
}

// Recorded returns the recorded state of a gang's member.
func (l *Ledger) Recorded(uid types.UID) gang.Member {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, _ := l.records[uid].gang.Member(string(uid))
	return m
}
