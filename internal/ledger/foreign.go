package ledger

import (
	"errors"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// checkForeign validates a pod that keys of other products, or spec.schedulingGroup, tie to others. The scheduler would schedule
// the latter in upstream's pod group cycle before it calls any plugin. spec is what the pod's own keys declare, or nil.
// checkForeign returns the spec to use, or the error of the pod. It ignores pods that have a node or that another scheduler is
// responsible for.
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
		return nil, nil // upstream's pod group cycle schedules it
	default:
		return spec, nil
	}
}

// schedulesUnknown reports whether pods that only other products' keys tie together are scheduled one by one: all plugins of the
// profile must agree.
func (p profile) schedulesUnknown() bool {
	for _, defaults := range p {
		if !defaults.ScheduleUnknown {
			return false
		}
	}
	return true
}

// conventions returns the conventions that the profile reads.
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
	e := gang.Explanation{Kind: conventions.KindOf(r.problem), Problem: r.problem}
	if p, ok := errors.AsType[*conventions.Problem](r.problem); ok && isQueueProblem(p) {
		e.Queue = &gang.QueueWhy{Queue: p.Value}
	}
	return e
}

// whyLeft explains the refusal of a pod that was popped as a member but no longer belongs to a gang: it was deleted, or its
// annotations changed during its scheduling cycle. If it proceeded it would start alone.
func (r *record) whyLeft() gang.Explanation {
	if r == nil || r.problem == nil {
		return gang.Explanation{}
	}
	return r.why()
}
