package gangread_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

//nolint:gochecknoglobals // constants
var (
	now     = time.Unix(1_000_000, 0)
	serving = []string{"kubenexus-scheduler"}
)

// member returns a pod of a gang that needs 2, and that waits for this reason.
func member(group string, i int, why string) *corev1.Pod {
	name := fmt.Sprintf("%s-%d", group, i)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(now.Add(-time.Duration(10+i) * time.Minute)),
			Annotations: map[string]string{
				"pod-group.scheduling.sigs.k8s.io/name": group, "pod-group.scheduling.sigs.k8s.io/min-available": "2",
			},
		},
		Spec: corev1.PodSpec{SchedulerName: serving[0]},
		Status: corev1.PodStatus{
			Phase:      corev1.PodPending,
			Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: why}},
		},
	}
}

// The order in which the API server lists pods does not matter.
func TestOrderOfPods(t *testing.T) {
	all := []*corev1.Pod{member("train", 0, "a"), member("train", 1, "b"), member("spark", 0, "c"), member("spark", 1, "c"), member("odd", 0, "")}
	want := gangread.Among(all, serving, now)
	slices.Reverse(all)
	if diff := cmp.Diff(want, gangread.Among(all, serving, now)); diff != "" {
		t.Error(diff)
	}
	if len(want.Items) != 3 || want.Items[1].Reason != "c" || !want.Items[1].Created.Equal(now.Add(-11*time.Minute)) {
		t.Errorf("got %+v, want 3 gangs of which the second waits because of c for 11 minutes", want.Items)
	}
}

// Who may list pods need not know of queues: whatever a pod names, and however it does, it is a member of its gang.
func TestAnyQueueIsOne(t *testing.T) {
	const queue = "kubenexus.io/queue"
	for how, name := range map[string]func(*corev1.Pod){
		"annotation": func(pod *corev1.Pod) { pod.Annotations[queue] = "research" },
		"label":      func(pod *corev1.Pod) { pod.Labels = map[string]string{queue: "research"} },
		"roles": func(pod *corev1.Pod) {
			pod.Annotations["kubenexus.io/role"] = "worker"
			pod.Annotations["kubenexus.io/roles"] = `[{"name":"worker","min":2,"queue":"research"}]`
		},
	} {
		pods := []*corev1.Pod{member("train", 0, ""), member("train", 1, "")}
		tracker := gangread.NewTracker(serving)
		for _, pod := range pods {
			name(pod)
			tracker.Set(pod)
		}
		among := gangread.Among(pods, serving, now).Items
		if len(among) != 1 || among[0].Queue != "research" || among[0].Needs.Have != 2 {
			t.Errorf("%s: the gangs are %+v, want one of two pods in queue research", how, among)
		}
		var tracked []gangread.Gang
		if err := tracker.Look(now, func(_ gang.Key, found *gangread.Found) error {
			if found != nil {
				tracked = append(tracked, found.Gang)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(among, tracked); diff != "" {
			t.Errorf("%s: the tracker has other gangs (-among +tracked):\n%s", how, diff)
		}
		if refused := gangread.Refused(pods, serving, now); len(refused) > 0 {
			t.Errorf("%s: refused: %v", how, refused)
		}
		if why, wrong := gangread.Problem(pods[0], nil, serving, now); wrong {
			t.Errorf("%s: without a configuration of queues, the pod has a problem: %s", how, why.Sentence)
		}
	}
}

// TestList reads all pages of the namespace.
func TestList(t *testing.T) {
	client := fake.NewClientset()
	for i := range 3 {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team-" + strconv.Itoa(i%2), Name: strconv.Itoa(i)}}
		if _, err := client.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for namespace, want := range map[string]int{"team-0": 2, "team-1": 1, "": 3} {
		if got, err := gangread.List(t.Context(), client, namespace); err != nil || len(got) != want {
			t.Errorf("%d pods in %q, want %d (%v)", len(got), namespace, want, err)
		}
	}
}
