package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
)

// reasons has the reasons that were reported for waiting pods.
type reasons struct {
	events     map[types.UID][]*eventsv1.Event
	schedulers []string
}

func newReasons(c Cluster) reasons {
	return reasons{events: byPod(c.Events), schedulers: c.Schedulers}
}

// said is a sentence that some pods of a row carry.
type said struct {
	reason, text string
	pods         int
}

// why returns the sentence that says most about the pending pods of a row. What is said of the gang comes before what
// is said of one pod, and what many pods carry before what few do.
func (r reasons) why(row *Row, pods []*corev1.Pod) string {
	var all []said
	for _, pod := range pods {
		if !waits(pod) {
			continue
		}
		reason, text := r.ofPod(pod)
		if text == "" || outdated(row, reason) {
			continue
		}
		i := slices.IndexFunc(all, func(s said) bool { return s.text == text })
		if i < 0 {
			i, all = len(all), append(all, said{reason: reason, text: text})
		}
		all[i].pods++
	}
	if len(all) == 0 {
		return ""
	}
	best := slices.MaxFunc(all, func(a, b said) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a.pods, b.pods), cmp.Compare(b.text, a.text))
	})
	return best.text
}

// weight puts what is wrong before what is missing, and what is missing before what concerns one pod.
func weight(s said) int {
	switch s.reason {
	case events.ReasonInvalid, events.ReasonUnknown, events.ReasonDisagree:
		return 3
	case events.ReasonIncomplete, events.ReasonUnplaced, events.ReasonTimedOut:
		return 2
	}
	if strings.HasPrefix(s.text, "gang ") {
		return 2 // the condition of a gang that does not fit has the upstream reason, for autoscalers
	}
	return 1
}

// outdated: the condition says that members are missing, but they were created since.
func outdated(row *Row, reason string) bool {
	return reason == events.ReasonIncomplete && row.Exist-row.Gated-row.Ended >= row.Need
}

// ofPod returns what the pod's condition says, or else its newest warning, or else that no scheduler serves its schedulerName.
func (r reasons) ofPod(pod *corev1.Pod) (reason, text string) {
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Message != "" {
			return c.Reason, c.Message
		}
	}
	var newest *eventsv1.Event
	for _, e := range r.events[pod.UID] {
		if e.Type == corev1.EventTypeWarning && (newest == nil || lastSeen(e).After(lastSeen(newest))) {
			newest = e
		}
	}
	if newest != nil {
		return newest.Reason, newest.Note
	}
	if len(r.schedulers) > 0 && !slices.Contains(r.schedulers, pod.Spec.SchedulerName) {
		return "", fmt.Sprintf("no scheduler here serves schedulerName %s; the pod can name %s",
			pod.Spec.SchedulerName, strings.Join(r.schedulers, " or "))
	}
	return "", ""
}

// lastSeen is when an event happened last. Older clients fill other fields than newer ones.
func lastSeen(e *eventsv1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	case !e.DeprecatedLastTimestamp.IsZero():
		return e.DeprecatedLastTimestamp.Time
	}
	return e.CreationTimestamp.Time
}
