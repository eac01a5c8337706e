package ledger

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// parse reads the gang that a pod names, and checks the queue of a pending pod. A pod whose profile does not read the convention of its
// annotations is invalid: scheduling it alone would start half a gang.
func (l *Ledger) parse(pod *corev1.Pod) (*gang.Spec, error) {
	said := conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations, Owner: controllerOf(pod)}
	spec, err := l.parseGang(pod, said)
	if _, served := l.profiles[pod.Spec.SchedulerName]; !served || err != nil || pod.Spec.NodeName != "" {
		return spec, err
	}
	if err := l.parseQueue(pod, said, spec); err != nil {
		return nil, err
	}
	return spec, nil
}

// GangNamed returns the gang that a pod names on its own, as far as the ledger knows no pod that created it. It returns false if the pod
// names none, or says it wrongly. It records nothing.
func (l *Ledger) GangNamed(pod *corev1.Pod) (gang.Key, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	spec, err := l.parse(pod)
	if err != nil || spec == nil {
		return gang.Key{}, false
	}
	return keyOf(pod, spec), true
}

// parseQueue checks the queue that a pod, or its gang, is to wait in. spec is nil for a pod without a gang.
func (l *Ledger) parseQueue(pod *corev1.Pod, said conventions.Pod, spec *gang.Spec) error {
	if spec == nil {
		share, err := conventions.ShareOf(said)
		if err != nil {
			return err
		}
		return l.checkQueue(pod, said, share.Queue)
	}
	name := spec.Queue
	if g := l.gangs[keyOf(pod, spec)]; name == "" && g != nil {
		name = g.Queue() // another member says it
	}
	return l.checkQueue(pod, said, name)
}

// parseGang reads the gang that a pod names.
func (l *Ledger) parseGang(pod *corev1.Pod, said conventions.Pod) (*gang.Spec, error) {
	spec, err := conventions.Parse(said)
	if err == nil {
		spec, err = l.checkForeign(pod, said, spec)
	}
	if spec == nil || err != nil {
		return nil, err
	}
	if err := declare(pod, spec); err != nil {
		return nil, err
	}
	reads, served := l.profiles[pod.Spec.SchedulerName]
	if spec.Convention == "" { // the pod has none of our keys: the profile decides
		if spec.Convention = reads.first(); spec.Convention == "" {
			return nil, nil
		}
	}
	if err := l.identify(pod, said, spec); err != nil {
		return nil, err
	}
	if !served {
		return spec, nil
	}
	if _, read := reads[spec.Convention]; !read {
		return nil, l.notRead(pod, said, spec)
	}
	return spec, nil
}

// declare completes and validates the roles that the pod declares for members that do not exist yet.
func declare(pod *corev1.Pod, spec *gang.Spec) error {
	if spec.Roles == nil {
		return nil
	}
	if err := checkRoles(spec.Roles); err != nil {
		return err
	}
	shape, err := shapeOf(pod, spec)
	if err != nil {
		return err
	}
	conventions.Inherit(spec, shape)
	return nil
}

// first returns the first convention that the profile reads, or "".
func (p profile) first() string {
	for _, d := range p.conventions() {
		return d.Name
	}
	return ""
}

func (l *Ledger) notRead(pod *corev1.Pod, said conventions.Pod, spec *gang.Spec) error {
	for _, d := range conventions.All() {
		if d.Name == spec.Convention {
			key, value, where := d.Said(said)
			return &conventions.Problem{
				Annotation: key,
				Where:      where,
				Value:      value,
				Fault:      conventions.NotServed,
				With:       pod.Spec.SchedulerName,
				Remedy: fmt.Sprintf("schedulerName %s does not read this %s; "+
					"use a scheduler whose profile enables the plugin %s, or the annotations that this one reads",
					pod.Spec.SchedulerName, where, d.Name),
			}
		}
	}
	return fmt.Errorf("unknown convention %q", spec.Convention)
}

func keyOf(pod *corev1.Pod, spec *gang.Spec) gang.Key {
	return gang.Key{Namespace: pod.Namespace, Name: spec.Name, Convention: spec.Convention, Instance: spec.Instance}
}

func (l *Ledger) member(pod *corev1.Pod, spec *gang.Spec) gang.Member {
	reads, served := l.profiles[pod.Spec.SchedulerName]
	m := gang.Member{
		UID:              string(pod.UID),
		Name:             pod.Name,
		Scheduler:        pod.Spec.SchedulerName,
		Foreign:          !served,
		Spec:             *spec,
		DefaultTimeout:   reads[spec.Convention].Timeout,
		DefaultPlacement: reads[spec.Convention].Placement,

		DefaultReservationTimeout: reads[spec.Convention].ReservationTimeout,
		Priority:                  corev1helpers.PodPriority(pod),
		Created:                   pod.CreationTimestamp.Time,
		Generation:                pod.Generation,
		Gated:                     len(pod.Spec.SchedulingGates) > 0,
		Terminating:               pod.DeletionTimestamp != nil,
		Node:                      pod.Spec.NodeName,
		Placed:                    Placed(pod),
		Index:                     completionIndex(pod),
		Deadline:                  deadlineOf(pod),
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		m.Owner, m.OwnerUID = owner.Kind+" "+owner.Name, string(owner.UID)
		m.OwnedByPod = owner.Kind == "Pod"
		if isJob(owner) {
			m.Job = owner.Name
		}
	}
	if pod.Spec.NodeName != "" {
		m.Scheduled = scheduledAt(pod)
	}
	return m
}

// scheduledAt returns when the pod got its node.
func scheduledAt(pod *corev1.Pod) time.Time {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}
