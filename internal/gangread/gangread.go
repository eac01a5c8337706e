// Package gangread tells from the pods of a cluster which gangs they make, by the scheduler's own rules. It is for programs that read the
// API server and do not ask the scheduler.
package gangread

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// Gangs are the gangs among some pods.
type Gangs struct {
	// Items are in the order of their namespaces and names.
	Items []Gang `json:"items"`
	// Invalid are the pods whose annotations cannot be followed, so that they belong to no gang.
	Invalid []InvalidPod `json:"invalid,omitempty"`
}

// InvalidPod is a pod that the scheduler does not start because of what its annotations say.
type InvalidPod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Reason    string `json:"reason"`
}

// Gang is a gang as its pods show it.
type Gang struct {
	gang.Status
	// Scheduler is the schedulerName of its pods.
	Scheduler string `json:"scheduler"`
	// Created is when its first pod that has not ended was created.
	Created time.Time `json:"created"`
	// Reason is why it waits, as the scheduler says on its pods; empty if it does not wait, or if the scheduler has not said it yet.
	Reason string `json:"reason,omitempty"`
}

// instant is a clock that stands still.
type instant time.Time

var _ clock.PassiveClock = instant{}

func (i instant) Now() time.Time                  { return time.Time(i) }
func (i instant) Since(t time.Time) time.Duration { return time.Time(i).Sub(t) }

// Among returns the gangs among these pods. It leaves out those of which all pods have ended.
//
// The rules are the scheduler's own: it fills a ledger as the scheduler does, but only from what the API server knows. So capacity that is
// held, and a pod that is just being bound, do not show.
func Among(pods []*corev1.Pod, schedulers []string, now time.Time) Gangs {
	l := newLedger(schedulers, now)
	byUID := make(map[string]*corev1.Pod, len(pods))
	for _, pod := range pods {
		byUID[string(pod.UID)] = pod
		observe(l, pod)
	}
	statuses := l.Statuses()
	slices.SortFunc(statuses, func(a, b gang.Status) int { return a.Key.Compare(b.Key) })
	found := Gangs{Items: make([]Gang, 0, len(statuses))}
	for i := range statuses {
		found.Items = append(found.Items, describe(&statuses[i], byUID))
	}
	for _, pod := range pods {
		if invalid := Said(pod); invalid != nil && slices.Contains(refusals, invalid.Reason) {
			found.Invalid = append(found.Invalid, InvalidPod{Namespace: pod.Namespace, Name: pod.Name, Reason: invalid.Message})
		}
	}
	return found
}

// Applies returns what the pods of a gang say that applies to all of it. It is zero if all of them have ended.
func Applies(key gang.Key, pods []*corev1.Pod, schedulers []string, now time.Time) gang.Spec {
	l := newLedger(schedulers, now)
	for _, pod := range pods {
		observe(l, pod)
	}
	spec, _ := l.Applies(key)
	return spec
}

// newLedger returns an empty ledger that serves these schedulerNames. Until queues are configured, it allows pods to name any: who may list
// pods need not know of queues.
func newLedger(schedulers []string, now time.Time) *ledger.Ledger {
	l := ledger.New(instant(now))
	l.AllowAnyQueue()
	for _, name := range schedulers {
		for _, c := range conventions.All() {
			l.Serve(name, c.Name, ledger.Defaults{})
		}
	}
	return l
}

func observe(l *ledger.Ledger, pod *corev1.Pod) {
	if Ended(pod) {
		l.Finish(pod)
	} else {
		l.Observe(pod)
	}
}

// refusals are the reasons of the condition of a pod that belongs to no gang because of what its annotations say.
//
//nolint:gochecknoglobals // a constant table
var refusals = []string{events.ReasonInvalid, events.ReasonUnknown}

// Ended reports whether a pod succeeded or failed.
func Ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// describe adds to the status what only the pods say.
func describe(s *gang.Status, byUID map[string]*corev1.Pod) Gang {
	g := Gang{Status: *s}
	texts, foreign := map[string]int{}, 0
	for i := range s.Members {
		m := &s.Members[i]
		pod := byUID[m.UID]
		if pod == nil || m.State.Ended() {
			continue
		}
		if created := pod.CreationTimestamp.Time; g.Created.IsZero() || created.Before(g.Created) {
			g.Created = created
		}
		g.Scheduler = cmp.Or(g.Scheduler, pod.Spec.SchedulerName)
		g.Queue = cmp.Or(g.Queue, pod.Annotations[conventions.QueueAnnotation], pod.Labels[conventions.QueueAnnotation])
		if m.State == gang.MemberForeign {
			foreign++
		}
		if condition := Said(pod); condition != nil {
			texts[condition.Message]++
		}
	}
	for text, times := range texts {
		if most := texts[g.Reason]; times > most || times == most && text < g.Reason {
			g.Reason = text
		}
	}
	if foreign > 0 && foreign == s.Count(func(state gang.MemberState) bool { return !state.Ended() }) {
		g.Reason = fmt.Sprintf("another scheduler is responsible: the pods have the schedulerName %s", g.Scheduler)
	}
	return g
}

// Said returns the condition with which the scheduler says why the pod has no node, or nil.
func Said(pod *corev1.Pod) *corev1.PodCondition {
	if pod.Spec.NodeName != "" || Ended(pod) {
		return nil
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c
		}
	}
	return nil
}
