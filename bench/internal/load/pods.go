package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingv1alpha2 "k8s.io/api/scheduling/v1alpha2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// GroupLabel names the group of a pod. Pods that the scheduler does not treat as gangs have it too, so that they can be counted and deleted
// in the same way.
const GroupLabel = "bench.kubenexus.io/group"

// Style is how pods are marked as members of a group.
type Style int

const (
	// Plain pods are in no group.
	Plain Style = iota
	// Annotations are this scheduler's annotations.
	Annotations
	// PodGroups are objects of scheduling.k8s.io/v1alpha2.
	PodGroups
)

// Batch is a number of pods that are created together.
type Batch struct {
	// Prefix is the prefix of each pod's name; the rest has no dash.
	Prefix string
	Count  int
	// Size is the number of pods in a group; the last group may be smaller.
	Size          int
	Style         Style
	SchedulerName string
	CPU           int64
	// Slot makes each pod request one of the few slots. Each pod alone then fits on a node, but a large group does not.
	Slot bool
	// Nowhere makes each pod select nodes by a label that none has.
	Nowhere bool
	// OneRack makes each group ask for nodes of one rack. Plain pods do not.
	OneRack bool
	// Priority is the name of the pods' PriorityClass, if any.
	Priority string
	// Nodes is the number of nodes that the pods are created on, one after the other. 0: they have to be scheduled.
	Nodes int
}

// Prefix returns the prefix of the pod's batch.
func Prefix(podName string) string {
	prefix, _, _ := cutLast(podName)
	return prefix
}

func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// Groups returns the number of groups.
func (b *Batch) Groups() int { return (b.Count + b.Size - 1) / b.Size }

// Group returns the name of a group.
func (b *Batch) Group(i int) string { return b.Prefix + "-" + strconv.Itoa(i) }

// members returns the number of pods in a group.
func (b *Batch) members(group int) int { return min(b.Size, b.Count-group*b.Size) }

// CreateGroups creates the group objects, if the style needs some.
func (b *Batch) CreateGroups(ctx context.Context, client kubernetes.Interface) error {
	if b.Style != PodGroups {
		return nil
	}
	return parallel(ctx, b.Groups(), func(ctx context.Context, i int) error {
		group := &schedulingv1alpha2.PodGroup{
			ObjectMeta: metav1.ObjectMeta{Name: b.Group(i)},
			Spec: schedulingv1alpha2.PodGroupSpec{
				SchedulingPolicy: schedulingv1alpha2.PodGroupSchedulingPolicy{
					Gang: &schedulingv1alpha2.GangSchedulingPolicy{MinCount: int32(b.members(i))},
				},
				PriorityClassName: b.Priority,
			},
		}
		if b.OneRack {
			group.Spec.SchedulingConstraints = &schedulingv1alpha2.PodGroupSchedulingConstraints{
				Topology: []schedulingv1alpha2.TopologyConstraint{{Key: RackKey}},
			}
		}
		if _, err := client.SchedulingV1alpha2().PodGroups(Namespace).Create(ctx, group, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating pod group %s: %w", group.Name, err)
		}
		return nil
	})
}

// CreatePods creates the pods, group by group.
func (b *Batch) CreatePods(ctx context.Context, client kubernetes.Interface) error {
	return parallel(ctx, b.Count, func(ctx context.Context, i int) error {
		pod := b.pod(i)
		if _, err := client.CoreV1().Pods(Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating pod %s: %w", pod.Name, err)
		}
		return nil
	})
}

func (b *Batch) pod(i int) *corev1.Pod {
	requests := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(b.CPU, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(1<<30, resource.BinarySI),
	}
	limits := corev1.ResourceList{}
	if b.Slot {
		one := *resource.NewQuantity(1, resource.DecimalSI)
		requests[slot], limits[slot] = one, one
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			// Names sort in the order of creation, so a list has that order.
			Name:   fmt.Sprintf("%s-%06d", b.Prefix, i),
			Labels: map[string]string{GroupLabel: b.Group(i / b.Size)},
		},
		Spec: corev1.PodSpec{
			SchedulerName:                b.SchedulerName,
			AutomountServiceAccountToken: new(false),
			Containers: []corev1.Container{{
				Name:      "main",
				Image:     "registry.k8s.io/pause:3.10",
				Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits},
			}},
		},
	}
	pod.Spec.PriorityClassName = b.Priority
	if b.Nowhere {
		pod.Spec.NodeSelector = map[string]string{nowhere: "true"}
	}
	if b.Nodes > 0 {
		pod.Spec.NodeName = nodeName(i % b.Nodes)
		pod.Spec.TerminationGracePeriodSeconds = new(int64(0)) // no kubelet confirms that it ended
	}
	b.mark(pod, i/b.Size)
	return pod
}

// mark adds the group to the pod.
func (b *Batch) mark(pod *corev1.Pod, group int) {
	switch b.Style {
	case Plain:
	case Annotations:
		pod.Annotations = GangAnnotations(b.Group(group), b.members(group))
		if b.OneRack {
			pod.Annotations["kubenexus.io/topology-required"] = RackKey
		}
	case PodGroups:
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: new(b.Group(group))}
	}
}

// GangAnnotations returns the annotations of the members of a gang.
func GangAnnotations(name string, minAvailable int) map[string]string {
	return map[string]string{
		"pod-group.scheduling.sigs.k8s.io/name":          name,
		"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(minAvailable),
	}
}

// now returns options for deletion without a grace period, because no kubelet confirms it.
func now() metav1.DeleteOptions { return metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))} }

// DeleteGroup deletes the pods of a group.
func DeleteGroup(ctx context.Context, client kubernetes.Interface, group string) error {
	err := client.CoreV1().Pods(Namespace).DeleteCollection(ctx, now(), metav1.ListOptions{LabelSelector: GroupLabel + "=" + group})
	if err != nil {
		return fmt.Errorf("deleting the pods of group %s: %w", group, err)
	}
	return nil
}

// DeleteAll deletes all pods, Jobs and groups, and the events about them.
func DeleteAll(ctx context.Context, client kubernetes.Interface, podGroups bool) error {
	if err := client.CoreV1().Pods(Namespace).DeleteCollection(ctx, now(), metav1.ListOptions{}); err != nil {
		return fmt.Errorf("deleting the pods: %w", err)
	}
	if err := client.CoreV1().Events(Namespace).DeleteCollection(ctx, now(), metav1.ListOptions{}); err != nil {
		return fmt.Errorf("deleting the events: %w", err)
	}
	alone := now()
	alone.PropagationPolicy = new(metav1.DeletePropagationBackground) // no controller takes the finalizer off that is the default of Jobs
	if err := client.BatchV1().Jobs(Namespace).DeleteCollection(ctx, alone, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("deleting the Jobs: %w", err)
	}
	if !podGroups {
		return nil
	}
	if err := client.SchedulingV1alpha2().PodGroups(Namespace).DeleteCollection(ctx, now(), metav1.ListOptions{}); err != nil {
		return fmt.Errorf("deleting the pod groups: %w", err)
	}
	return nil
}
