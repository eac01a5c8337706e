package devicepacking

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

const (
	gpu corev1.ResourceName = "example.com/gpu"
	nic corev1.ResourceName = "example.com/nic"
)

// amounts are those of extended resources.
type amounts map[corev1.ResourceName]int64

func (a amounts) list() corev1.ResourceList {
	list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	for name, amount := range a {
		list[name] = *resource.NewQuantity(amount, resource.DecimalSI)
	}
	return list
}

func podThatAsks(a amounts) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: a.list()}}}}}
}

// node returns a node with these extended resources, and a pod on it that uses some.
func node(name string, has, used amounts) fwk.NodeInfo {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Allocatable: has.list()}}
	info := framework.NewNodeInfo(podThatAsks(used))
	info.SetNode(n)
	return info
}

// withSlices returns the plugin in a cluster in which these nodes have a device in a ResourceSlice.
func withSlices(t *testing.T, nodes ...string) *plugin {
	t.Helper()
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{byNode: nodeOf})
	for _, name := range nodes {
		err := indexer.Add(&resourceapi.ResourceSlice{
			ObjectMeta: metav1.ObjectMeta{Name: "slice-of-" + name},
			Spec:       resourceapi.ResourceSliceSpec{NodeName: &name, Devices: []resourceapi.Device{{Name: "gpu-0"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return &plugin{slices: indexer}
}

func TestScore(t *testing.T) {
	plain := node("plain", nil, nil)
	whole := node("whole", amounts{gpu: 8}, nil)
	half := node("half", amounts{gpu: 8}, amounts{gpu: 4})
	mixed := node("mixed", amounts{gpu: 8, nic: 2}, amounts{gpu: 4})
	drawn := node("drawn", nil, nil)
	p := withSlices(t, "drawn")
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want map[fwk.NodeInfo]int64
	}{
		{"no device", podThatAsks(nil), map[fwk.NodeInfo]int64{plain: 100, whole: 0, half: 0, drawn: 0}},
		{"nothing of a device", podThatAsks(amounts{gpu: 0}), map[fwk.NodeInfo]int64{plain: 100, whole: 0}},
		{"one of eight", podThatAsks(amounts{gpu: 1}), map[fwk.NodeInfo]int64{whole: 12, half: 62}},
		{"all that is free", podThatAsks(amounts{gpu: 4}), map[fwk.NodeInfo]int64{whole: 50, half: 100}},
		{"two kinds", podThatAsks(amounts{gpu: 2, nic: 1}), map[fwk.NodeInfo]int64{mixed: 62, whole: 12}},
		{"devices of a class, which the node does not count", podThatAsks(amounts{gpu: 1}), map[fwk.NodeInfo]int64{drawn: 0}},
		{"more than any node can have", podThatAsks(amounts{gpu: 1<<63 - 1}), map[fwk.NodeInfo]int64{half: 100}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for info, want := range test.want {
				state := framework.NewCycleState()
				if status := p.PreScore(t.Context(), state, test.pod, []fwk.NodeInfo{info, whole}); !status.IsSuccess() {
					t.Fatalf("PreScore: %v", status)
				}
				got, status := p.Score(t.Context(), state, test.pod, info)
				if !status.IsSuccess() || got != want {
					t.Errorf("node %s has score %d (%v), want %d", info.Node().Name, got, status, want)
				}
			}
		})
	}
}

// TestSkips: a cluster without devices pays for one look at its nodes, and claims are upstream's to place.
func TestSkips(t *testing.T) {
	plain, whole := node("plain", nil, nil), node("whole", amounts{gpu: 8}, nil)
	claims := podThatAsks(nil)
	claims.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu"}}
	for _, test := range []struct {
		name  string
		p     *plugin
		pod   *corev1.Pod
		nodes []fwk.NodeInfo
		skips bool
	}{
		{"no node has devices", withSlices(t, "another"), podThatAsks(nil), []fwk.NodeInfo{plain}, true},
		{"a node has a device plugin", &plugin{}, podThatAsks(nil), []fwk.NodeInfo{plain, whole}, false},
		{"a node has a ResourceSlice", withSlices(t, "plain"), podThatAsks(nil), []fwk.NodeInfo{plain}, false},
		{"the pod has claims", withSlices(t), claims, []fwk.NodeInfo{whole}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.p.PreScore(t.Context(), framework.NewCycleState(), test.pod, test.nodes).IsSkip(); got != test.skips {
				t.Errorf("skips: %v, want %v", got, test.skips)
			}
		})
	}
}

// TestSlicesOfOneNode: slices that several nodes share, and those without devices, make no node one with devices.
func TestSlicesOfOneNode(t *testing.T) {
	name, all := "n", true
	for _, test := range []struct {
		spec resourceapi.ResourceSliceSpec
		want int
	}{
		{resourceapi.ResourceSliceSpec{NodeName: &name, Devices: []resourceapi.Device{{}}}, 1},
		{resourceapi.ResourceSliceSpec{NodeName: &name}, 0},
		{resourceapi.ResourceSliceSpec{AllNodes: &all, Devices: []resourceapi.Device{{}}}, 0},
	} {
		if got, err := nodeOf(&resourceapi.ResourceSlice{Spec: test.spec}); len(got) != test.want || err != nil {
			t.Errorf("%+v is of %v (%v), want %d", test.spec, got, err, test.want)
		}
	}
}

// TestScoreWithoutPreScore: a profile may disable the plugin at preScore only. Then it prefers nothing, and no pod fails.
func TestScoreWithoutPreScore(t *testing.T) {
	got, status := (&plugin{}).Score(t.Context(), framework.NewCycleState(), podThatAsks(nil), node("plain", nil, nil))
	if got != 0 || !status.IsSuccess() {
		t.Errorf("the score is %d, %v, want 0", got, status)
	}
}
