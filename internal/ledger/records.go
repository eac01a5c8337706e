package ledger

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// goneFor is how long the queue may lag behind the informer with the deletion of a pod.
const goneFor = time.Minute

// podRecords are what the ledger knows of pods.
type podRecords struct {
	records map[types.UID]*record
	// names are the records by the names of their pods: of two pods with one name, the older is gone.
	names map[types.NamespacedName]*record
	// untold are the pods whose problem was not written on them yet.
	untold map[types.UID]*record
	// gone are the pods that were deleted recently: the queue may still show them. dropped is when older ones were last dropped.
	gone    map[types.UID]time.Time
	dropped time.Time
	// finished maps pods that ended to their gangs.
	finished map[types.UID]*gang.Gang
	// created maps pods to the pods of gangs that they created.
	created map[types.UID]map[types.UID]struct{}
}

func newPodRecords() podRecords {
	return podRecords{
		records:  map[types.UID]*record{},
		names:    map[types.NamespacedName]*record{},
		untold:   map[types.UID]*record{},
		gone:     map[types.UID]time.Time{},
		finished: map[types.UID]*gang.Gang{},
		created:  map[types.UID]map[types.UID]struct{}{},
	}
}

// record is what the ledger knows of a pod: the gang that it belongs to, or what is wrong with its annotations, or that it
// has none any more.
type record struct {
	ref     gang.Ref
	version string
	gang    *gang.Gang
	problem error
	// creator is the pod that created this one; empty if none did.
	creator types.UID
}

func (r *record) plain() bool { return r.gang == nil && r.problem == nil }

// record starts the record of a pod.
func (l *Ledger) record(pod *corev1.Pod) *record {
	r := &record{
		ref:     gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)},
		version: pod.ResourceVersion,
	}
	l.records[pod.UID], l.names[r.name()] = r, r
	return r
}

// newer says whether version a is later than b; what cannot be compared counts as later.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// recorded returns the records of now.
func (l *Ledger) recorded() map[types.UID]*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.records)
}

// dropGone stops remembering pods that were deleted long ago. It looks only once in a while, so it costs little for each.
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
