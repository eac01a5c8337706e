package gang

import (
	"cmp"
	"slices"
	"time"
)

// Status describes a gang at one moment. It is the one read model: metrics, pages and tests read it. It shares no memory with the
// gang, and its JSON field names are stable.
type Status struct {
	Key   Key   `json:"key"`
	Phase Phase `json:"phase"`
	Needs Needs `json:"needs"`
	// Partial is true if the gang runs with fewer members than it needs while others wait to join it.
	Partial bool `json:"partial,omitempty"`
	// Attempts is the number of gang cycles since the gang last started, or since this process first saw it.
	Attempts int `json:"attempts,omitempty"`
	// Members are the members whose pods exist: first those that have not ended, the oldest first, then the finished ones in the order
	// in which they ended.
	Members []MemberStatus `json:"members"`
	// Nodes are the nodes on which members use capacity or slots hold it, sorted by name.
	Nodes []NodeStatus `json:"nodes,omitempty"`
	// Why explains what the gang waits for. Its kind is empty if it waits for nothing. Events and conditions on its members are
	// rendered from the same explanation. It is not part of the JSON; internal/events renders it as text.
	Why Explanation `json:"-"`
	// Shortage is the shortage of the last plan if the gang is parked because of it, otherwise zero.
	Shortage ShortageStatus `json:"shortage,omitzero"`
	// Slots are held for members that do not exist yet or are about to take them, sorted by role, node and member.
	Slots []SlotStatus `json:"slots,omitempty"`
	// Queue is the name of the queue that the gang is in, Position the number of gangs of that queue that go first, and SetAside the
	// capacity that is set aside for the gang. The gang does not know the first two: the caller fills them in. Position is nil, and so is
	// SetAside, if the gang does not wait for its turn.
	Queue    string          `json:"queue,omitempty"`
	Position *int            `json:"position,omitempty"`
	SetAside *SetAsideStatus `json:"setAside,omitempty"`
	// Domains are those in which all members with a node are, of the topology keys that the gang asks for, in that order. The gang does not
	// know the labels of nodes: the caller fills them in.
	Domains []DomainStatus `json:"domains,omitempty"`
	// TopologyKeys are the keys of node labels that the gang and its roles ask for in their topology, sorted. They are not part of the
	// JSON.
	TopologyKeys []string `json:"-"`
	Times
}

// DomainStatus is a topology domain: the key of a node label, and its value.
type DomainStatus struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// SetAsideStatus is capacity that is set aside for a gang that was passed by for too long.
type SetAsideStatus struct {
	// Held is the number of members for which capacity is set aside, Of the number that the gang needs.
	Held int `json:"held"`
	Of   int `json:"of"`
	// StartsAt is when the gang is expected to start, and After what ends last until then. StartsAt is zero if that is unknown.
	StartsAt time.Time `json:"startsAt,omitzero"`
	After    string    `json:"after,omitempty"`
}

// Needs is what a gang needs to start, and what it has.
type Needs struct {
	// MinAvailable is 0 while it is unknown: no member declares it, or members disagree.
	MinAvailable int `json:"minAvailable"`
	// Have is the number of members that are eligible, run or are done, Running the number of those that run or are done.
	Have    int `json:"have"`
	Running int `json:"running"`
	// Roles are in the order of their declaration.
	Roles []RoleStatus `json:"roles,omitempty"`
}

// RoleStatus is what a gang needs of a role, and what it has.
type RoleStatus struct {
	Name string `json:"name"`
	Min  int    `json:"min"`
	// Have and Running count like those of Needs.
	Have    int `json:"have"`
	Running int `json:"running"`
	// Creates is true if members of the role create the others.
	Creates bool `json:"creates,omitempty"`
}

// MemberState is the scheduling state of a member.
type MemberState string

// The states of a member.
const (
	// MemberForeign: another scheduler is responsible for the pod.
	MemberForeign MemberState = "Foreign"
	// MemberTerminating: the pod is being deleted.
	MemberTerminating MemberState = "Terminating"
	// MemberGated: the pod waits, and carries scheduling gates.
	MemberGated MemberState = "Gated"
	// MemberPending: the pod waits and has no node.
	MemberPending MemberState = "Pending"
	// MemberPlanned: the pod is about to take a slot on its node.
	MemberPlanned MemberState = "Planned"
	// MemberBinding: the pod is being bound to its node.
	MemberBinding MemberState = "Binding"
	// MemberBound: the pod is bound to its node.
	MemberBound MemberState = "Bound"
	// MemberSucceeded and MemberFailed: the pod ended.
	MemberSucceeded MemberState = "Succeeded"
	MemberFailed    MemberState = "Failed"
)

// Ended reports whether the member's pod ended.
func (s MemberState) Ended() bool { return s == MemberSucceeded || s == MemberFailed }

// Waits reports whether the member waits for a node.
func (s MemberState) Waits() bool {
	return s == MemberGated || s == MemberPending || s == MemberPlanned
}

// MemberStatus is a member of a gang.
type MemberStatus struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
	Role string `json:"role,omitempty"`
	// Node is the node on which the member is or was, or to which it is being bound.
	Node  string      `json:"node,omitempty"`
	State MemberState `json:"state"`
	// Apart is true if the member does not count for what its gang needs: it belongs to another run, or is a creator that starts on
	// its own.
	Apart bool `json:"apart,omitempty"`
}

// takesCapacity reports whether the member uses capacity on its node.
func (m MemberStatus) takesCapacity() bool {
	return m.Node != "" && m.State != MemberPlanned && !m.State.Ended()
}

// NodeStatus is what a gang uses of a node.
type NodeStatus struct {
	Name string `json:"name"`
	// Members is the number of members that use capacity there, Slots the number of slots held there.
	Members int `json:"members,omitempty"`
	Slots   int `json:"slots,omitempty"`
}

// ShortageStatus describes the shortage of a plan.
type ShortageStatus struct {
	// Members is the minimum number of members that still need a node; 0 if it is unknown.
	Members int `json:"members,omitempty"`
	// Resource is the resource that was short, if it was a single one. Each is the request of one member, Largest the largest free
	// amount on a node. Both are Kubernetes quantities.
	Resource string `json:"resource,omitempty"`
	Each     string `json:"each,omitempty"`
	Largest  string `json:"largest,omitempty"`
	// Anything is true if members failed for more than capacity on single nodes, so that any change may help.
	Anything bool `json:"anything,omitempty"`
}

// SlotStatus is capacity that is held on a node for a member that is not bound.
type SlotStatus struct {
	Role string `json:"role"`
	Node string `json:"node"`
	// Member is the name of the member that is about to take the slot, empty while it is held.
	Member string `json:"member,omitempty"`
}

// Times holds the timestamps of a gang's state changes, past and expected.
type Times struct {
	// At is when the status was taken.
	At time.Time `json:"at"`
	// Since is when the gang began to wait, that is, when its first pod was created; Started is when it started, zero while it waits.
	// Both are zero if the gang already ran when this process first saw it.
	Since   time.Time `json:"since,omitzero"`
	Started time.Time `json:"started,omitzero"`
	// NextTry is when the gang is retried even if nothing changes; zero means that only a relevant change leads to a retry.
	NextTry time.Time `json:"nextTry,omitzero"`
	// SlotsUntil is when the remaining slots expire; zero until a creator runs.
	SlotsUntil time.Time `json:"slotsUntil,omitzero"`
}

// Waited is how long the gang has waited, or had waited when it started. It is unknown for a gang that ran when it was first seen.
func (t Times) Waited() (waited time.Duration, known bool) {
	switch {
	case t.Since.IsZero():
		return 0, false
	case t.Started.IsZero():
		return t.At.Sub(t.Since), true
	}
	return t.Started.Sub(t.Since), true
}

// Count returns the number of members with a state for which yes returns true.
func (s *Status) Count(yes func(MemberState) bool) int {
	n := 0
	for i := range s.Members {
		if yes(s.Members[i].State) {
			n++
		}
	}
	return n
}

// Status returns the status of the gang. It visits every member, so do not call it for each event.
func (g *Gang) Status(now time.Time) Status {
	phase := g.Phase()
	s := Status{
		Key: g.Key, Phase: phase, Needs: g.needs(), Partial: g.Partial(), Attempts: g.attempts - g.attemptsBefore,
		Members: g.memberStatuses(), Slots: g.slotStatuses(), Shortage: g.shortageIn(phase), SetAside: g.setAside.status(now),
		TopologyKeys: g.TopologyKeys(), Times: g.times(now),
	}
	s.Nodes = nodeStatuses(s.Members, s.Slots)
	if why := g.Explain(); why.Kind != "" {
		s.Why = why.clone()
	}
	return s
}

func (g *Gang) needs() Needs {
	n := Needs{MinAvailable: g.Need(), Have: g.have(), Running: g.tally.started + g.done}
	for _, r := range g.shape().All() {
		done := g.doneOf[r.Name]
		n.Roles = append(n.Roles, RoleStatus{
			Name: r.Name, Min: int(r.Min), Creates: r.Creates,
			Have: g.tally.roles[r.Name] + done, Running: g.tally.startedRoles[r.Name] + done,
		})
	}
	return n
}

func (g *Gang) memberStatuses() []MemberStatus {
	members := make([]*member, 0, len(g.members))
	for uid, m := range g.each() {
		if _, ended := g.finished[uid]; !ended {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, compareMembers)
	ended := make([]Finished, 0, len(g.finished))
	for uid := range g.finished {
		ended = append(ended, g.finished[uid])
	}
	slices.SortFunc(ended, func(a, b Finished) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
	})
	all := make([]MemberStatus, 0, len(members)+len(ended))
	for _, m := range members {
		all = append(all, m.status())
	}
	for i := range ended {
		f := &ended[i]
		s := MemberStatus{Name: f.Name, UID: f.UID, Role: f.Role, Node: f.Node, State: MemberFailed}
		if f.Succeeded {
			s.State = MemberSucceeded
		}
		all = append(all, s)
	}
	return all
}

func (m *member) status() MemberStatus {
	s := MemberStatus{
		Name: m.Name, UID: m.UID, Role: m.Spec.Role, Node: cmp.Or(m.Node, m.bindsTo), State: m.state(), Apart: m.apart() || m.otherRun,
	}
	if s.State == MemberPlanned {
		s.Node = m.slot.node
	}
	return s
}

func (m *member) state() MemberState {
	switch {
	case m.Foreign:
		return MemberForeign
	case m.Terminating:
		return MemberTerminating
	case m.Node != "":
		return MemberBound
	case m.bindsTo != "":
		return MemberBinding
	case m.Gated:
		return MemberGated
	case m.slot != nil:
		return MemberPlanned
	}
	return MemberPending
}

func (g *Gang) slotStatuses() []SlotStatus {
	if len(g.held) == 0 {
		return nil
	}
	slots := make([]SlotStatus, 0, len(g.held))
	for _, p := range g.held {
		s := SlotStatus{Role: p.role.Name, Node: p.node}
		if p.taker != nil {
			s.Member = p.taker.Name
		}
		slots = append(slots, s)
	}
	slices.SortFunc(slots, func(a, b SlotStatus) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Member, b.Member))
	})
	return slots
}

// nodeStatuses sums up the members and slots of each node.
func nodeStatuses(members []MemberStatus, slots []SlotStatus) []NodeStatus {
	byName := map[string]NodeStatus{}
	for _, m := range members {
		if m.takesCapacity() {
			n := byName[m.Node]
			n.Members++
			byName[m.Node] = n
		}
	}
	for _, s := range slots {
		if s.Member == "" {
			n := byName[s.Node]
			n.Slots++
			byName[s.Node] = n
		}
	}
	if len(byName) == 0 {
		return nil
	}
	nodes := make([]NodeStatus, 0, len(byName))
	for name, n := range byName {
		n.Name = name
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b NodeStatus) int { return cmp.Compare(a.Name, b.Name) })
	return nodes
}

// shortageIn is the shortage of the last plan, if the gang, which is in this phase, waits because of it.
func (g *Gang) shortageIn(phase Phase) ShortageStatus {
	if phase != Ready || g.failure == nil || g.failure.Kind != KindUnplaced && g.failure.Kind != KindTooLarge {
		return ShortageStatus{}
	}
	lack, _, _ := g.FirstShortage()
	return lack.status(g.failure.Short)
}

// status describes the shortage of a plan that lacked a single resource, or with nil several.
func (s Shortage) status(short *Shortfall) ShortageStatus {
	status := ShortageStatus{Members: s.Missing, Anything: s.Anything}
	if short != nil {
		status.Resource, status.Each, status.Largest = short.Resource, short.Each, short.Largest
	}
	return status
}

func (g *Gang) times(now time.Time) Times {
	t := Times{At: now, NextTry: g.nextTryIn(g.Phase()), SlotsUntil: g.until}
	switch {
	case !g.ran || g.tally.started == 0:
		t.Since = g.since
	case g.waited != nil:
		t.Since, t.Started = g.since, g.since.Add(*g.waited)
	}
	return t
}

// nextTryIn is when the gang, which is in this phase, is retried even if nothing changes, or zero.
func (g *Gang) nextTryIn(phase Phase) time.Time {
	switch {
	case !g.refusedAt.IsZero():
		return g.refusedAt.Add(backoff(g.unbound + 1))
	case g.evicting != "":
		return g.eviction.at.Add(g.eviction.pause())
	case phase != Ready:
		return time.Time{}
	}
	next := g.retryAt
	for _, until := range g.avoided {
		if next.IsZero() || until.Before(next) {
			next = until
		}
	}
	return next
}

// clone returns a copy that shares no memory with e.
func (e Explanation) clone() Explanation {
	if e.Short != nil {
		e.Short = new(*e.Short)
	}
	if e.Lacking != nil {
		e.Lacking = new(*e.Lacking)
	}
	if e.Queue != nil {
		e.Queue = new(*e.Queue)
	}
	if e.SetAside != nil {
		e.SetAside = new(*e.SetAside)
	}
	e.Claims, e.Shares = slices.Clone(e.Claims), slices.Clone(e.Shares)
	return e
}
