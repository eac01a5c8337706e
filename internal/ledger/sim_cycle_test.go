package ledger_test

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// cycle runs one scheduling cycle, or a part of one. It reports whether there was anything to do.
func (s *simulation) cycle() bool {
	if s.open != nil {
		s.endGangCycle()
		return true
	}
	s.bringNext()
	var next *simPod
	for _, p := range s.sorted() {
		if p.at == active && (next == nil || s.less(p, next)) {
			next = p
		}
	}
	if next == nil {
		return false
	}
	s.cycles++
	if !s.goesNow(next) {
		return true
	}
	s.perform(s.ledger.Take(next.pod.UID))
	s.follow()
	answer := s.ledger.Begin(next.pod)
	s.perform(answer.Decisions)
	switch answer.Verdict {
	case gang.Plan:
		s.beginGangCycle(next, answer)
	case gang.Go:
		s.single(next)
	case gang.Refuse:
		s.refused(next)
	}
	return true
}

// refused parks the popped pod, unless it was activated in the meantime.
func (s *simulation) refused(p *simPod) {
	if p.at != active || s.pods[p.pod.Name] != p {
		return
	}
	if p.at = rejected; s.ledger.Stays(p.pod.UID) == gang.Plan {
		s.enter(p)
	}
}

// single is the cycle of a pod without a gang, or of a member that joins one.
func (s *simulation) single(p *simPod) {
	answer := s.ledger.Single(p.pod)
	if answer.Verdict != gang.Go {
		s.fault("Begin returned Go for %s, but Single refuses it", p.pod.Name)
	}
	node := s.nodeFor(answer)
	if node == "" {
		p.at = unfit
		decisions, _ := s.ledger.Misfit(p.pod.UID)
		if s.ledger.Stays(p.pod.UID) == gang.Refuse {
			p.at = rejected
		}
		s.perform(decisions)
		return
	}
	s.give(node, -1)
	p.node = node
	s.ledger.Reserved(p.pod)
	permit := s.ledger.Permit(p.pod.UID, node)
	if permit.Verdict == gang.Refuse {
		s.giveBack(p)
	} else {
		s.checkJoin(p)
		s.bind(p)
	}
	s.perform(permit.Decisions)
}

// simCycle is a gang cycle that found a plan.
type simCycle struct {
	popped *simPod
	plan   gang.Planned
}

// beginGangCycle plans a gang. If there is enough free capacity, it takes it.
func (s *simulation) beginGangCycle(p *simPod, asked ledger.Answer) {
	if asked.Scout != nil && !s.look(p, *asked.Scout) {
		s.refused(p)
		return
	}
	s.plans++
	plan, fits := s.place(asked.Task)
	if !fits {
		fit := sum(s.usable(asked.Task.Avoid))
		answer := s.ledger.Unfit(p.pod.UID, gang.Finding{Fit: fit, Shortage: gang.Shortage{
			Missing: max(1, asked.Task.Need-fit), Anything: len(asked.Task.Avoid) > 0 || s.picky != nil && s.picky(),
		}})
		s.refused(p)
		s.perform(answer.Decisions)
		return
	}
	for _, pin := range plan.Pins {
		s.give(pin.Node, -1)
		s.ledger.Reserved(s.pods[pin.UID].pod)
	}
	s.open = &simCycle{popped: p, plan: plan}
	if !s.interrupted {
		s.endGangCycle()
	}
}

// endGangCycle commits the plan and binds its members.
func (s *simulation) endGangCycle() {
	popped, plan := s.open.popped, s.open.plan
	s.open = nil
	members := make([]*simPod, 0, len(plan.Pins))
	for _, pin := range plan.Pins {
		members = append(members, s.pods[pin.UID])
	}
	committed, decisions := s.ledger.Commit(popped.pod.UID, plan)
	if !committed {
		for _, pin := range plan.Pins {
			s.give(pin.Node, 1)
			s.perform(s.ledger.Unreserved(types.UID(pin.UID)))
		}
		for _, p := range members {
			if p != nil && p != popped && p.at != bound {
				s.enter(p)
			}
		}
		s.refused(popped)
		s.perform(decisions)
		return
	}
	s.follow()
	for i, p := range members {
		p.at, p.node = binding, plan.Pins[i].Node
	}
	s.refused(popped) // it joins the gang later, if it has no node
	s.perform(decisions)
	for _, p := range members {
		if s.ledger.Permit(p.pod.UID, p.node).Verdict != gang.Go {
			s.fault("Permit refuses %s, a member of a committed plan", p.pod.Name)
		}
	}
	for _, p := range members {
		s.bind(p)
	}
}
