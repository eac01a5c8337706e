package gang

import "time"

// Member is what is known of one pod of a gang.
type Member struct {
	UID  string
	Name string
	// Scheduler is the pod's schedulerName.
	Scheduler string
	// Foreign says that no profile of this process serves Scheduler.
	Foreign bool
	Spec    Spec
	// DefaultTimeout is that of the profile that serves Scheduler.
	DefaultTimeout time.Duration
	// DefaultPlacement is that of the profile that serves Scheduler.
	DefaultPlacement Placement
	Priority         int32
	Created          time.Time
	// DefaultReservationTimeout is that of the profile that serves Scheduler.
	DefaultReservationTimeout time.Duration
	// Owner names the object that creates the pod ("Job trainer"), or is empty; OwnerUID is that object's.
	Owner, OwnerUID string
	// Job is the name of the Job of Kubernetes that creates the pod, if one does.
	Job string
	// Index is the pod's completion index, if its controller is an Indexed Job.
	Index string
	// OwnedByPod says that that object is a pod, such as Spark's driver.
	OwnedByPod bool
	// Generation is that of the pod's specification: with another one a gang that did not fit may fit.
	Generation int64
	// Gated says that the pod carries scheduling gates: it does not count until they are gone.
	Gated bool
	// Terminating says that the pod is being deleted.
	Terminating bool
	// Node is where the pod is bound; empty while it is pending. Scheduled is when that was done.
	Node      string
	Scheduled time.Time
	// Placed says that whoever created the pod chose its node.
	Placed bool
}

// member is a Member with what the scheduler did about it.
type member struct {
	Member
	// parked says that the pod is outside the scheduling queue, or was refused there, because of its gang: nobody else wakes it.
	parked bool
	// bindsTo is the node to which the pod is being bound, empty if it is not; reservedAt is when its capacity was reserved there.
	bindsTo    string
	reservedAt time.Time
	// slot is the one that the pod is about to take. misfit says that the pod did not fit there.
	slot   *slot
	misfit bool
	// late says that the pod was first seen when its gang ran; seen numbers the members in the order in which they were first seen.
	late bool
	seen int
	// otherRun says that the pod is of another run of the gang than the current one, and counts for nothing in it.
	otherRun bool
	noticed
}

// started: the pod runs, or nothing but its bind is missing. A pod that is being deleted does not count any more: the
// pods that follow it, if all of a gang goes, are a gang that starts anew.
func (m *member) started() bool {
	return !m.Foreign && !m.Terminating && !m.otherRun && !m.apart() && (m.Node != "" || m.bindsTo != "")
}

// apart: the pod creates others and does not declare them, so it starts by itself, and the others are the gang.
func (m *member) apart() bool { return m.Spec.Creates && m.Spec.Roles.Creator() == nil }

// silent: the pod does not say how many members its gang needs.
func (m *member) silent() bool { return m.Spec.MinAvailable == 0 }

// eligible: the pod is pending and could be placed.
func (m *member) eligible() bool {
	return !m.Foreign && m.Node == "" && m.bindsTo == "" && !m.Gated && !m.Terminating && !m.otherRun && !m.apart()
}

// pending: the pod waits, and can be told why.
func (m *member) pending() bool {
	return !m.Foreign && !m.Terminating && m.Node == "" && m.bindsTo == ""
}

// Ref names a member to those who perform decisions.
type Ref struct {
	Namespace, Name, UID string
}
