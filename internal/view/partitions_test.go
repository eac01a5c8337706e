package view

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"
)

const (
	gpuDriver = "gpu.example.com"
	gpuNodes  = 3
	gpuParts  = 8
)

// partition is a device that takes some of the parts of its node's GPU.
type partition struct{ node, size, at int }

func (p partition) name() string { return fmt.Sprintf("part-%d-%d", p.size, p.at) }

// sizes are those of partitions, in parts.
var sizes = []int{1, 2, 4, 8} //nolint:gochecknoglobals // a constant table

// gpuHarness is a harness with a GPU on each node, a class for each size of its partitions, and claims for members that may want one.
func gpuHarness(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t)
	client := h.framework.ClientSet().ResourceV1()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	claims := 0
	for _, size := range sizes {
		class := &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("size-", size)}}
		class.Spec.Selectors = []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{
			Expression: fmt.Sprintf("device.attributes[%q].size == %d", gpuDriver, size),
		}}}
		_, err := client.DeviceClasses().Create(h.ctx, class, metav1.CreateOptions{})
		must(err)
		for i := range gpuNodes*gpuParts/size + 1 {
			claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: claimName(size, i)}}
			claim.UID = types.UID(claim.Name)
			claim.Spec.Devices.Requests = []resourcev1.DeviceRequest{{Name: "gpu", Exactly: &resourcev1.ExactDeviceRequest{
				DeviceClassName: class.Name, AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1,
			}}}
			_, err := client.ResourceClaims(testNamespace).Create(h.ctx, claim, metav1.CreateOptions{})
			must(err)
			claims++
		}
	}
	for node := range gpuNodes {
		for _, slice := range gpuSlices(node) {
			_, err := client.ResourceSlices().Create(h.ctx, slice, metav1.CreateOptions{})
			must(err)
		}
	}
	h.informers.Start(t.Context().Done())
	h.informers.WaitForCacheSync(t.Context().Done())
	manager := h.framework.SharedDRAManager()
	must(wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		known, err := manager.ResourceClaims().List()
		published, err2 := manager.ResourceSlices().ListWithDeviceTaintRules()
		classes, err3 := manager.DeviceClasses().List()
		return err == nil && err2 == nil && err3 == nil && len(known) == claims && len(published) == 2*gpuNodes && len(classes) == len(sizes), nil
	}))
	return h
}

func claimName(size, i int) string { return fmt.Sprintf("claim-%d-%d", size, i) }

func gpuNode(i int) string { return fmt.Sprint("node-", i) }

// gpuSlices publish a node's GPU: its parts, and all partitions that it may be divided into.
func gpuSlices(node int) []*resourcev1.ResourceSlice {
	one := resourcev1.Counter{Value: resource.MustParse("1")}
	slice := func(kind string) *resourcev1.ResourceSlice {
		s := &resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: gpuNode(node) + "-" + kind}}
		s.Spec.Driver, s.Spec.NodeName = gpuDriver, new(gpuNode(node))
		s.Spec.Pool = resourcev1.ResourcePool{Name: gpuNode(node), Generation: 1, ResourceSliceCount: 2}
		return s
	}
	counters, devices := slice("counters"), slice("devices")
	counters.Spec.SharedCounters = []resourcev1.CounterSet{{Name: "gpu", Counters: map[string]resourcev1.Counter{}}}
	for part := range gpuParts {
		counters.Spec.SharedCounters[0].Counters[fmt.Sprint("part-", part)] = one
	}
	for _, size := range sizes {
		for at := 0; at < gpuParts; at += size {
			takes := resourcev1.DeviceCounterConsumption{CounterSet: "gpu", Counters: map[string]resourcev1.Counter{}}
			for part := at; part < at+size; part++ {
				takes.Counters[fmt.Sprint("part-", part)] = one
			}
			devices.Spec.Devices = append(devices.Spec.Devices, resourcev1.Device{
				Name:             partition{node, size, at}.name(),
				Attributes:       map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"size": {IntValue: new(int64(size))}},
				ConsumesCounters: []resourcev1.DeviceCounterConsumption{takes},
			})
		}
	}
	return []*resourcev1.ResourceSlice{counters, devices}
}

// taken allocates the partition to a claim of another pod, until the returned function is called.
func (h *harness) taken(t fataler, p partition) (release func()) {
	t.Helper()
	claim := &resourcev1.ResourceClaim{}
	claim.UID = types.UID(fmt.Sprint("taken-", p))
	claim.Status.Allocation = &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
		Results: []resourcev1.DeviceRequestAllocationResult{{Request: "gpu", Driver: gpuDriver, Pool: gpuNode(p.node), Device: p.name()}},
	}}
	tracker := h.framework.SharedDRAManager().ResourceClaims()
	if err := tracker.SignalClaimPendingAllocation(claim.UID, claim); err != nil {
		t.Fatalf("%v", err)
	}
	return func() { tracker.MaybeRemoveClaimPendingAllocation(claim.UID, true) }
}

// drawPartitions divides GPUs at random.
func drawPartitions(t *rapid.T) (all []partition) {
	var divide func(node, at, size int)
	divide = func(node, at, size int) {
		if size > 1 && rapid.IntRange(0, 3).Draw(t, "divides") > 0 {
			divide(node, at, size/2)
			divide(node, at+size/2, size/2)
			return
		}
		all = append(all, partition{node, size, at})
	}
	for node := range gpuNodes {
		divide(node, 0, gpuParts)
	}
	return all
}

// TestPartitionsForAllAreFound: GPUs are divided at random. Some partitions are taken, and a gang wants as many of each size as some of the
// others, so it fits. With another member that wants a whole GPU it does not if fewer parts than that are left.
func TestPartitionsForAllAreFound(t *testing.T) {
	h := gpuHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		w := &world{}
		for node := range gpuNodes {
			w.nodes = append(w.nodes, st.MakeNode().Name(gpuNode(node)).Capacity(map[corev1.ResourceName]string{"cpu": "64", "pods": "110"}).Obj())
		}
		var releases []func()
		defer func() {
			for _, release := range releases {
				release()
			}
		}()
		count, left := map[int]int{}, gpuNodes*gpuParts
		for _, p := range drawPartitions(t) {
			switch rapid.SampledFrom([]string{"taken", "free", "wanted", "wanted"}).Draw(t, "use") {
			case "taken":
				releases = append(releases, h.taken(t, p))
				left -= p.size
			case "wanted":
				w.members = append(w.members, claiming(claimName(p.size, count[p.size])))
				count[p.size]++
				left -= p.size
			}
		}
		if len(w.members) > 0 {
			w.members = rapid.Permutation(w.members).Draw(t, "members")
			w.need = len(w.members)
			h.set(t, w)
			if p := h.plan(t, w.task()); p.Finding != nil {
				t.Fatalf("no plan for %d: %+v", w.need, p.Finding)
			}
		}
		if left < gpuParts && rapid.IntRange(0, 9).Draw(t, "one more") == 0 { // a no takes much longer than a yes
			w.members = append(w.members, claiming(claimName(gpuParts, count[gpuParts])))
			w.need = len(w.members)
			h.set(t, w)
			if p := h.plan(t, w.task()); p.Finding == nil {
				t.Fatalf("a plan for %d, with %d parts for a whole GPU: %v", w.need, left, p.Pins)
			}
		}
	})
}

// claiming is a member with that claim.
func claiming(name string) *corev1.Pod {
	pod := st.MakePod().Namespace(testNamespace).Name(name).UID(name).Req(map[corev1.ResourceName]string{"cpu": "1"}).Obj()
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &name}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	return pod
}
