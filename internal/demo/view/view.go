// Package view turns pods, events and nodes of the API into what a user wants to know: how many of its pods a gang has, which
// of them wait and why, and when it was released. It does not talk to an API server.
package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// State is the state of a gang.
type State string

// The states of a gang, and of pods without a gang.
const (
	// Waiting: fewer members have a node than the gang needs.
	Waiting State = "waiting"
	// Starting: the first members are being bound.
	Starting State = "starting"
	// Released: all that the gang needs have a node.
	Released State = "released"
	// Finished: every pod has ended.
	Finished State = "finished"
	// Deleted: no pod is left.
	Deleted State = "deleted"
)

// Row is what is shown of a gang, or of pods without one that share an owner.
type Row struct {
	// ID identifies a row; Title is shown.
	ID, Title string
	// Need is the gang's min-available; 0 for pods without a gang.
	Need int
	// Exist is how many pods there are, and of them Bound have a node, Running run, Failed failed and Ended ended either
	// way. Pending have no node, and Gated of these carry scheduling gates.
	Exist, Bound, Running, Failed, Ended, Pending, Gated int
	State                                                State
	// Why says what pending pods wait for; empty if no reason is known yet.
	Why string
	History
}

// Cluster is what the API shows.
type Cluster struct {
	Pods   []*corev1.Pod
	Events []*eventsv1.Event
	Nodes  []*corev1.Node
	// Schedulers are the schedulerNames that are served.
	Schedulers []string
}

// Room is the CPU of the nodes, and the CPU that bound pods request, in thousandths.
type Room struct {
	Nodes      int
	Used, Size int64
}

// rows returns a row for each gang and each owner of other pods.
func (c Cluster) rows() []Row {
	members := map[string][]*corev1.Pod{}
	byID := map[string]Row{}
	for _, pod := range c.Pods {
		row := identify(pod)
		if known, ok := byID[row.ID]; ok {
			row.Need = max(row.Need, known.Need)
		}
		byID[row.ID] = row
		members[row.ID] = append(members[row.ID], pod)
	}
	reasons := newReasons(c)
	rows := make([]Row, 0, len(byID))
	for id, row := range byID {
		row.count(members[id])
		row.State = row.state()
		if row.Pending > 0 {
			row.Why = reasons.why(&row, members[id])
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	return distinguish(rows)
}

// identify returns the empty row that a pod belongs to.
func identify(pod *corev1.Pod) Row {
	spec, err := conventions.Parse(conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations})
	if err == nil && spec != nil && identified(pod, spec) {
		key := gang.Key{Namespace: pod.Namespace, Name: spec.Name, Convention: spec.Convention, Instance: spec.Instance}
		return Row{
			ID:    strings.TrimSpace(fmt.Sprintf("gang %s %s %s", key, key.Convention, key.Instance)),
			Title: "gang " + key.String(),
			Need:  int(spec.MinAvailable),
		}
	}
	title := fmt.Sprintf("pod %s/%s", pod.Namespace, pod.Name)
	if owner := metav1.GetControllerOf(pod); owner != nil {
		title = fmt.Sprintf("pods of %s %s/%s", owner.Kind, pod.Namespace, owner.Name)
	}
	return Row{ID: title, Title: title}
}

// identified completes what a pod says of its gang, and says whether that names one.
func identified(pod *corev1.Pod, spec *gang.Spec) bool {
	said := conventions.Pod{Labels: pod.Labels}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		said.Owner = conventions.Controller{Kind: owner.Kind, Name: owner.Name, UID: string(owner.UID)}
	}
	return conventions.Identify(spec, said) == nil
}

// distinguish adds the convention and the instance to the titles of gangs that are otherwise equal.
func distinguish(rows []Row) []Row {
	times := map[string]int{}
	for i := range rows {
		times[rows[i].Title]++
	}
	for i := range rows {
		if row := &rows[i]; times[row.Title] > 1 {
			row.Title += " (" + row.ID[len(row.Title)+1:] + ")"
		}
	}
	return rows
}

func (r *Row) count(pods []*corev1.Pod) {
	for _, pod := range pods {
		r.Exist++
		if pod.Spec.NodeName != "" {
			r.Bound++
		}
		switch {
		case pod.Status.Phase == corev1.PodFailed:
			r.Failed++
			r.Ended++
		case pod.Status.Phase == corev1.PodSucceeded:
			r.Ended++
		case pod.Status.Phase == corev1.PodRunning:
			r.Running++
		case waits(pod):
			r.Pending++
			if len(pod.Spec.SchedulingGates) > 0 {
				r.Gated++
			}
		}
	}
}

func waits(pod *corev1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && !ended(pod)
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

func (r *Row) state() State {
	switch {
	case r.Exist == 0:
		return Deleted
	case r.Ended == r.Exist:
		return Finished
	case r.Bound >= max(r.Need, 1):
		return Released
	case r.Bound > 0:
		return Starting
	}
	return Waiting
}

// room adds up the CPU of the nodes, and what pods on them request.
func (c Cluster) room() Room {
	room := Room{Nodes: len(c.Nodes)}
	for _, node := range c.Nodes {
		room.Size += node.Status.Allocatable.Cpu().MilliValue()
	}
	for _, pod := range c.Pods {
		if pod.Spec.NodeName == "" || ended(pod) {
			continue
		}
		for i := range pod.Spec.Containers {
			room.Used += pod.Spec.Containers[i].Resources.Requests.Cpu().MilliValue()
		}
	}
	return room
}

// byPod returns the events on pods, by the pod.
func byPod(events []*eventsv1.Event) map[types.UID][]*eventsv1.Event {
	found := map[types.UID][]*eventsv1.Event{}
	for _, e := range events {
		if e.Regarding.Kind == "Pod" {
			found[e.Regarding.UID] = append(found[e.Regarding.UID], e)
		}
	}
	return found
}
