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
	// refused says that the pod lies in the scheduling queue because it, or its gang, was refused: nobody else wakes it.
	refused bool
	// pin is the node that the plan has for the pod, rank its place in the order of the plan. again says that the pod has to
	// be popped once more, after those that come first.
	pin   string
	rank  int
	again bool
	// reservedOn is the node whose room the pod holds while it is not bound; since is when that began.
	reservedOn string
	since      time.Time
	// released says that the pod was let out of Permit and is being bound.
	released bool
	// late says that the pod was first seen when its gang ran.
	late bool
	// place is the reserved one that the pod is about to take. misfit says that the pod did not fit there.
	place  *place
	misfit bool
	// otherRun says that the pod is of another run of the gang than the current one, and counts for nothing in it.
	otherRun bool
	// told and toldNumbers are the kind and the numbers of the explanation last written on the pod, toldTimeout what the last
	// timeout said.
	told, toldNumbers, toldTimeout string
	// seen numbers the members in the order in which they were first seen.
	seen int
	// toldRefused is what was said last of an eviction that was refused.
	toldRefused Kind
}

// started: the pod runs, or nothing but its bind is missing. A pod that is being deleted does not count any more: the
// pods that follow it, if all of a gang goes, are a gang that starts anew.
func (m *member) started() bool {
	return !m.Foreign && !m.Terminating && !m.otherRun && !m.apart() && (m.Node != "" || m.released)
}

// apart: the pod leads and does not declare whom, so it starts by itself, and the others are the gang.
func (m *member) apart() bool { return m.Spec.Leads && m.Spec.Roles.Leader() == nil }

// silent: the pod does not say how many members its gang needs.
func (m *member) silent() bool { return m.Spec.MinAvailable == 0 }

// holding: the pod holds room for a gang that may still fail.
func (m *member) holding() bool { return m.Node == "" && m.reservedOn != "" && !m.released }

// eligible: the pod is pending and could be placed.
func (m *member) eligible() bool {
	return !m.Foreign && m.Node == "" && !m.released && !m.Gated && !m.Terminating && !m.otherRun && !m.apart()
}

// pending: the pod waits, and can be told why.
func (m *member) pending() bool {
	return !m.Foreign && !m.Terminating && m.Node == "" && !m.released
}

// Ref names a member to those who perform decisions.
type Ref struct {
	Namespace, Name, UID string
}

// tally counts a gang's members, kept up to date member by member.
type tally struct {
	eligible, started, binding, holding, leaving, gated, refused, pinned, apart, unnamed int
	// standby counts the members that could be placed and lie refused in the queue, called those of them that have a node.
	standby, called int

	claims, startedClaims claims
	// roles counts the members that could be placed or run, startedRoles those that run, planned those that a plan has a node for or
	// that hold room.
	roles, startedRoles, planned map[string]int
}

func (t *tally) count(m *member, by int) {
	add := func(n *int, yes bool) {
		if yes {
			*n += by
		}
	}
	t.countRefused(m, by)
	add(&t.eligible, m.eligible())
	add(&t.started, m.started())
	add(&t.binding, m.started() && m.Node == "")
	add(&t.holding, m.holding())
	add(&t.leaving, m.holding() && m.Terminating)
	pinned := m.pin != "" && m.eligible() && !m.holding()
	add(&t.pinned, pinned)
	add(&t.apart, m.apart() && !m.Terminating && !m.otherRun)
	add(&t.unnamed, m.silent() && m.Spec.Unnamed && !m.Terminating && !m.otherRun)
	add(&t.gated, m.pending() && m.Gated && !m.otherRun)
	t.countClaims(m, by)
	if m.Spec.Role != "" {
		t.countRole(m, pinned, by)
	}
}

func (t *tally) countRefused(m *member, by int) {
	if !m.refused {
		return
	}
	t.refused += by
	if !m.eligible() {
		return
	}
	t.standby += by
	if m.pin != "" || m.reservedOn != "" {
		t.called += by
	}
}

func (t *tally) countClaims(m *member, by int) {
	if m.silent() || m.otherRun {
		return
	}
	if !m.Terminating {
		t.claims.count(m, by)
	}
	if m.started() {
		t.startedClaims.count(m, by)
	}
}

func (t *tally) countRole(m *member, pinned bool, by int) {
	if m.otherRun {
		return
	}
	if m.eligible() || m.started() {
		t.roles[m.Spec.Role] += by
	}
	if m.started() {
		t.startedRoles[m.Spec.Role] += by
	}
	if pinned || m.holding() && !m.Terminating {
		t.planned[m.Spec.Role] += by
	}
}
