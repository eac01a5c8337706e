package gang

import "time"

// Spec is what a member declares about its gang. internal/conventions reads it from the pod.
type Spec struct {
	// Convention is the name of the convention that the member uses.
	Convention string
	// Name is the gang's name within its namespace and convention. It is empty if the pod declares only min-available, until its
	// instance is known.
	Name string
	// Instance distinguishes gangs of one name that come from one template. Revision distinguishes the pods that a controller created
	// from different versions of its template. Both may be empty.
	Instance, Revision string
	// MinAvailable is the number of members that must be scheduled for any to start. 0 means that other members specify it.
	MinAvailable int32
	// Unnamed is true if the pod names no gang and only Spark's labels identify it.
	Unnamed bool
	// Timeout is the gang's own timeout; 0 means the profile's default.
	Timeout time.Duration
	// Placement is the placement of the gang's members; empty means the profile's default.
	Placement Placement
	// Role is the pod's role, or empty. Creates is true if pods of this role create the others.
	Role    string
	Creates bool
	// Roles are the roles that the pod declares for its gang, or nil.
	Roles *Roles
	// ReservationTimeout is how long slots are held for members that do not exist yet; 0 means the profile's default.
	ReservationTimeout time.Duration
	// RestartPolicy and OnPartial are empty if the pod does not set them.
	RestartPolicy RestartPolicy
	OnPartial     OnPartial
	// Share is what the pod says about the gang's share of the cluster.
	Share
}

// Placement is how a gang's members are placed on nodes.
type Placement string

// The placements, as users write them.
const (
	// Pack fills the nodes with the least free capacity first. It leaves whole nodes free for the next gang.
	Pack Placement = "pack"
	// Spread puts as few members on each node as possible.
	Spread Placement = "spread"
)

// ParsePlacement parses a placement; known is false if the text is none of the values.
func ParsePlacement(text string) (p Placement, known bool) {
	p = Placement(text)
	return p, p == Pack || p == Spread
}

// RestartPolicy is the response to a running gang that loses members.
type RestartPolicy string

// The restart policies, as users write them.
const (
	// Replace lets the replacement of a lost member start as soon as it fits.
	Replace RestartPolicy = "replace"
	// WholeGang evicts the rest of a gang that has fewer than min-available members, so that all members start together again.
	WholeGang RestartPolicy = "whole-gang"
)

// OnPartial is the response when only a part of a gang could be bound.
type OnPartial string

// The values, as users write them.
const (
	// WaitOnPartial keeps the bound members running while the others wait.
	WaitOnPartial OnPartial = "wait"
	// EvictOnPartial evicts the bound members.
	EvictOnPartial OnPartial = "evict"
)
