package gang

import "time"

// Member is the observed state of one pod of a gang.
type Member struct {
	UID  string
	Name string
	// Scheduler is the pod's schedulerName.
	Scheduler string
	// Foreign is true if no profile of this process serves Scheduler.
	Foreign bool
	Spec    Spec
	// DefaultTimeout is the default timeout of the profile that serves Scheduler.
	DefaultTimeout time.Duration
	// DefaultPlacement is the default placement of that profile.
	DefaultPlacement Placement
	Priority         int32
	Created          time.Time
	// DefaultReservationTimeout is the default reservation timeout of that profile.
	DefaultReservationTimeout time.Duration
	// Owner names the object that creates the pod ("Job trainer"), or is empty; OwnerUID is its UID.
	Owner, OwnerUID string
	// Job is the name of the Kubernetes Job that creates the pod, or empty.
	Job string
	// Index is the pod's completion index, if its controller is an Indexed Job.
	Index string
	// OwnedByPod is true if the owner is a pod, such as Spark's driver.
	OwnedByPod bool
	// Generation is the generation of the pod's specification: a changed pod may fit where it did not before.
	Generation int64
	// Gated is true if the pod carries scheduling gates. It does not count until they are removed.
	Gated bool
	// Terminating is true if the pod is being deleted.
	Terminating bool
	// Node is the node of the pod; empty while it is pending. Scheduled is when it was bound.
	Node      string
	Scheduled time.Time
	// Placed is true if the pod was created with a node.
	Placed bool
	// Deadline is how long the pod may run before the kubelet ends it (spec.activeDeadlineSeconds); 0 means no deadline.
	Deadline time.Duration
}

// member is a Member with its scheduling state.
type member struct {
	Member
	// parked is true if the pod is outside the scheduling queue, or was refused there, because of its gang. Only the gang activates
	// it.
	parked bool
	// bindsTo is the node to which the pod is being bound, empty if it is not; reservedAt is when its capacity was reserved.
	bindsTo    string
	reservedAt time.Time
	// slot is the slot that the pod is about to take. misfit is true if the pod did not fit there.
	slot   *slot
	misfit bool
	// late is true if the gang already ran when the pod was first seen; seen numbers the members in the order in which they were first
	// seen.
	late bool
	seen int
	// otherRun is true if the pod belongs to another run of the gang than the current one, and does not count for it.
	otherRun bool
	// ungated is when this process saw that the pod's scheduling gates are gone, zero if the pod never had any since it was first seen.
	ungated time.Time
	noticed
}

// started: the pod runs, or only its binding is outstanding. A terminating pod no longer counts: when a whole gang is deleted, the
// pods created later have to start as a gang again.
func (m *member) started() bool {
	return !m.Foreign && !m.Terminating && !m.otherRun && !m.apart() && (m.Node != "" || m.bindsTo != "")
}

// apart: the pod creates others and does not declare them. It starts on its own, and the others are the gang.
func (m *member) apart() bool { return m.Spec.Creates && m.Spec.Roles.Creator() == nil }

// present: the pod is a member of the gang's current run, and stays.
func (m *member) present() bool { return !m.Foreign && !m.Terminating && !m.otherRun }

// silent: the pod does not specify how many members its gang needs.
func (m *member) silent() bool { return m.Spec.MinAvailable == 0 }

// eligible: the pod is pending and can be scheduled.
func (m *member) eligible() bool {
	return !m.Foreign && m.Node == "" && m.bindsTo == "" && !m.Gated && !m.Terminating && !m.otherRun && !m.apart()
}

// pending: the pod waits, and an event can explain why.
func (m *member) pending() bool {
	return !m.Foreign && !m.Terminating && m.Node == "" && m.bindsTo == ""
}

// Ref identifies a member in a decision.
type Ref struct {
	Namespace, Name, UID string
}
