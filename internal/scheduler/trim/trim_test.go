package trim

import (
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
)

func simplePod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, Labels: map[string]string{"app": "a"}, Annotations: map[string]string{group: "g"},
		},
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
	pod = pod.DeepCopy()
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	encoded, err := pod.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sent := &corev1.Pod{} // with memory of its own, as the client decodes it
	if err := sent.Unmarshal(encoded); err != nil {
		t.Fatal(err)
	}
	obj, err := trimmer.object(sent)
	if err != nil {
		t.Fatal(err)
	}
	return obj.(*corev1.Pod)
}

// TestPodsThatAreAlikeShare: what they have in common is there once, and each keeps its own name, node and host name.
func TestPodsThatAreAlikeShare(t *testing.T) {
	trimmer := newTrimmer()
	a := trimmed(t, trimmer, simplePod("a"))
	goruntime.GC()
	b := trimmed(t, trimmer, simplePod("b"))
	if &a.Spec.Containers[0] != &b.Spec.Containers[0] {
		t.Error("two pods with the same container have one each")
	}
	if unsafe.StringData(a.Namespace) != unsafe.StringData(b.Namespace) {
		t.Error("two pods of a namespace have its name each")
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

// TestATrimmedPodIsNotWrittenTo: an informer trims pods twice when it lists again, and by then others read what they share.
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

// TestAnnotationsThatAreReadAreKept, and no others: those of gangs, and those about the share of a pod without one. Events also say what is
// wrong with those that name other schedulers, and pods that wait of keys that are not read.
func TestAnnotationsThatAreReadAreKept(t *testing.T) {
	for name, tc := range map[string]struct {
		labels, annotations map[string]string
		node                string
		kept                bool
	}{
		"of no gang": {annotations: map[string]string{"team": "x"}},
		"of no gang, the queue": {
			annotations: map[string]string{"kubenexus.io/queue": "research", "team": "x"}, kept: true,
		},
		"of no gang, whether it may be preempted": {
			annotations: map[string]string{"kubenexus.io/preemptible": "false", "team": "x"}, node: "n", kept: true,
		},
		"of no gang, how long it runs": {
			annotations: map[string]string{"kubenexus.io/expected-runtime": "2h", "team": "x"}, node: "n", kept: true,
		},
		"of no gang, the domain":        {annotations: map[string]string{"kubenexus.io/topology-required": "r", "team": "x"}, kept: true},
		"of no gang, preferred domains": {annotations: map[string]string{"kubenexus.io/topology-preferred": "r", "team": "x"}, kept: true},
		"of no gang, slices":            {annotations: map[string]string{"kubenexus.io/topology-slice-required": "r", "team": "x"}, kept: true},
		"of no gang, their size":        {annotations: map[string]string{"kubenexus.io/topology-slice-size": "2", "team": "x"}, kept: true},
		"of no gang, spread":            {annotations: map[string]string{"kubenexus.io/topology-spread": "r", "team": "x"}, kept: true},
		"of a gang":                     {annotations: map[string]string{"pod-group.scheduling.sigs.k8s.io/name": "g"}, kept: true},
		"wrong":                         {annotations: map[string]string{"batch.scheduling.k8s.io/min-available": "all"}, kept: true},
		"of a Spark job": {
			labels:      map[string]string{"spark-role": "driver", "spark-app-selector": "spark-1"},
			annotations: map[string]string{"spark-executor-count": "2"}, kept: true,
		},
		"read beside a label": {
			labels:      map[string]string{"pod-group.scheduling.sigs.k8s.io/name": "g"},
			annotations: map[string]string{"pod-group.scheduling.sigs.k8s.io/min-available": "2"}, node: "n", kept: true,
		},
		"another product's":                      {annotations: map[string]string{"scheduling.k8s.io/group-name": "g"}, kept: true},
		"another product's, where it has a node": {annotations: map[string]string{"scheduling.k8s.io/group-name": "g"}, node: "n"},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: tc.labels, Annotations: tc.annotations}}
		pod.Spec.NodeName = tc.node
		if got := trimmed(t, newTrimmer(), pod).Annotations; (len(got) > 0) != tc.kept {
			t.Errorf("a pod whose annotations are %s keeps %v", name, got)
		} else if _, others := got["team"]; others {
			t.Errorf("a pod whose annotations are %s keeps others too: %v", name, got)
		}
	}
}

// TestNobodysPodsFillTheMemory: pods that are gone hold no more of it than is set aside, whatever was in them.
func TestNobodysPodsFillTheMemory(t *testing.T) {
	one := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	all := &metav1.LabelSelector{MatchLabels: map[string]string{"a": ""}}
	for name, tc := range map[string]struct {
		pods, times int
		add         func(pod *corev1.Pod, name string)
	}{
		"next to nothing": {pods: 20_000},
		"containers": {pods: 500, times: 60, add: func(pod *corev1.Pod, name string) {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name, Image: "a"})
		}},
		"requests and limits": {pods: 500, times: 20, add: func(pod *corev1.Pod, name string) {
			resources := corev1.ResourceRequirements{Requests: one, Limits: one}
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name, Resources: resources})
		}},
		"selectors": {pods: 500, times: 60, add: func(pod *corev1.Pod, name string) {
			constraint := corev1.TopologySpreadConstraint{TopologyKey: name, LabelSelector: all}
			pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, constraint)
		}},
		"tolerations": {pods: 500, times: 200, add: func(pod *corev1.Pod, name string) {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: name})
		}},
		"labels": {pods: 500, times: 225, add: func(pod *corev1.Pod, name string) { pod.Labels[name] = "" }},
		"a large annotation": {pods: 500, times: 1, add: func(pod *corev1.Pod, name string) {
			pod.Annotations = map[string]string{group: name, "large": strings.Repeat("x", largest/2)}
		}},
		"a larger annotation": {pods: 50, times: 1, add: func(pod *corev1.Pod, name string) {
			pod.Annotations = map[string]string{group: name, "large": strings.Repeat("x", 4*largest)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			trimmer := newTrimmer()
			for i := range tc.pods {
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"i": fmt.Sprint(i)}}}
				for j := range tc.times {
					tc.add(pod, fmt.Sprint(i, "-", j))
				}
				trimmed(t, trimmer, pod)
			}
			if held := heap() - before; held > budget {
				t.Errorf("%d pods are gone and hold %d KB, at most %d KB are set aside", tc.pods, held>>10, budget>>10)
			}
			goruntime.KeepAlive(trimmer)
		})
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	goruntime.GC()
	var s goruntime.MemStats
	goruntime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// TestOrdinaryPodsAreRemembered: there is room for what the Deployments of a large cluster have in common, and pods that are too
// large take none of it.
func TestOrdinaryPodsAreRemembered(t *testing.T) {
	const deployments = 500
	trimmer := newTrimmer()
	var first []*corev1.Pod
	for i := range deployments {
		first = append(first, trimmed(t, trimmer, ordinaryPod(i)))
	}
	for i := range 200 {
		large := simplePod("p")
		large.Spec.PriorityClassName = fmt.Sprint(i)
		for j := range 95 {
			large.Spec.Containers = append(large.Spec.Containers, corev1.Container{Name: fmt.Sprint(j)})
		}
		trimmed(t, trimmer, large)
	}
	for i, earlier := range first {
		pod := trimmed(t, trimmer, ordinaryPod(i))
		if &pod.Spec.Containers[0] != &earlier.Spec.Containers[0] {
			t.Fatalf("of %d Deployments, the pods of number %d have nothing in common", deployments, i)
		}
	}
}

// ordinaryPod has a main container, a sidecar, and what admission adds.
func ordinaryPod(deployment int) *corev1.Pod {
	app := fmt.Sprint("app-", deployment)
	pod := simplePod("p")
	pod.Labels = map[string]string{"app.kubernetes.io/name": app, "pod-template-hash": "5d4f8c7b9"}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: app, Controller: new(true)}}
	pod.Spec.ServiceAccountName = app
	some := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi")}
	pod.Spec.Containers = nil
	for _, name := range []string{app, "proxy"} {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: name, Image: "registry.example.com/" + name + ":1", Resources: corev1.ResourceRequirements{Requests: some, Limits: some},
		})
	}
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
			Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64),
		})
	}
	return pod
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
