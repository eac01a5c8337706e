package ledger

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// goneFor is how long the queue may lag behind the informer in observing the deletion of a pod.
const goneFor = time.Minute

// podRecords holds what the ledger knows about pods.
type podRecords struct {
	records map[types.UID]*record
	// names are the records by the names of their pods. If two pods have one name, the older pod was deleted.
	names map[types.NamespacedName]*record
	// unnotified are the pods with a problem that has not been reported yet.
	unnotified map[types.UID]*record
	// gone are the recently deleted pods, by the time of their deletion: the queue may still have them. dropped is when older ones
	// were last dropped.
	gone    map[types.UID]time.Time
	dropped time.Time
	// finished maps finished pods to their gangs.
	finished map[types.UID]*gang.Gang
	// created maps pods to the gang members that they created.
	created map[types.UID]map[types.UID]struct{}
}

func newPodRecords() podRecords {
	return podRecords{
		records:    map[types.UID]*record{},
		names:      map[types.NamespacedName]*record{},
		unnotified: map[types.UID]*record{},
		gone:       map[types.UID]time.Time{},
		finished:   map[types.UID]*gang.Gang{},
		created:    map[types.UID]map[types.UID]struct{}{},
	}
}

// record is what the ledger knows about a pod: the gang that it belongs to, or the problem with its annotations, or neither if it
// is a plain pod.
type record struct {
	ref     gang.Ref
	version string
	gang    *gang.Gang
	problem error
	// asks is what the pod requests, and pool the nodes that it can use; only while queues are configured.
	asks queue.Vector
	pool int
	// creator is the pod that created this one, empty if none did.
	creator types.UID
}

func (r *record) plain() bool { return r.gang == nil && r.problem == nil }

// record adds a record for a pod.
func (l *Ledger) record(pod *corev1.Pod) *record {
	r := &record{
		ref:     gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)},
		version: pod.ResourceVersion,
	}
	l.records[pod.UID], l.names[r.name()] = r, r
	return r
}

// newer reports whether version a is later than b. Versions that cannot be compared count as later.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// recorded returns a copy of the current records.
func (l *Ledger) recorded() map[types.UID]*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.records)
}

// dropGone forgets pods that were deleted more than goneFor ago. It scans them only once per goneFor, so the cost for each pod is
// low.
func (l *Ledger) dropGone() {
	if l.clock.Since(l.dropped) < goneFor {
		return
	}
	l.dropped = l.clock.Now()
	for uid, at := range l.gone {
		if l.clock.Since(at) > goneFor {
			delete(l.gone, uid)
		}
	}
}

// GangOf returns the gang that a pod belongs to, and false if it has none.
func (l *Ledger) GangOf(uid types.UID) (gang.Key, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.Key, true
	}
	return gang.Key{}, false
}
