package coscheduling

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

// restoreTime is how long a process that begins to lead may take to read the reservations of an earlier one.
const restoreTime = 10 * time.Second

// reserve binds a pod that leads, and writes with the bind, in one step, what is held for the others. All other pods are left to
// the next plugin.
func (q *Queue) reserve(ctx context.Context, pod *corev1.Pod, node string) *fwk.Status {
	text, err := q.ledger.Reservation(pod.UID)
	if err != nil {
		q.performer.logger.Error(err, "The room of a gang is held only until this process ends", "pod", pod.Name)
	}
	if text == "" {
		return fwk.NewStatus(fwk.Skip)
	}
	err = q.performer.handle.ClientSet().CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			Annotations: map[string]string{gang.ReservationAnnotation: text},
		},
		Target: corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
	return fwk.AsStatus(err)
}

// restore holds again what an earlier process held for the gangs of pods that lead.
func (p *performer) restore(ctx context.Context, pods []*corev1.Pod) {
	for _, pod := range pods {
		if pod.Spec.NodeName == "" || pod.Annotations[gang.ReservationAnnotation] == "" || p.recorders[pod.Spec.SchedulerName] == nil {
			continue
		}
		// The informer's copy does not say who wrote the annotation.
		current, err := p.handle.ClientSet().CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil || current.UID != pod.UID || !byScheduler(current) {
			p.logger.Info("Reservation is not followed: a user wrote it, or its pod cannot be read", "pod", pod.Name, "err", err)
			continue
		}
		var reservation gang.Reservation
		if err := json.Unmarshal([]byte(current.Annotations[gang.ReservationAnnotation]), &reservation); err != nil {
			p.logger.Error(err, "Cannot read a reservation", "pod", pod.Name)
			continue
		}
		p.forgetGoneNodes(reservation)
		p.ledger.Restore(pod.UID, reservation)
	}
}

// byScheduler says whether the reservation was written with the bind: that is the one way of writing for which the API server
// notes no owner of the field. A pod whose list of owners was emptied tells nothing.
func byScheduler(pod *corev1.Pod) bool {
	specOwned := false
	for _, entry := range pod.ManagedFields {
		if entry.FieldsV1 == nil {
			continue
		}
		var owned struct {
			Metadata struct {
				Annotations map[string]json.RawMessage `json:"f:annotations"`
			} `json:"f:metadata"`
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned); err != nil {
			return false
		}
		if _, written := owned.Metadata.Annotations["f:"+gang.ReservationAnnotation]; written {
			return false
		}
		specOwned = specOwned || len(owned.Spec) > 0
	}
	return specOwned
}

func (p *performer) forgetGoneNodes(r gang.Reservation) {
	nodes := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister()
	for _, role := range r.Roles {
		for name := range role.Nodes {
			if _, err := nodes.Get(name); err != nil {
				delete(role.Nodes, name)
			}
		}
	}
}
