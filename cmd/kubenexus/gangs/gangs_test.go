package gangs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

//nolint:gochecknoglobals // constants
var (
	now    = time.Unix(1_000_000, 0)
	needed = map[string]string{"train": "3", "spark": "2", "odd": "1"}
)

// pods returns members of a gang, with these changes.
func pods(group string, count int, change func(i int, p *corev1.Pod)) []*corev1.Pod {
	var all []*corev1.Pod
	for i := range count {
		name := fmt.Sprintf("%s-%d", group, i)
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "team-a", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(now.Add(-time.Duration(10+i) * time.Minute)),
				Annotations: map[string]string{
					"pod-group.scheduling.sigs.k8s.io/name": group, "pod-group.scheduling.sigs.k8s.io/min-available": needed[group],
				},
			},
			Spec:   corev1.PodSpec{SchedulerName: scheduler.Name},
			Status: corev1.PodStatus{Phase: corev1.PodPending},
		}
		if change != nil {
			change(i, p)
		}
		all = append(all, p)
	}
	return all
}

// running puts each pod on a node of its own.
func running(i int, p *corev1.Pod) {
	p.Spec.NodeName, p.Status.Phase = fmt.Sprintf("node-%d", i), corev1.PodRunning
}

// says makes the scheduler say a text on each pod.
func says(text string) func(int, *corev1.Pod) {
	return func(_ int, p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: text}}
	}
}

func TestTables(t *testing.T) {
	ended := func(_ int, p *corev1.Pod) { p.Status.Phase, p.Spec.NodeName = corev1.PodSucceeded, "node-9" }
	for _, test := range []struct {
		name string
		pods []*corev1.Pod
		all  bool
		wide bool
		want string
	}{
		{"a gang that runs", pods("train", 3, running), false, false, `
GANG    PODS     STARTED   PHASE     QUEUE   AGE   WHY
train   3 of 3   3         Running   -       12m   -`},
		{"its nodes, in all namespaces", pods("train", 5, running), true, true, `
NAMESPACE   GANG    PODS     STARTED   PHASE     QUEUE   AGE   POSITION   SCHEDULER             ROLES   NODES                             WHY
team-a      train   5 of 3   5         Running   -       14m   -          kubenexus-scheduler   -       node-0,node-1,node-2 and 2 more   -`},
		{
			"one that waits for pods, and one that waits for capacity",
			slices.Concat(pods("train", 2, says("gang team-a/train: 2 of 3 pods exist")), pods("spark", 2, says("gang team-a/spark does not fit"))),
			false, false, `
GANG    PODS     STARTED   PHASE        QUEUE   AGE   WHY
spark   2 of 2   0         Ready        -       11m   gang team-a/spark does not fit
train   2 of 3   0         Incomplete   -       11m   gang team-a/train: 2 of 3 pods exist`,
		},
		{"what most pods say", slices.Concat(pods("train", 3, func(i int, p *corev1.Pod) { says([]string{"a", "b", "b"}[i])(i, p) })), false, false, `
GANG    PODS     STARTED   PHASE   QUEUE   AGE   WHY
train   3 of 3   0         Ready   -       12m   b`},
		{"pods that ended still count", slices.Concat(pods("train", 3, func(i int, p *corev1.Pod) {
			running(i, p)
			if i == 0 {
				ended(i, p)
			}
		})), false, false, `
GANG    PODS     STARTED   PHASE     QUEUE   AGE   WHY
train   3 of 3   3         Running   -       12m   -`},
		{"a gang that has ended", pods("train", 3, ended), false, false, `
GANG   PODS   STARTED   PHASE   QUEUE   AGE   WHY`},
		{"a queue", pods("odd", 1, func(_ int, p *corev1.Pod) { p.Labels = map[string]string{"kubenexus.io/queue": "research"} }), false, false, `
GANG   PODS     STARTED   PHASE   QUEUE      AGE   WHY
odd    1 of 1   0         Ready   research   10m   -`},
		{"text that would change the terminal", pods("odd", 1, says("a\x1b[31m\nb")), false, false, `
GANG   PODS     STARTED   PHASE   QUEUE   AGE   WHY
odd    1 of 1   0         Ready   -       10m   a [31m b`},
		{"pods with annotations that cannot be followed", pods("odd", 1, func(i int, p *corev1.Pod) {
			says("min-available is zero")(i, p)
			p.Status.Conditions[0].Reason = "InvalidGangAnnotation"
			p.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "0"
		}), false, false, `
GANG   PODS   STARTED   PHASE   QUEUE   AGE   WHY
Pod team-a/odd-0 is in no gang: min-available is zero`},
		{"pods of another scheduler", pods("odd", 1, func(_ int, p *corev1.Pod) { p.Spec.SchedulerName = "default-scheduler" }), false, false, `
GANG   PODS     STARTED   PHASE        QUEUE   AGE   WHY
odd    0 of 1   0         Incomplete   -       10m   another scheduler is responsible: the pods have the schedulerName default-scheduler`},
		{"pods without a gang", pods("odd", 1, func(_ int, p *corev1.Pod) { p.Annotations = nil }), false, false, `
GANG   PODS   STARTED   PHASE   QUEUE   AGE   WHY`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			if err := table(&out, gangread.Among(test.pods, scheduler.Names(), now), test.all, test.wide); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n")+"\n", out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNames(t *testing.T) {
	find := func(names ...string) (gangread.Gangs, error) {
		all := gangread.Among(slices.Concat(pods("train", 3, running), pods("spark", 2, nil)), scheduler.Names(), now)
		return named(all, names, "namespace team-a")
	}
	if got, err := find("train"); err != nil || len(got.Items) != 1 || got.Items[0].Key.Name != "train" {
		t.Errorf("got %v, %v", got, err)
	}
	want := "no gang other, none runs or waits in namespace team-a (kubenexus gangs -A shows all)"
	if _, err := find("other", "train", "none"); err == nil || err.Error() != want {
		t.Errorf("got the error %v, want %s", err, want)
	}
}
