package trim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
)

func simplePod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "a"}, Annotations: map[string]string{"pod-group.scheduling.sigs.k8s.io/name": "g"}},
		Spec: corev1.PodSpec{
			Hostname: name, NodeName: "n-" + name,
			Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
			}}},
		},
	}
}

func trimmed(t *testing.T, trimmer *trimmer, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	sent := pod.DeepCopy()
	sent.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}} // the API server sends no object without
	obj, err := trimmer.object(sent)
	if err != nil {
		t.Fatal(err)
	}
	return obj.(*corev1.Pod)
}

// TestPodsThatAreAlikeShare: what they have in common is there once, and each keeps its own name, node and host name.
func TestPodsThatAreAlikeShare(t *testing.T) {
	trimmer := newTrimmer()
	a, b := trimmed(t, trimmer, simplePod("a")), trimmed(t, trimmer, simplePod("b"))
	if &a.Spec.Containers[0] != &b.Spec.Containers[0] {
		t.Error("two pods with the same container have one each")
	}
	for pod, name := range map[*corev1.Pod]string{a: "a", b: "b"} {
		if diff := cmp.Diff(simplePod(name), pod); diff != "" {
			t.Errorf("pod %s -want +got:\n%s", name, diff)
		}
	}
}

// TestTrimmingTwiceIsTrimmingOnce, as informers ask of those who change objects, and it changes nothing for the pods that
// came before.
func TestTrimmingTwiceIsTrimmingOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		trimmer := newTrimmer()
		var pods, copies []*corev1.Pod
		for i := range rapid.IntRange(1, 5).Draw(r, "pods") {
			pod := drawPod(r, fmt.Sprint("p", i))
			if draw(r, false, true) {
				pod.Spec.NodeName, pod.Status = "n", drawStatus(r, pod)
			}
			small := must(trimmer.object(pod)).(*corev1.Pod)
			pods, copies = append(pods, small), append(copies, small.DeepCopy())
		}
		for _, pod := range pods {
			must(trimmer.object(pod))
		}
		if diff := cmp.Diff(copies, pods); diff != "" {
			r.Errorf("-once +twice:\n%s", diff)
		}
	})
}

// TestATrimmedPodIsNotWrittenTo: an informer trims pods twice when it lists anew, and by then others read what they share.
func TestATrimmedPodIsNotWrittenTo(t *testing.T) {
	trimmer := newTrimmer()
	pod := trimmed(t, trimmer, simplePod("a"))
	pod.Annotations[corev1.LastAppliedConfigAnnotation] = "as another pod reads it"
	pod.Spec.Containers[0].Image = "as another pod reads it"
	before := pod.DeepCopy()
	must(trimmer.object(pod))
	if diff := cmp.Diff(before, pod); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

// TestAnnotationsOfGangsAreKept, and no others: members are also told what is wrong with those that name other schedulers.
func TestAnnotationsOfGangsAreKept(t *testing.T) {
	for name, tc := range map[string]struct {
		labels, annotations map[string]string
		kept                bool
	}{
		"of no gang": {annotations: map[string]string{"team": "x"}},
		"of a gang":  {annotations: map[string]string{"pod-group.scheduling.sigs.k8s.io/name": "g"}, kept: true},
		"wrong":      {annotations: map[string]string{"batch.scheduling.k8s.io/min-available": "all"}, kept: true},
		"of a Spark job": {
			labels:      map[string]string{"spark-role": "driver", "spark-app-selector": "spark-1"},
			annotations: map[string]string{"spark-executor-count": "2"}, kept: true,
		},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: tc.labels, Annotations: tc.annotations}}
		if got := trimmed(t, newTrimmer(), pod).Annotations; (len(got) > 0) != tc.kept {
			t.Errorf("a pod whose annotations are %s keeps %v", name, got)
		}
	}
}

// TestNobodysPodsFillTheMemory: no more parts are remembered than that, and no large ones.
func TestNobodysPodsFillTheMemory(t *testing.T) {
	trimmer := newTrimmer()
	for i := range 2 * recent {
		pod := simplePod("p")
		pod.Labels["i"] = fmt.Sprint(i)
		trimmed(t, trimmer, pod)
	}
	if n := trimmer.shared.parts.Len(); n > recent {
		t.Errorf("%d parts are remembered, at most %d are to be", n, recent)
	}
	large := newTrimmer()
	pod := simplePod("p")
	pod.Annotations["large"] = strings.Repeat("x", largest)
	before := trimmed(t, large, simplePod("q"))
	known := large.shared.parts.Len()
	if got := trimmed(t, large, pod); got.Annotations["large"] == "" || large.shared.parts.Len() != known {
		t.Errorf("%d parts are remembered after a large one, want %d as after %s", large.shared.parts.Len(), known, before.Name)
	}
}

// TestWhatTheSchedulerUpdatesIsWhole: it writes these back, so what is dropped here would be gone in the cluster.
func TestWhatTheSchedulerUpdatesIsWhole(t *testing.T) {
	meta := metav1.ObjectMeta{
		Name: "x", Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: "{}"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}
	for _, object := range []runtime.Object{
		&corev1.PersistentVolumeClaim{ObjectMeta: meta}, &corev1.PersistentVolume{ObjectMeta: meta}, &resourcev1.ResourceClaim{ObjectMeta: meta},
	} {
		if diff := cmp.Diff(object, must(newTrimmer().object(object.DeepCopyObject()))); diff != "" {
			t.Errorf("%T -want +got:\n%s", object, diff)
		}
	}
}

// TestTemplatesAreDropped: of a ReplicaSet, the scheduler reads the selector.
func TestTemplatesAreDropped(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}}
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}},
		Spec:       appsv1.ReplicaSetSpec{Selector: selector, Template: corev1.PodTemplateSpec{Spec: simplePod("a").Spec}},
	}
	want := &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Selector: selector}}
	if diff := cmp.Diff(want, must(newTrimmer().object(set))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
