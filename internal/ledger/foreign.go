package ledger

import (
	"errors"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// checkForeign says what is wrong with a pod that something else than our keys ties to others: other products' keys, or
// spec.schedulingGroup, with which the scheduler would place it by upstream's pod groups before it asks any plugin. spec is what the
// pod says by our keys, or nil; it returns what is left of that. A pod that has a node, or that others schedule, is left alone.
func (l *Ledger) checkForeign(pod *corev1.Pod, said conventions.Pod, spec *gang.Spec) (*gang.Spec, error) {
	reads, served := l.profiles[pod.Spec.SchedulerName]
	if !served || pod.Spec.NodeName != "" {
		return spec, nil
	}
	var wrong error
	inGroup := pod.Spec.SchedulingGroup
	if inGroup != nil {
		group := ""
		if inGroup.PodGroupName != nil {
			group = *inGroup.PodGroupName
		}
		wrong = conventions.InSchedulingGroup(group, said, spec)
	} else if u := conventions.FindUnknown(said, spec); u != nil {
		wrong = u
	}
	u, unknown := errors.AsType[*conventions.Unknown](wrong)
	switch {
	case !unknown:
		return spec, wrong
	case !reads.schedulesUnknown():
		u.Conventions = reads.conventions()
		return nil, u
	case inGroup != nil:
		return nil, nil // upstream's pod groups place it
	default:
		return spec, nil
	}
}

// schedulesUnknown says whether pods that only other products' keys tie together are scheduled one by one: all plugins of the profile
// have to say so.
func (p profile) schedulesUnknown() bool {
	for _, defaults := range p {
		if !defaults.ScheduleUnknown {
			return false
		}
	}
	return true
}

// conventions returns those that the profile reads.
func (p profile) conventions() []conventions.Convention {
	var all []conventions.Convention
	for _, d := range conventions.All() {
		if _, read := p[d.Name]; read {
			all = append(all, d)
		}
	}
	return all
}

// why explains why a pod with a problem waits.
func (r *record) why() gang.Explanation {
	e := gang.Explanation{Kind: gang.KindInvalid, Problem: r.problem}
	if _, unknown := errors.AsType[*conventions.Unknown](r.problem); unknown {
		e.Kind = gang.KindUnknown
	}
	return e
}

// whyLeft is why a pod is refused that was popped as a member and belongs to no gang any more: it is gone, or its annotations changed in
// its scheduling cycle. To let it go on would start it alone.
func (r *record) whyLeft() gang.Explanation {
	if r == nil || r.problem == nil {
		return gang.Explanation{}
	}
	return r.why()
}
