package dispatch

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// restoreTime limits how long a new leader may read the reservations of an earlier process, and how long it may list finished pods.
const restoreTime = 10 * time.Second

// readers is how many pods are read at a time. maxReservations is how many reservations are restored per namespace, because a user can
// write a similar annotation on any pod.
const (
	readers         = 16
	maxReservations = 500
)

// restore holds the slots again that an earlier process held for the gangs of creators.
func (p *Dispatcher) restore(pods []*corev1.Pod) {
	ctx, cancel := context.WithTimeout(context.Background(), restoreTime)
	defer cancel()
	var creators []*corev1.Pod
	of := map[string]int{}
	for _, pod := range pods {
		if pod.Spec.NodeName == "" || p.recorders[pod.Spec.SchedulerName] == nil || p.ledger.DeclaredBy(pod.UID) == nil {
			continue
		}
		if r, ok := reservationOf(pod); !ok || !time.Now().Before(r.Until) {
			continue
		}
		if of[pod.Namespace]++; of[pod.Namespace] <= maxReservations {
			creators = append(creators, pod)
		}
	}
	genuine := make([]bool, len(creators))
	workqueue.ParallelizeUntil(ctx, readers, len(creators), func(i int) { genuine[i] = p.genuine(ctx, creators[i]) })
	for i, pod := range creators {
		if !genuine[i] {
			p.logger.Info("Ignoring a reservation that the scheduler did not write, or whose pod cannot be parsed", "pod", klog.KObj(pod))
			continue
		}
		p.restoreOne(pod)
	}
}

func (p *Dispatcher) restoreOne(creator *corev1.Pod) {
	reservation, ok := reservationOf(creator)
	if !ok {
		return
	}
	p.forgetGoneNodes(reservation)
	var declared []gang.RoleTask
	for _, role := range p.ledger.DeclaredBy(creator.UID) {
		for _, reserved := range reservation.Roles {
			if reserved.Name != role.Name {
				continue
			}
			count := 0
			for _, n := range reserved.Nodes {
				count += min(max(n, 0), int(role.Min)) // a user may have written any number
			}
			declared = append(declared, gang.RoleTask{Role: role, Declared: min(count, int(role.Min))})
		}
	}
	if beyond := p.slots.BeyondShare(creator.Spec.SchedulerName, creator.Namespace, declared, p.allocatable); beyond != "" {
		p.logger.Info("Not restoring a reservation", "pod", klog.KObj(creator), "reason", beyond)
		return
	}
	p.Perform(p.ledger.Restore(creator.UID, reservation))
	p.slots.Follow(p.logger)
}

// allocatable returns the amount of a resource that all nodes have together.
func (p *Dispatcher) allocatable(resource string) int64 {
	nodes, err := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister().List(labels.Everything())
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, node := range nodes {
		amount := node.Status.Allocatable[corev1.ResourceName(resource)]
		if resource == string(corev1.ResourceCPU) {
			total += amount.MilliValue()
		} else {
			total += amount.Value()
		}
	}
	return total
}

func reservationOf(pod *corev1.Pod) (r gang.Reservation, ok bool) {
	text := pod.Annotations[conventions.ReservationAnnotation]
	return r, text != "" && json.Unmarshal([]byte(text), &r) == nil
}

// genuine reports whether the scheduler wrote the pod's reservation. It reads the pod from the API server, because the informer's copy has
// no managed fields.
func (p *Dispatcher) genuine(ctx context.Context, pod *corev1.Pod) bool {
	current, err := p.handle.ClientSet().CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	return err == nil && current.UID == pod.UID && byScheduler(current)
}

// byScheduler reports whether the reservation was written with the bind. Only then does the API server record no field manager for the
// annotation. If a pod's managed fields were emptied, it returns false.
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
		if _, written := owned.Metadata.Annotations["f:"+conventions.ReservationAnnotation]; written {
			return false
		}
		specOwned = specOwned || len(owned.Spec) > 0
	}
	return specOwned
}

func (p *Dispatcher) forgetGoneNodes(r gang.Reservation) {
	nodes := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister()
	for _, role := range r.Roles {
		for name := range role.Nodes {
			if _, err := nodes.Get(name); err != nil {
				delete(role.Nodes, name)
			}
		}
	}
}
