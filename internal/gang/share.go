package gang

import (
	"cmp"
	"time"
)

// Share is what a pod says about the share of the cluster that it, or its gang, uses, and about where that is. The zero value says
// nothing.
type Share struct {
	// Queue is the name of the queue, or empty.
	Queue string
	// Preemptible is empty if the pod does not say it.
	Preemptible Preemptible
	// ExpectedRuntime is how long the pod is expected to run; 0 means that the pod does not say it.
	ExpectedRuntime time.Duration
	// Topology is where all members of the gang have to be. Members agree on it as a whole.
	Topology StatedTopology
}

// Preemptible is whether others may take what a gang uses.
type Preemptible string

// The values, as users write them.
const (
	// MayBePreempted is the default: the gang may use more than its queue's guarantee, and others may preempt it.
	MayBePreempted Preemptible = "true"
	// NeverPreempted lets the gang start only within the guarantee of its queue, and nobody preempts it.
	NeverPreempted Preemptible = "false"
)

// aspect is one thing that a Share says. Members agree or disagree on each for itself.
type aspect int

const (
	queueAspect aspect = iota
	preemptibleAspect
	runtimeAspect
	topologyAspect
	aspects
)

// only returns the share with no more than this aspect of s.
func (s Share) only(a aspect) Share {
	switch a {
	case queueAspect:
		return Share{Queue: s.Queue}
	case preemptibleAspect:
		return Share{Preemptible: s.Preemptible}
	case runtimeAspect:
		return Share{ExpectedRuntime: s.ExpectedRuntime}
	case topologyAspect:
		return Share{Topology: s.Topology}
	case aspects:
	}
	return Share{}
}

// and adds what o says where s says nothing.
func (s Share) and(o Share) Share {
	return Share{
		cmp.Or(s.Queue, o.Queue), cmp.Or(s.Preemptible, o.Preemptible), cmp.Or(s.ExpectedRuntime, o.ExpectedRuntime),
		cmp.Or(s.Topology, o.Topology),
	}
}

// suits reports whether s says nothing else than what applies.
func (s Share) suits(applies Share) bool { return s.and(applies) == applies }

func (s Share) compare(o Share) int {
	return cmp.Or(cmp.Compare(s.Queue, o.Queue), cmp.Compare(s.Preemptible, o.Preemptible),
		cmp.Compare(s.ExpectedRuntime, o.ExpectedRuntime), s.Topology.compare(o.Topology))
}

// maxValues is how many values of one aspect the revisions of a template may have: with more, members disagree, whatever their
// revisions are. It bounds what an event of a member costs.
const maxValues = 8

// stated counts the members that state something of one aspect.
type stated struct {
	statements statements[Share]
	// values counts them across revisions.
	values map[Share]int
}

func (s *stated) count(value Share, m *member, by int) {
	if s.values == nil {
		s.statements, s.values = statements[Share]{}, map[Share]int{}
	}
	s.statements.count(value, m, by)
	addTo(s.values, value, by)
}

// agreed returns what all members state that state anything.
func (s *stated) agreed() (Share, bool) {
	switch len(s.values) {
	case 0:
		return Share{}, true
	case 1:
		for value := range s.values {
			return value, true
		}
	}
	if len(s.values) > maxValues {
		return Share{}, false
	}
	return s.statements.agreed()
}

// stance is all that a member states.
type stance struct {
	Claim
	Share
}

// addTo adds to a count, and drops it if it is 0.
func addTo[K comparable](counts map[K]int, key K, by int) {
	if counts[key] += by; counts[key] == 0 {
		delete(counts, key)
	}
}

// countShare counts what a member states of its gang's share. Unlike a claim, that of a pod of another scheduler does not count.
func (t *tally) countShare(m *member, by int) {
	if m.Spec.Share == (Share{}) || m.Foreign || m.otherRun {
		return
	}
	for a := range aspects {
		value := m.Spec.only(a)
		if value == (Share{}) {
			continue
		}
		if !m.Terminating {
			t.shares[a].count(value, m, by)
		}
		if m.started() {
			t.startedShares[a].count(value, m, by)
		}
	}
	if m.Terminating && m.Spec.Queue != "" && (m.Node != "" || m.bindsTo != "") {
		t.ending.count(m.Spec.only(queueAspect), m, by)
	}
	if m.eligible() {
		addTo(t.sharing, stance{m.claim(), m.Spec.Share}, by)
	}
}

// says returns what applies of one aspect: what all members state that state anything, or else what the running ones do.
func (t *tally) says(a aspect) (Share, bool) {
	if value, agreed := t.shares[a].agreed(); agreed {
		return value, true
	}
	if value, agreed := t.startedShares[a].agreed(); agreed && t.started > 0 {
		return value, true
	}
	return Share{}, false
}

// share returns what applies of all aspects. agreed is false if members contradict each other in any, and none that runs decides it.
func (t *tally) share() (share Share, agreed bool) {
	agreed = true
	for a := range aspects {
		if len(t.shares[a].values) == 0 {
			continue // nobody says anything
		}
		value, same := t.says(a)
		share, agreed = share.and(value), agreed && same
	}
	return share, agreed
}

func (t *tally) sharesDisagree() bool {
	for a := range aspects {
		if _, agreed := t.shares[a].agreed(); !agreed {
			return true
		}
	}
	return false
}

// sharesDiffer reports whether members state different values of any aspect.
func (t *tally) sharesDiffer() bool {
	for a := range aspects {
		if len(t.shares[a].values) > 1 {
			return true
		}
	}
	return false
}

// runsWith reports whether running members state whatever s says else than what applies.
func (t *tally) runsWith(s, applies Share) bool {
	for a := range aspects {
		if value := s.only(a); !value.suits(applies) && t.startedShares[a].values[value] == 0 {
			return false
		}
	}
	return true
}

// accepts reports whether what the member states applies to its gang.
func (t *tally) accepts(m *member) bool {
	claim, agreed := t.agreed()
	share, shared := t.share()
	return agreed && shared && (m.silent() || m.claim() == claim) && m.Spec.suits(share)
}

// Queue is the queue that the members name, empty if none does. It is also empty if members disagree and those that run do not
// decide it, as for NonPreemptible and ExpectedRuntime. Members that are being deleted use capacity of their queue until they are gone, so
// where no other member names a queue, what they name counts.
func (g *Gang) Queue() string {
	said, agreed := g.tally.says(queueAspect)
	if agreed && said.Queue == "" {
		said, _ = g.tally.ending.agreed()
	}
	return said.Queue
}

// NonPreemptible reports whether the members say that the gang is never preempted.
func (g *Gang) NonPreemptible() bool {
	said, _ := g.tally.says(preemptibleAspect)
	return said.Preemptible == NeverPreempted
}
