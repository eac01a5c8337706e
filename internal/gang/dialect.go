package gang

import (
	"cmp"
	"time"
)

// TimeoutAnnotation lets a gang set its own timeout, whatever its dialect. Its value is a Go duration ("30s", "5m").
// If members set different ones, the longest counts.
const TimeoutAnnotation = "kubenexus.io/schedule-timeout"

// PlacementAnnotation lets a gang choose how it is placed, whatever its dialect. If members say different things, the
// oldest is followed.
const PlacementAnnotation = "kubenexus.io/placement"

// Placement is how a gang's members are placed on nodes.
type Placement string

// The placements, as users write them.
const (
	// Pack fills the nodes with the least room first, which keeps room in one piece for the next gang.
	Pack Placement = "pack"
	// Spread puts as few members on each node as it can.
	Spread Placement = "spread"
)

// ParsePlacement reads a placement; known is false if there is none of this name.
func ParsePlacement(text string) (p Placement, known bool) {
	p = Placement(text)
	return p, p == Pack || p == Spread
}

// ReservationTimeoutAnnotation says how long room is held for members that a leader declared and that do not exist yet, from
// when the leader was bound. Its value is a Go duration.
const ReservationTimeoutAnnotation = "kubenexus.io/reservation-timeout"

// ReservationAnnotation is where the scheduler writes, on a leader, the room that it holds for the others.
const ReservationAnnotation = "kubenexus.io/reservation"

// RestartPolicyAnnotation says what happens when a gang that runs loses members. If members say different things, the oldest
// that says anything is followed, here and for OnPartialAnnotation.
const RestartPolicyAnnotation = "kubenexus.io/restart-policy"

// RestartPolicy is what happens when a gang that runs loses members.
type RestartPolicy string

// The restart policies, as users write them.
const (
	// Replace lets a member that replaces a lost one start as soon as it fits.
	Replace RestartPolicy = "replace"
	// WholeGang evicts what is left of a gang that has fewer than min-available members, so that all start together again.
	WholeGang RestartPolicy = "whole-gang"
)

// OnPartialAnnotation says what happens to a gang of which only a part could be bound, when its timeout passes.
const OnPartialAnnotation = "kubenexus.io/on-partial"

// OnPartial is what happens to the members that run when the others cannot follow.
type OnPartial string

// What users write for it.
const (
	// WaitOnPartial lets them run and the others wait.
	WaitOnPartial OnPartial = "wait"
	// EvictOnPartial evicts them.
	EvictOnPartial OnPartial = "evict"
)

// MaxTimeout is the longest timeout that a gang or a configuration may ask for.
const MaxTimeout = 24 * time.Hour

// MaxNameLength is the longest gang name, in bytes: that of a Kubernetes object.
const MaxNameLength = 253

// Dialect is one way of saying "I belong to gang X" in the annotations of a pod.
type Dialect struct {
	// Name tells the dialect apart from others; it is also the name of the scheduler plugin that speaks it.
	Name string
	// GroupAnnotation holds the gang's name.
	GroupAnnotation string
	// MinAvailableAnnotation holds how many members must be placed for any to start.
	MinAvailableAnnotation string
	// DefaultTimeout is how long a gang may stay incomplete or unplaced before its attempt counts as failed.
	DefaultTimeout time.Duration
}

// Coscheduling is the dialect of the pod-group annotations.
func Coscheduling() Dialect {
	return Dialect{
		Name:                   "Coscheduling",
		GroupAnnotation:        "pod-group.scheduling.sigs.k8s.io/name",
		MinAvailableAnnotation: "pod-group.scheduling.sigs.k8s.io/min-available",
		DefaultTimeout:         10 * time.Second,
	}
}

// BatchPermit is the dialect of the batch annotations.
func BatchPermit() Dialect {
	return Dialect{
		Name:                   "BatchPermit",
		GroupAnnotation:        "batch.scheduling.k8s.io/group",
		MinAvailableAnnotation: "batch.scheduling.k8s.io/min-available",
		DefaultTimeout:         10 * time.Minute,
	}
}

// Dialects returns every dialect that is spoken. A new dialect is added here and in docs/architecture.md.
func Dialects() []Dialect {
	return []Dialect{Coscheduling(), BatchPermit()}
}

// Key is the identity of a gang. One name in two namespaces, in two dialects, or on pods of two instances of a template, is two gangs.
type Key struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Dialect   string `json:"convention"`
	Instance  string `json:"instance,omitempty"`
}

// String is how a gang is called in sentences that users read: "namespace/name".
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Compare orders keys: by namespace, name, dialect, then instance. It is negative if k comes before o.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Namespace, o.Namespace), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Dialect, o.Dialect),
		cmp.Compare(k.Instance, o.Instance))
}
