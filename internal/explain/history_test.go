package explain

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// event returns an event about a pod, or about a Job of that name.
func event(kind, about, reason, note string, at time.Duration) *eventsv1.Event {
	e := &eventsv1.Event{
		Regarding: corev1.ObjectReference{Kind: kind, Name: about, UID: types.UID(about)}, Type: corev1.EventTypeWarning, Reason: reason, Note: note,
		EventTime: metav1.NewMicroTime(now.Add(-at)),
	}
	return e
}

func TestHistoryOfAGangThatWasPreempted(t *testing.T) {
	owned := func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Name: "train", UID: "job", Controller: new(true)}}
	}
	pods := members(2, 2, "cpu=1", owned)
	pods[1].Spec.NodeName, pods[1].Status.Phase = "n1", corev1.PodRunning
	pods[1].Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: ago(5 * time.Minute)},
		{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: ago(time.Minute),
			Reason: "PreemptionByScheduler", Message: "preempted by gang team-b/big",
		},
	}
	r := clusterOf([]*corev1.Node{node("n1", "cpu=1")}, pods)
	r.happened = newHappenings(pods, "gang team-a/train")
	unplaced := event("Pod", "train-0", "GangUnschedulable", "1 of 2 fit", 9*time.Minute)
	unplaced.Series = &eventsv1.EventSeries{Count: 4, LastObservedTime: metav1.NewMicroTime(now.Add(-6 * time.Minute))}
	started := event("Pod", "train-1", "GangReleased", "gang team-a/train starts", 5*time.Minute)
	started.Type = corev1.EventTypeNormal
	pulled := event("Pod", "train-1", "Pulled", "the image is there", 4*time.Minute)
	pulled.Type = corev1.EventTypeNormal
	for _, e := range []*eventsv1.Event{
		unplaced, event("Pod", "train-1", "GangUnschedulable", "1 of 2 fit", 9*time.Minute), started, pulled,
		event("Job", "job", "FailedCreate", "exceeded quota", 7*time.Minute),
		event("Pod", "somebody", "GangPreempted", "gang team-b/small was preempted as a whole by gang team-a/train (InQueue: its priority)", 6*time.Minute),
		event("Pod", "somebody", "GangPreempted", "gang team-b/small was preempted by gang team-a/train-2 (InQueue: its priority)", 6*time.Minute),
		event("Pod", "train-1", "BackOff", "of container a", 3*time.Minute), event("Pod", "train-1", "BackOff", "of container b", 2*time.Minute),
	} {
		r.happened.add(e)
	}
	got := text(t, storyOf(t, r))
	_, history, _ := strings.Cut(got, "History:\n")
	history, _, _ = strings.Cut(history, "\n\n")
	same(t, `
  10m ago       the first of its pods was created
  10m ago       complete: 2 of the 2 pods that it needs existed
  9m to 6m ago  GangUnschedulable: 1 of 2 fit (on 2 pods, 5 times)
  7m ago        FailedCreate: Job job: exceeded quota
  6m ago        GangPreempted: preempted others: gang team-b/small was preempted as a whole by gang team-a/train (InQueue: its priority)
  5m ago        1 pod got a node
  5m ago        GangReleased: gang team-a/train starts
  3m to 2m ago  BackOff: of container a (2 times)
  60s ago       1 pod is to be disrupted (PreemptionByScheduler: preempted by gang team-b/big)`, history)
}

// A pod that has a node got it, whatever its conditions say.
func TestPodsThatGotANodeAreAllCounted(t *testing.T) {
	pods := members(3, 3, "cpu=1", says("no room"))
	for _, p := range pods {
		p.Spec.NodeName = "n1"
	}
	pods[0].Status.Conditions[0].Status = corev1.ConditionTrue
	pods[0].Status.Conditions[0].LastTransitionTime = ago(5 * time.Minute)
	pods[1].Status.StartTime = new(ago(4 * time.Minute))
	want := Moment{At: now.Add(-10 * time.Minute), Until: now.Add(-5 * time.Minute).Add(time.Minute), What: "3 pods got their nodes"}
	if got := lives(pods, 3); got[len(got)-1] != want {
		t.Errorf("got %+v, want %+v", got[len(got)-1], want)
	}
}
