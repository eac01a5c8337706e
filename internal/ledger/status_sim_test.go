package ledger_test

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// checkStatuses compares the ledger's statuses with the simulation: the members of each gang, their states, and the capacity that
// the gang uses on each node. The statuses are in the scheduling order, and Status returns the same for a single gang.
func checkStatuses(t *rapid.T, s *simulation) {
	if s.wrong != "" {
		t.Fatalf("%s\n%s", s.wrong, s)
	}
	statuses := s.ledger.Statuses()
	members, nodes := map[string]gang.MemberState{}, map[string]gang.NodeStatus{}
	last := int32(1 << 30)
	for i := range statuses {
		status := &statuses[i]
		alone, known := s.ledger.Status(status.Key)
		if diff := cmp.Diff(*status, alone); diff != "" || !known {
			t.Fatalf("Status of %s, known %t, differs from Statuses (-Statuses +Status):\n%s", status.Key, known, diff)
		}
		priority := int32(0)
		for _, m := range status.Members {
			members[m.Name] = m.State
			p := s.pod(m.Name)
			if p == nil || p.group != status.Key.Name {
				t.Fatalf("%s is not a member of %s\n%s", m.Name, status.Key, s)
			}
			if takes := m.State != gang.MemberPlanned && m.Node != ""; takes && m.Node != p.node {
				t.Fatalf("%s is on node %q, and its status is %+v\n%s", m.Name, p.node, m, s)
			}
			if !m.State.Ended() && !m.Apart {
				priority = max(priority, corev1helpers.PodPriority(p.pod))
			}
		}
		if priority > last {
			t.Fatalf("%s comes after a gang of priority %d, but has priority %d\n%s", status.Key, last, priority, s)
		}
		last = priority
		for _, n := range status.Nodes {
			key := status.Key.Name + " on " + n.Name
			sum := nodes[key]
			nodes[key] = gang.NodeStatus{Members: sum.Members + n.Members, Slots: sum.Slots + n.Slots}
		}
	}
	if diff := cmp.Diff(s.knownMembers(statuses), members); diff != "" {
		t.Fatalf("members (-simulation +statuses):\n%s\n%s", diff, s)
	}
	checkTurns(t, s.ledger)
	if !s.ledger.MovesWait() { // otherwise the simulation has not applied the latest moves
		if diff := cmp.Diff(s.knownNodes(), nodes); diff != "" {
			t.Fatalf("nodes (-simulation +statuses):\n%s\n%s", diff, s)
		}
	}
}

// pod returns an existing pod, or nil.
func (s *simulation) pod(name string) *simPod {
	if p := s.pods[name]; p != nil {
		return p
	}
	return s.ended[name]
}

// identity distinguishes gangs of one name: executors with only Spark's labels do not belong to the gang that annotations name.
func (p *simPod) identity() string {
	return p.group + p.pod.Labels["spark-app-selector"]
}

// knownMembers returns the members of gangs and their states. For waiting members, only the gang knows whether it has planned them.
func (s *simulation) knownMembers(statuses []gang.Status) map[string]gang.MemberState {
	planned, listed := map[string]bool{}, map[string]bool{}
	for i := range statuses {
		for _, m := range statuses[i].Members {
			planned[m.Name] = m.State == gang.MemberPlanned
			listed[s.pod(m.Name).identity()] = true
		}
	}
	known := map[string]gang.MemberState{}
	for name, p := range s.pods {
		if p.group == "" {
			continue
		}
		switch {
		case p.at == bound:
			known[name] = gang.MemberBound
		case p.at == binding:
			known[name] = gang.MemberBinding
		case len(p.pod.Spec.SchedulingGates) > 0:
			known[name] = gang.MemberGated
		case planned[name]:
			known[name] = gang.MemberPlanned
		default:
			known[name] = gang.MemberPending
		}
	}
	for name, p := range s.ended {
		if !listed[p.identity()] { // all members of its gang have ended
			continue
		}
		known[name] = gang.MemberFailed
		if p.pod.Status.Phase == "Succeeded" {
			known[name] = gang.MemberSucceeded
		}
	}
	return known
}

// knownNodes returns what gangs use on nodes, by the names of the gang and the node.
func (s *simulation) knownNodes() map[string]gang.NodeStatus {
	known := map[string]gang.NodeStatus{}
	for _, p := range s.pods {
		if p.group != "" && slices.Contains([]place{bound, binding}, p.at) {
			n := known[p.group+" on "+p.node]
			n.Members++
			known[p.group+" on "+p.node] = n
		}
	}
	for id, node := range s.held {
		n := known[id.Gang.Name+" on "+node]
		n.Slots++
		known[id.Gang.Name+" on "+node] = n
	}
	return known
}

// checkNeeds compares the needs of gangs without roles with the simulation. All of these gangs run once any member does.
func checkNeeds(t *rapid.T, s *simulation, needs map[string]int) {
	for _, status := range s.ledger.Statuses() {
		name := status.Key.Name
		want := gang.Needs{MinAvailable: needs[name]}
		states := s.knownMembers(nil)
		for _, pod := range slices.Sorted(maps.Keys(states)) {
			if state := states[pod]; s.pods[pod].group == name && state != gang.MemberGated {
				want.Have++
				if state == gang.MemberBound || state == gang.MemberBinding {
					want.Running++
				}
			}
		}
		if diff := cmp.Diff(want, status.Needs); diff != "" {
			t.Fatalf("gang %s (-simulation +status):\n%s\n%s", name, diff, s)
		}
		runs, complete := status.Phase == gang.Running, status.Phase == gang.Ready || status.Phase == gang.Placing
		if runs != (want.Running > 0) || complete != (want.Running == 0 && want.Have >= want.MinAvailable) {
			t.Fatalf("gang %s is %s, and needs %+v\n%s", name, status.Phase, want, s)
		}
		if s.count(name, binding) > 0 {
			continue // whether the gang is short is unknown until a member is bound
		}
		if waits := status.Why.Kind != ""; waits != (want.Running < want.MinAvailable) {
			t.Fatalf("gang %s needs %+v, and its explanation is of kind %q\n%s", name, want, status.Why.Kind, s)
		}
	}
}

// checkTold checks that an event of a waiting member has the sentence of its gang's status at that time.
func (s *simulation) checkTold(decisions []gang.Decision) {
	for _, decision := range decisions {
		notified, ok := decision.(gang.Notify)
		if !ok || !slices.Contains([]gang.Kind{
			gang.KindIncomplete, gang.KindDisagree, gang.KindUnplaced, gang.KindTooLarge, gang.KindNotBound,
			gang.KindRestarting, gang.KindEvictionRefused,
		}, notified.Kind) {
			continue
		}
		status, known := s.ledger.Status(notified.Gang)
		if why := events.Explain(status.Why); !known || why.Sentence != events.For(notified.Explanation).Note {
			s.fault("the event on members of %s has the note %q, want the sentence of the status, %q",
				notified.Gang, events.For(notified.Explanation).Note, why.Sentence)
		}
	}
}
