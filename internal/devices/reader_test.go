package devices

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
)

const (
	gpu = "nvidia.com/gpu"
	mig = "nvidia.com/mig-1g.10gb"
)

func amounts(of map[corev1.ResourceName]string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for name, amount := range of {
		list[name] = resource.MustParse(amount)
	}
	return list
}

func node(name string, has map[corev1.ResourceName]string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Status:     corev1.NodeStatus{Allocatable: amounts(has)},
	}
}

func pod(name, on string, asks map[corev1.ResourceName]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec: corev1.PodSpec{
			NodeName:   on,
			Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: amounts(asks)}}},
		},
	}
}

// texts are the devices of each node: "name resource free/total".
func texts(nodes []metrics.NodeDevices) (all []string) {
	for _, n := range nodes {
		for _, d := range n.Devices {
			all = append(all, fmt.Sprintf("%s %s %d/%d", n.Labels[corev1.LabelHostname], d.Resource, d.Free, d.Total))
		}
	}
	slices.Sort(all)
	return all
}

func TestWhatNoPodUsesIsFree(t *testing.T) {
	logger, ctx := ktesting.NewTestContext(t)
	cache := internalcache.New(ctx, nil, false)
	var r Reader
	if nodes := r.NodesWithDevices(); nodes != nil {
		t.Errorf("without a cache, the nodes have %v", texts(nodes))
	}
	r.In(cache)
	free := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, texts(r.NodesWithDevices())); diff != "" {
			t.Errorf("free devices (-want +got):\n%s", diff)
		}
	}
	free()
	a := node("a", map[corev1.ResourceName]string{"cpu": "8", gpu: "8", mig: "0", "hugepages-2Mi": "4Mi"})
	cache.AddNode(logger, a)
	cache.AddNode(logger, node("b", map[corev1.ResourceName]string{"cpu": "8", mig: "7"}))
	cache.AddNode(logger, node("c", map[corev1.ResourceName]string{"cpu": "8"}))
	free("a nvidia.com/gpu 8/8", "b nvidia.com/mig-1g.10gb 7/7")

	binds, runs := pod("binds", "a", map[corev1.ResourceName]string{gpu: "4"}), pod("runs", "b", map[corev1.ResourceName]string{mig: "2"})
	must(t, cache.AssumePod(logger, binds))
	must(t, cache.AddPod(logger, runs))
	free("a nvidia.com/gpu 4/8", "b nvidia.com/mig-1g.10gb 5/7")

	must(t, cache.ForgetPod(logger, binds))
	must(t, cache.RemoveNode(logger, node("b", nil)))
	free("a nvidia.com/gpu 8/8")
}

// TestNodesThatTakeNoPodsHaveNothingFree: those that are cordoned, and those that are not ready.
func TestNodesThatTakeNoPodsHaveNothingFree(t *testing.T) {
	logger, ctx := ktesting.NewTestContext(t)
	cache := internalcache.New(ctx, nil, false)
	for name, change := range map[string]func(*corev1.Node){
		"cordoned": func(n *corev1.Node) { n.Spec.Unschedulable = true },
		"not-ready": func(n *corev1.Node) {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}
		},
		"ready": func(n *corev1.Node) {
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		},
		"simulated": func(*corev1.Node) {},
	} {
		n := node(name, map[corev1.ResourceName]string{gpu: "8"})
		change(n)
		cache.AddNode(logger, n)
	}
	var r Reader
	r.In(cache)
	want := []string{"ready nvidia.com/gpu 8/8", "simulated nvidia.com/gpu 8/8"}
	if diff := cmp.Diff(want, texts(r.NodesWithDevices())); diff != "" {
		t.Errorf("free devices (-want +got):\n%s", diff)
	}
}

func TestMain(m *testing.M) {
	schedulermetrics.Register() // the cache has some
	m.Run()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkScrape reads 5,000 nodes with 30 pods each, of which one in ten has changed since the last scrape.
func BenchmarkScrape(b *testing.B) {
	logger := klog.Background()
	cache := internalcache.New(b.Context(), nil, false)
	pods := 0
	add := func(on int) *corev1.Pod {
		pods++
		p := pod(fmt.Sprint("p", pods), fmt.Sprint("n", on), map[corev1.ResourceName]string{"cpu": "1m"})
		if err := cache.AddPod(logger, p); err != nil {
			b.Fatal(err)
		}
		return p
	}
	for i := range 5000 {
		cache.AddNode(logger, node(fmt.Sprint("n", i), map[corev1.ResourceName]string{"cpu": "64", gpu: "8"}))
		for range 30 {
			add(i)
		}
	}
	var r Reader
	r.In(cache)
	r.NodesWithDevices()
	for b.Loop() {
		b.StopTimer()
		for i := range 500 {
			if err := cache.RemovePod(logger, add(10*i)); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		r.NodesWithDevices()
	}
}
