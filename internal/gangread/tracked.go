package gangread

import (
	"maps"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// tracked is what is kept of a pod: what Among reads of it. It takes about a tenth of the pod. What the members of a gang have in common
// is kept once.
type tracked struct {
	uid types.UID
	observed
	// own is the group that the pod belongs to by what it says itself, place where it is there. in is the gang in which it was last found,
	// zero if it was in none.
	own, in unique.Handle[gang.Key]
	place   int
}

// observed is what a pod says and how it is.
type observed struct {
	name string
	// said is the pod as its template has it, in the encoding of Kubernetes.
	said unique.Handle[string]
	node unique.Handle[string]
	// text is why the pod has no node, or why the kubelet rejected it.
	text       unique.Handle[string]
	generation int64
	version    uint64
	// created, and at, which is when the pod was bound or has ended, are in seconds.
	created, at                                        int64
	phase                                              phase
	terminating, refused, scheduled, placed, kubeletNo bool
}

// phase is how far a pod is.
type phase int8

const (
	goesOn phase = iota
	succeeded
	failed
)

// never is a time that is not set, in seconds.
const never = -62135596800

// weightUnit is how many bytes of texts count like a pod.
const weightUnit = 1024

// weight is how much the pod counts for what a tracker keeps: 1, or more if it has long annotations.
func (o *observed) weight() int { return 1 + (len(o.said.Value())+len(o.text.Value()))/weightUnit }

// observe returns what is kept of a pod.
func (t *Tracker) observe(pod *corev1.Pod, text string) observed {
	o := observed{
		name: pod.Name, said: unique.Make(text), node: unique.Make(pod.Spec.NodeName), generation: pod.Generation,
		version: VersionOf(pod.ResourceVersion), created: pod.CreationTimestamp.Unix(), at: never,
		terminating: pod.DeletionTimestamp != nil, placed: ledger.Placed(pod),
	}
	why := ""
	switch said := Said(pod); {
	case Ended(pod):
		o.phase, o.at = succeeded, ledger.EndedAt(pod).Unix()
		if pod.Status.Phase == corev1.PodFailed {
			o.phase = failed
		}
		if ledger.Rejected(pod) {
			o.kubeletNo, why = true, pod.Status.Reason
		}
	case said != nil:
		o.refused, why = true, said.Message
	default:
		for i := range pod.Status.Conditions {
			if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue && !o.scheduled {
				o.scheduled, o.at = true, c.LastTransitionTime.Unix()
			}
		}
	}
	o.text = unique.Make(why)
	return o
}

// template returns what a pod has in common with others that were made like it, of what counts.
func (t *Tracker) template(pod *corev1.Pod) *corev1.Pod {
	like := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Labels: t.counted(pod.Labels), Annotations: t.counted(pod.Annotations),
		},
		Spec: corev1.PodSpec{
			SchedulerName: pod.Spec.SchedulerName, Priority: pod.Spec.Priority, ActiveDeadlineSeconds: pod.Spec.ActiveDeadlineSeconds,
			SchedulingGroup: pod.Spec.SchedulingGroup, NodeSelector: pod.Spec.NodeSelector, Tolerations: pod.Spec.Tolerations,
			SchedulingGates: pod.Spec.SchedulingGates[:min(1, len(pod.Spec.SchedulingGates))],
		},
	}
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		like.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil {
		like.Spec.Affinity = &corev1.Affinity{NodeAffinity: a.NodeAffinity}
	}
	if requests := requestsOf(pod); len(requests) > 0 {
		like.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: requests}}}
	}
	return like
}

// requestsOf returns what a pod requests, as the scheduler counts it.
func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
}

// counted returns those of the annotations or labels that say something of a gang.
func (t *Tracker) counted(all map[string]string) map[string]string {
	var some map[string]string
	for key, value := range all {
		if !t.keys[key] {
			continue
		}
		if some == nil {
			some = map[string]string{}
		}
		some[key] = value
	}
	return some
}

// restore makes a pod of which Among says what it would say of the one that was seen. like is its template.
func (p *tracked) restore(like *corev1.Pod) corev1.Pod {
	pod := *like
	pod.Name, pod.UID, pod.Generation = p.name, p.uid, p.generation
	pod.CreationTimestamp = timeOf(p.created)
	if p.terminating {
		pod.DeletionTimestamp = &pod.CreationTimestamp
	}
	if p.placed {
		pod.Annotations = map[string]string{ledger.PlacedAnnotation: ""}
		maps.Copy(pod.Annotations, like.Annotations)
	}
	pod.Spec.NodeName = p.node.Value()
	switch {
	case p.phase != goesOn:
		pod.Status.Phase = corev1.PodSucceeded
		if p.phase == failed {
			pod.Status.Phase = corev1.PodFailed
		}
		pod.Status.Conditions = []corev1.PodCondition{{LastTransitionTime: timeOf(p.at)}}
		if p.kubeletNo {
			pod.Status.Reason = p.text.Value()
		}
	case p.refused:
		pod.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: p.text.Value(),
		}}
	case p.scheduled:
		pod.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: timeOf(p.at),
		}}
	}
	return pod
}

func timeOf(seconds int64) metav1.Time {
	if seconds == never {
		return metav1.Time{}
	}
	return metav1.NewTime(time.Unix(seconds, 0))
}
