// Package explain tells all that is known of one gang or pod: what it is, what happened to it, why it waits, what would happen now, and
// what would help. It reads the API server, and asks the scheduler if it can be reached.
package explain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// Story is all that can be told of a gang, or of a pod. It is what -o json and -o yaml print.
type Story struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Pod is the pod that was asked for, and Gang the gang that was, or that of the pod; nil if there is none.
	Pod  *Pod           `json:"pod,omitempty"`
	Gang *gangread.Gang `json:"gang,omitempty"`
	// Priority is that of the gang or the pod, and Owner what creates its pods, such as "Job training".
	Priority int32  `json:"priority"`
	Owner    string `json:"owner,omitempty"`
	// Understood is what the annotations of the gang ask for; nil without a gang.
	Understood *Understood `json:"understood,omitempty"`
	// Topology are the domains of the topology keys that the gang asks for, with how many pods are in each.
	Topology []Domain `json:"topology,omitempty"`
	// History are the moments that are known, the oldest first. Forgotten is how many of them are left out in the middle.
	History   []Moment `json:"history"`
	Forgotten int      `json:"forgotten,omitempty"`
	// Why says why it waits, empty if it does not wait.
	Why string `json:"why,omitempty"`
	// Now is the gang as the scheduler has it, and Next what would happen if it were tried now; nil if the scheduler has not answered, or
	// not that.
	Now  *answers.Gang     `json:"now,omitempty"`
	Next *answers.Forecast `json:"next,omitempty"`
	// Capacity is where the pods that wait fit, nil if none waits or the nodes are unknown.
	Capacity *Capacity `json:"capacity,omitempty"`
	// Help is what would help, any of it.
	Help []string `json:"help,omitempty"`
	// LeftOut says what is missing, because it could not be read.
	LeftOut []string  `json:"leftOut,omitempty"`
	At      time.Time `json:"at"`
}

// Pod is the pod that was asked for.
type Pod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Scheduler string `json:"scheduler"`
	// Node is empty if the pod has none. Phase is that of its status.
	Node  string `json:"node,omitempty"`
	Phase string `json:"phase"`
	Role  string `json:"role,omitempty"`
	// Why is what the scheduler says of this pod, if it waits.
	Why string `json:"why,omitempty"`
	// Problem is what is wrong with its annotations or its queue, so that it belongs to no gang.
	Problem string `json:"problem,omitempty"`
}

// Domain is a topology domain with pods of the gang.
type Domain struct {
	gang.DomainStatus
	Pods int `json:"pods"`
}

// teller tells a story from what was read.
type teller struct {
	read
	schedulers []string
	now        time.Time
	story      Story
}

// tell tells the story of the gang, or of the pod, or of the pod and its gang.
func tell(r read, about *corev1.Pod, of *gangread.Gang, schedulers []string, now time.Time) Story {
	t := &teller{read: r, schedulers: schedulers, now: now}
	t.story = Story{APIVersion: "kubenexus.io/v1alpha1", Kind: "Explanation", Gang: of, At: now, LeftOut: slices.Clone(r.leftOut)}
	t.story.Now, t.story.Next = r.said.gang, r.said.forecast
	pods := []*corev1.Pod{about}
	if of != nil {
		pods = membersOf(of, r.pods)
		t.story.Why = whyOf(of)
		t.story.Understood = understood(of, pods, t.schedulers, t.now)
	}
	if about != nil {
		t.tellPod(about, of)
	}
	if len(pods) > 0 {
		t.tellCommon(pods, of)
	}
	waiting := waitingOf(pods, of)
	if len(waiting) > 0 && t.story.Why == "" {
		t.story.Why = "the scheduler has not said why yet"
	}
	t.help(waiting, of)
	return t.story
}

// tellCommon tells what gangs and pods have in common.
func (t *teller) tellCommon(pods []*corev1.Pod, of *gangread.Gang) {
	first := pods[0]
	t.story.Priority = corev1helpers.PodPriority(first)
	if owner := metav1.GetControllerOf(first); owner != nil {
		t.story.Owner = owner.Kind + " " + owner.Name
	}
	need := 0
	if of != nil {
		need = of.Needs.MinAvailable
		t.story.Topology = t.domains(of)
	}
	moments := lives(pods, need)
	if t.happened != nil {
		moments = append(moments, t.happened.moments()...)
	}
	t.story.History, t.story.Forgotten = inOrder(moments)
}

// membersOf returns the pods of a gang, in the order of its status.
func membersOf(of *gangread.Gang, pods []*corev1.Pod) []*corev1.Pod {
	byUID := make(map[string]*corev1.Pod, len(of.Members))
	for i := range of.Members {
		byUID[of.Members[i].UID] = nil
	}
	for _, pod := range pods {
		if _, member := byUID[string(pod.UID)]; member {
			byUID[string(pod.UID)] = pod
		}
	}
	var all []*corev1.Pod
	for i := range of.Members {
		if pod := byUID[of.Members[i].UID]; pod != nil {
			all = append(all, pod)
		}
	}
	return all
}

// whyOf is why a gang waits: what the scheduler says on its pods, or else what follows from the pods.
func whyOf(of *gangread.Gang) string {
	if of.Reason != "" {
		return of.Reason
	}
	if of.Status.Why.Kind != "" && of.Status.Why.Kind != gang.KindUntried {
		return events.Sentence(of.Status.Why)
	}
	return ""
}

// tellPod tells of the pod that was asked for.
func (t *teller) tellPod(pod *corev1.Pod, of *gangread.Gang) {
	p := &Pod{
		Namespace: pod.Namespace, Name: pod.Name, Scheduler: pod.Spec.SchedulerName, Node: pod.Spec.NodeName,
		Phase: string(pod.Status.Phase),
	}
	t.story.Pod = p
	if said := gangread.Said(pod); said != nil {
		p.Why = said.Message
	}
	if of != nil {
		for i := range of.Members {
			if of.Members[i].UID == string(pod.UID) {
				p.Role = of.Members[i].Role
			}
		}
		return
	}
	t.story.Why = p.Why
	if problem, wrong := gangread.Problem(pod, t.queues, t.schedulers, t.now); wrong {
		p.Problem = problem.Sentence
		t.story.Why = cmp.Or(t.story.Why, p.Problem)
	}
	if !slices.Contains(t.schedulers, pod.Spec.SchedulerName) && pod.Spec.NodeName == "" {
		t.story.Why = fmt.Sprintf("another scheduler is responsible: the pod has the schedulerName %s", pod.Spec.SchedulerName)
	}
}

// waitingOf returns the pods that could be given a node.
func waitingOf(pods []*corev1.Pod, of *gangread.Gang) []*corev1.Pod {
	if of == nil {
		pods = slices.DeleteFunc(slices.Clone(pods), func(p *corev1.Pod) bool {
			return p.Spec.NodeName != "" || gangread.Ended(p) || p.DeletionTimestamp != nil || len(p.Spec.SchedulingGates) > 0
		})
		return pods
	}
	pending := map[string]bool{}
	for i := range of.Members {
		if m := &of.Members[i]; m.State == gang.MemberPending && !m.Apart {
			pending[m.UID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(pods), func(p *corev1.Pod) bool { return !pending[string(p.UID)] })
}

// help counts the capacity for what waits, and says what would help.
func (t *teller) help(waiting []*corev1.Pod, of *gangread.Gang) {
	if len(waiting) == 0 || t.story.Pod != nil && t.story.Pod.Problem != "" {
		return
	}
	needed, started, oneSize := 1, 0, false
	if of != nil {
		if missing := of.Needs.MinAvailable - of.Needs.Have; of.Phase == gang.Incomplete && missing > 0 {
			t.story.Help = append(t.story.Help, more(missing, "pod")+" of the gang, which does not start before")
		}
		started, oneSize = of.Needs.Running, len(of.Needs.Roles) == 0
		needed = min(len(waiting), max(1, of.Needs.MinAvailable-started))
	}
	if !t.nodesKnown || !t.allPods {
		return
	}
	capacity, counted := count(question{
		waiting: waiting, needed: needed, within: ledger.TopologyOf(waiting[0]).Required, nodes: t.nodes, pods: t.everywhere,
	})
	t.story.Capacity = &capacity
	if of != nil && t.uses != nil {
		t.story.Help = append(t.story.Help, counted.helpInQueue(*t.uses, of.Queue)...)
	}
	t.story.Help = append(t.story.Help, counted.help(capacity.Fit, started, oneSize)...)
}

// domains counts the pods in each domain of the keys that the gang asks for.
func (t *teller) domains(of *gangread.Gang) []Domain {
	labels := make(map[string]map[string]string, len(t.nodes))
	for _, node := range t.nodes {
		labels[node.Name] = node.Labels
	}
	var all []Domain
	for _, key := range of.TopologyKeys {
		counts := map[string]int{}
		for _, node := range of.Nodes {
			if name, labelled := labels[node.Name][key]; labelled {
				counts[name] += node.Members
			}
		}
		for name, pods := range counts {
			all = append(all, Domain{DomainStatus: gang.DomainStatus{Key: key, Name: name}, Pods: pods})
		}
	}
	slices.SortFunc(all, func(a, b Domain) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.Pods, a.Pods), cmp.Compare(a.Name, b.Name))
	})
	return all
}
