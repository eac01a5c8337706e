package ledger

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// EvictionRefused records that the API server rejected the eviction of a pod, and why.
func (l *Ledger) EvictionRefused(uid types.UID, why string) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil
	}
	return l.after(r.gang, r.gang.EvictionRefused(string(uid), why, l.clock.Now()))
}
