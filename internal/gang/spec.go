package gang

import "time"

// Spec is what a member says about its gang. internal/conventions reads it from the pod.
type Spec struct {
	// Convention is the name of the convention that the member uses.
	Convention string
	// Name is the gang's name within its namespace and convention. It is empty where the pod says only min-available, until its instance
	// is known.
	Name string
	// Instance tells gangs of one name apart that were made from one template, Revision the pods of one controller that it made from
	// different versions of its template. Both may be empty.
	Instance, Revision string
	// MinAvailable is how many members must be placed for any to start. 0 means that the pod leaves it to others to say.
	MinAvailable int32
	// Unnamed says that the pod names no gang: only Spark's labels say what it belongs to.
	Unnamed bool
	// Timeout is the gang's own timeout; 0 means the profile's default.
	Timeout time.Duration
	// Placement is how the gang's members are to be placed; empty means as the profile says.
	Placement Placement
	// Role is the pod's role, or empty. Creates says that pods of this role create the others.
	Role    string
	Creates bool
	// Roles are what the pod declares about its gang, or nil.
	Roles *Roles
	// ReservationTimeout is how long room is held for members that do not exist yet; 0 means the profile's default.
	ReservationTimeout time.Duration
	// RestartPolicy and OnPartial are empty where the pod does not say.
	RestartPolicy RestartPolicy
	OnPartial     OnPartial
}

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

// RestartPolicy is what happens when a gang that runs loses members.
type RestartPolicy string

// The restart policies, as users write them.
const (
	// Replace lets a member that replaces a lost one start as soon as it fits.
	Replace RestartPolicy = "replace"
	// WholeGang evicts what is left of a gang that has fewer than min-available members, so that all start together again.
	WholeGang RestartPolicy = "whole-gang"
)

// OnPartial is what happens to the members that run when the others cannot follow.
type OnPartial string

// What users write for it.
const (
	// WaitOnPartial lets them run and the others wait.
	WaitOnPartial OnPartial = "wait"
	// EvictOnPartial evicts them.
	EvictOnPartial OnPartial = "evict"
)
