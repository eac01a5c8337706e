package gang

// tally counts a gang's members. It is updated member by member.
type tally struct {
	// eligible counts the eligible members, started those that run or are being bound, binding those that are being bound.
	eligible, started, binding int
	// gated counts the members with scheduling gates, apart the creators that start on their own, unnamed the members that name no
	// gang.
	gated, apart, unnamed int
	// parked counts the parked members, standby the eligible ones among them.
	parked, standby int

	claims, startedClaims statements[Claim]
	// shares are what members state of their gang's share, startedShares what running members do. sharing counts the eligible members
	// that state any of it.
	shares, startedShares [aspects]stated
	sharing               map[stance]int
	// ending are the queues that members name which are being deleted and still use capacity.
	ending stated
	// endless counts the members without a deadline.
	endless int
	// roles counts the members that are eligible or run, startedRoles those that run.
	roles, startedRoles map[string]int
}

func (t *tally) count(m *member, by int) {
	add := func(n *int, yes bool) {
		if yes {
			*n += by
		}
	}
	add(&t.parked, m.parked)
	add(&t.standby, m.parked && m.eligible())
	add(&t.eligible, m.eligible())
	add(&t.started, m.started())
	add(&t.binding, m.started() && m.Node == "")
	add(&t.apart, m.apart() && !m.Terminating && !m.otherRun)
	add(&t.unnamed, m.silent() && m.Spec.Unnamed && !m.Terminating && !m.otherRun)
	add(&t.gated, m.pending() && m.Gated && !m.otherRun)
	add(&t.endless, m.Deadline == 0 && m.present() && !m.apart())
	t.countClaims(m, by)
	t.countShare(m, by)
	if m.Spec.Role != "" && !m.otherRun {
		t.countRole(m, by)
	}
}

func (t *tally) countClaims(m *member, by int) {
	if m.silent() || m.otherRun {
		return
	}
	if !m.Terminating {
		t.claims.count(m.claim(), m, by)
	}
	if m.started() {
		t.startedClaims.count(m.claim(), m, by)
	}
}

func (t *tally) countRole(m *member, by int) {
	if m.eligible() || m.started() {
		addTo(t.roles, m.Spec.Role, by)
	}
	if m.started() {
		addTo(t.startedRoles, m.Spec.Role, by)
	}
}
