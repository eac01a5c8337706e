package explain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// Moment is something that happened.
type Moment struct {
	At time.Time `json:"at"`
	// Until is when it happened last, if it happened several times.
	Until time.Time `json:"until,omitzero"`
	// Reason is that of the event, empty if no event says it.
	Reason string `json:"reason,omitempty"`
	What   string `json:"what"`
	// Pods is on how many pods, and Times how often it happened, if it was more than once.
	Pods  int `json:"pods,omitempty"`
	Times int `json:"times,omitempty"`
}

// mostMoments is how many moments are kept: the first ones, and the last ones.
const mostMoments, firstMoments = 40, 5

// happenings are the events about a gang, those of the same reason and text together.
type happenings struct {
	// pods are the pods of the gang, and owners what creates them.
	pods, owners map[types.UID]bool
	// taker is the gang as the events of its victims name it.
	taker string
	// ours are the reasons that tell how a gang is scheduled, whatever the type of their events.
	ours map[string]bool
	// found are by reason and text.
	found map[[2]string]*happening
}

type happening struct {
	Moment
	on map[types.UID]bool
}

// failedScheduling is the reason of the event of a pod without a gang that does not fit.
const failedScheduling = "FailedScheduling"

// mostTexts is how many different event messages are listed.
const mostTexts = 1000

func newHappenings(pods []*corev1.Pod, taker string) *happenings {
	h := &happenings{
		pods: map[types.UID]bool{}, owners: map[types.UID]bool{}, taker: taker,
		ours: map[string]bool{failedScheduling: true}, found: map[[2]string]*happening{},
	}
	for _, entry := range events.Reference() {
		h.ours[entry.Reason] = true
	}
	for _, pod := range pods {
		h.pods[pod.UID] = true
		if owner := metav1.GetControllerOf(pod); owner != nil {
			h.owners[owner.UID] = true
		}
	}
	return h
}

// add adds an event if it is about the gang, about what creates its pods, or about a pod that was preempted for it.
func (h *happenings) add(e *eventsv1.Event) {
	about := e.Regarding.UID
	what, counts := h.says(e)
	if !counts {
		return
	}
	key := [2]string{e.Reason, what}
	if !h.ours[e.Reason] && h.pods[about] {
		key[1] = "" // what a kubelet says names the pod or its container: one example will do
	}
	first, last, times := timesOf(e)
	known := h.found[key]
	if known == nil {
		if len(h.found) >= mostTexts {
			return
		}
		known = &happening{Moment: Moment{At: first, Reason: e.Reason, What: what}, on: map[types.UID]bool{}}
		h.found[key] = known
	}
	known.on[about] = true
	known.Times += times
	if first.Before(known.At) {
		known.At = first
	}
	if last.After(known.Until) {
		known.Until = last
	}
}

// says returns what an event says of the gang, and false if that is nothing.
func (h *happenings) says(e *eventsv1.Event) (what string, counts bool) {
	about, warns := e.Regarding.UID, e.Type == corev1.EventTypeWarning
	switch {
	case h.pods[about]:
		return e.Note, warns || h.ours[e.Reason]
	case h.owners[about]:
		return e.Regarding.Kind + " " + e.Regarding.Name + ": " + e.Note, warns
	case h.taker != "" && e.Reason == events.ReasonPreempted && events.PreemptedBy(e.Note, h.taker):
		return "preempted others: " + e.Note, true
	}
	return "", false
}

// timesOf returns when an event happened first and last, and how often.
func timesOf(e *eventsv1.Event) (first, last time.Time, times int) {
	first, times = e.EventTime.Time, 1
	if first.IsZero() {
		first = e.DeprecatedFirstTimestamp.Time
	}
	if first.IsZero() {
		first = e.CreationTimestamp.Time
	}
	last = first
	switch {
	case e.Series != nil:
		last, times = e.Series.LastObservedTime.Time, int(e.Series.Count)
	case e.DeprecatedCount > 1:
		last, times = e.DeprecatedLastTimestamp.Time, int(e.DeprecatedCount)
	}
	return first, last, times
}

// moments returns what the events say.
func (h *happenings) moments() []Moment {
	var all []Moment
	for _, known := range h.found {
		m := known.Moment
		if len(known.on) > 1 {
			m.Pods = len(known.on)
		}
		if m.Times <= max(1, m.Pods) {
			m.Times = 0
		}
		if !m.Until.After(m.At) {
			m.Until = time.Time{}
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Moment) int { return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.What, b.What)) })
	return all
}

// lives returns what the pods themselves tell: when they were created, got their nodes, were preempted, and ended. need is how many of
// them make the gang complete.
func lives(pods []*corev1.Pod, need int) []Moment {
	all := created(pods, need)
	var bound, deleted []time.Time
	preempted, ended := map[string][]time.Time{}, map[corev1.PodPhase][]time.Time{}
	for _, pod := range pods {
		if pod.Spec.NodeName != "" {
			bound = append(bound, boundAt(pod))
		}
		for i := range pod.Status.Conditions {
			if c := &pod.Status.Conditions[i]; c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
				text := c.Reason + ": " + c.Message
				preempted[text] = append(preempted[text], c.LastTransitionTime.Time)
			}
		}
		if gangread.Ended(pod) {
			ended[pod.Status.Phase] = append(ended[pod.Status.Phase], ledger.EndedAt(pod))
		} else if pod.DeletionTimestamp != nil {
			deleted = append(deleted, pod.DeletionTimestamp.Time)
		}
	}
	all = append(all, together(bound, "got a node", "got their nodes")...)
	for text, times := range preempted {
		all = append(all, together(times, "is to be disrupted ("+text+")", "are to be disrupted ("+text+")")...)
	}
	all = append(all, together(deleted, "is being deleted", "are being deleted")...)
	all = append(all, together(ended[corev1.PodSucceeded], "succeeded", "succeeded")...)
	return append(all, together(ended[corev1.PodFailed], "failed", "failed")...)
}

// boundAt is when a pod got its node. Where its condition does not say it, its kubelet saw it soon after.
func boundAt(pod *corev1.Pod) time.Time {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return pod.CreationTimestamp.Time
}

// created says when the first pod was created, and when there were enough.
func created(pods []*corev1.Pod, need int) []Moment {
	times := make([]time.Time, len(pods))
	for i, pod := range pods {
		times[i] = pod.CreationTimestamp.Time
	}
	slices.SortFunc(times, time.Time.Compare)
	switch {
	case len(times) == 0:
		return nil
	case len(times) == 1:
		return []Moment{{At: times[0], What: "the pod was created"}}
	}
	last := times[len(times)-1]
	if need > len(times) || need < 2 {
		return []Moment{{At: times[0], Until: later(times[0], last), What: fmt.Sprintf("%s were created", words.Count(len(times), "pod"))}}
	}
	return []Moment{
		{At: times[0], What: "the first of its pods was created"},
		{At: times[need-1], What: fmt.Sprintf("complete: %d of the %s that it needs existed", need, words.Count(need, "pod"))},
	}
}

// together makes one moment of what happened to several pods.
func together(times []time.Time, one, many string) []Moment {
	if len(times) == 0 {
		return nil
	}
	first, last := slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
	text := "1 pod " + one
	if len(times) > 1 {
		text = words.Count(len(times), "pod") + " " + many
	}
	return []Moment{{At: first, Until: later(first, last), What: text}}
}

func later(first, last time.Time) time.Time {
	if last.After(first) {
		return last
	}
	return time.Time{}
}

// inOrder sorts moments by their times, and leaves out those in the middle if there are too many.
func inOrder(all []Moment) (kept []Moment, left int) {
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	if left = len(all) - mostMoments; left <= 0 {
		return all, 0
	}
	return slices.Delete(all, firstMoments, firstMoments+left), left
}

// takerOf is how events name a gang that preempts others.
func takerOf(key gang.Key) string { return "gang " + key.String() }
