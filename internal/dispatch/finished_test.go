package dispatch

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// endedPod returns a failed pod with all the fields that a cluster sets on one.
func endedPod(annotations map[string]string) *corev1.Pod {
	pod := testPod("p").SchedulerName(testProfileName).Node("n").Label("app", "a").Annotations(map[string]string{
		corev1.LastAppliedConfigAnnotation: "{}", "sidecar.istio.io/status": "{}",
	}).Phase(corev1.PodFailed).CreationTimestamp(metav1.Unix(500, 0)).ResourceVersion("7").Obj()
	maps.Copy(pod.Annotations, annotations)
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	pod.Finalizers = []string{"batch.kubernetes.io/job-tracking"}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Name: "job", UID: "job", Controller: new(true)}}
	pod.Spec.Containers = []corev1.Container{{Name: "main", Env: []corev1.EnvVar{{Name: "A", Value: "a"}}}}
	pod.Status.Reason, pod.Status.Message = "Evicted", "The node was low on resource: memory."
	pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodReady, Status: corev1.ConditionFalse, Message: "not ready", LastTransitionTime: metav1.Unix(510, 0)},
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Image: "app:1", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{Message: "killed", FinishedAt: metav1.Unix(520, 0)},
	}}}
	return pod
}

func bared(t testing.TB, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	bare, err := bareFinished(pod)
	if err != nil {
		t.Fatal(err)
	}
	return bare.(*corev1.Pod)
}

// TestFinishedPodsAreTrimmed: a cluster keeps thousands of them, with annotations of any size.
func TestFinishedPodsAreTrimmed(t *testing.T) {
	plain := testPod("p").SchedulerName(testProfileName).Node("n").
		Phase(corev1.PodFailed).CreationTimestamp(metav1.Unix(500, 0)).ResourceVersion("7").Obj()
	plain.Spec.Priority = nil
	group := map[string]string{conventions.Coscheduling().GroupAnnotation: "g", conventions.Coscheduling().MinAvailableAnnotation: "2"}
	member := plain.DeepCopy()
	member.Labels = map[string]string{"app": "a"}
	member.Annotations = map[string]string{"sidecar.istio.io/status": "{}"}
	maps.Copy(member.Annotations, group)
	member.OwnerReferences = endedPod(nil).OwnerReferences
	member.Status.Reason = "Evicted"
	member.Status.Conditions = []corev1.PodCondition{{LastTransitionTime: metav1.Unix(510, 0)}}
	member.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.Unix(520, 0)},
	}}}
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        *corev1.Pod
	}{
		{"of no gang", nil, plain},
		{"with invalid annotations", map[string]string{conventions.Coscheduling().MinAvailableAnnotation: "all"}, plain},
		{"of a gang", group, member},
		{"with keys of another product, alone", map[string]string{"scheduling.k8s.io/group-name": "g"}, plain},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, bared(t, endedPod(tc.annotations))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// dice draws a number below n.
type dice func(n int) int

func (d dice) one(in int) bool { return d(in) == in-1 }

func pick[T any](d dice, from ...T) T { return from[d(len(from))] }

func rolled(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "dice") }
}

// drawEnded draws a finished pod: of the gang g, of another gang, or of none.
func drawEnded(d dice, name string) *corev1.Pod {
	job := conventions.Coscheduling()
	pod := endedPod(pick(d,
		nil,
		map[string]string{job.GroupAnnotation: "g", job.MinAvailableAnnotation: "3"},
		map[string]string{job.GroupAnnotation: "g", job.MinAvailableAnnotation: "3", conventions.RoleAnnotation: "worker"},
		map[string]string{job.GroupAnnotation: "g", job.MinAvailableAnnotation: "all"},
		map[string]string{conventions.BatchPermit().GroupAnnotation: "g", conventions.BatchPermit().MinAvailableAnnotation: "3"},
	))
	pod.Name, pod.UID = name, testPod(name).Obj().UID
	if d.one(3) {
		maps.Copy(pod.Labels, map[string]string{"spark-role": pick(d, "driver", "executor"), "spark-app-selector": "g"})
	}
	if d.one(4) {
		maps.Copy(pod.Labels, map[string]string{job.GroupAnnotation: "g", job.MinAvailableAnnotation: "3"})
	}
	if d.one(5) {
		pod.Annotations["scheduling.k8s.io/group-name"] = "g"
	}
	if d.one(5) {
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: new("g")}
	}
	if d.one(4) {
		delete(pod.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	if d.one(5) {
		pod.DeletionTimestamp = &pod.CreationTimestamp
	}
	pod.Spec.SchedulerName = pick(d, testProfileName, testProfileName, "another")
	pod.Spec.NodeName = pick(d, "", "n")
	pod.OwnerReferences[0].UID = pick(d, testPod("job").Obj().UID, "earlier")
	pod.Status.Phase, pod.Status.Reason = pick(d, corev1.PodSucceeded, corev1.PodFailed), pick(d, "", "OutOfcpu")
	at := func() metav1.Time { return metav1.Unix(pick[int64](d, 400, 500, 590), 0) }
	pod.CreationTimestamp, pod.Status.Conditions[0].LastTransitionTime = at(), at()
	pod.Status.ContainerStatuses[0].State.Terminated.FinishedAt = at()
	switch d(4) {
	case 0:
		pod.Status.ContainerStatuses = nil
	case 1:
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{}
	}
	return pod
}

// heard returns the decisions of a ledger that knows one pending member of the gang g and these finished pods.
func heard(ended []*corev1.Pod) []any {
	job, clock := conventions.Coscheduling(), testingclock.NewFakePassiveClock(time.Unix(600, 0))
	l := ledger.New(clock)
	l.Serve(testProfileName, job.Name, ledger.Defaults{Timeout: job.DefaultTimeout})
	pending := testPod("pending").SchedulerName(testProfileName).CreationTimestamp(metav1.Unix(550, 0)).Annotations(
		map[string]string{job.GroupAnnotation: "g", job.MinAvailableAnnotation: "3"}).Obj()
	pending.OwnerReferences = endedPod(nil).OwnerReferences
	all := []any{l.Observe(pending)}
	for _, pod := range ended {
		all = append(all, l.Finish(pod), l.Enter(pending))
	}
	clock.SetTime(time.Unix(620, 0))
	return append(all, l.Tick())
}

// TestTheLedgerDecidesTheSameForTrimmedPods. Trimming a pod twice changes nothing, and does not modify the original.
func TestTheLedgerDecidesTheSameForTrimmedPods(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var whole, bare []*corev1.Pod
		for i := range 1 + rolled(r)(4) {
			pod := drawEnded(rolled(r), string(rune('a'+i)))
			before := pod.DeepCopy()
			once := bared(t, pod)
			if diff := cmp.Diff(before, pod); diff != "" {
				r.Errorf("the original was modified (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(once, bared(t, once)); diff != "" {
				r.Errorf("-once +twice:\n%s", diff)
			}
			whole, bare = append(whole, pod), append(bare, once)
		}
		if want, got := heard(whole), heard(bare); !reflect.DeepEqual(want, got) {
			r.Errorf("the ledger decides\n%+v\nfor trimmed pods, and\n%+v\nfor the originals:\n%v", got, want, whole)
		}
	})
}
