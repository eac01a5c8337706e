package slots

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// fakeCache has the assumed pods, by UID.
type fakeCache map[string]*corev1.Pod

func (c fakeCache) AssumePod(_ klog.Logger, pod *corev1.Pod) error {
	if c[string(pod.UID)] != nil {
		return errors.New("the pod is assumed already")
	}
	c[string(pod.UID)] = pod
	return nil
}

func (c fakeCache) ForgetPod(_ klog.Logger, pod *corev1.Pod) error {
	if c[string(pod.UID)] == nil {
		return errors.New("the pod is not assumed")
	}
	delete(c, string(pod.UID))
	return nil
}

// nodes returns the nodes on which the gang has placeholders in the cache.
func (c fakeCache) nodes(key gang.Key) []string {
	nodes := []string{}
	for _, pod := range c {
		if strings.HasPrefix(pod.Name, key.Name+".") {
			nodes = append(nodes, pod.Spec.NodeName)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// TestPlaceholdersOfWhatIsSetAside: whatever was set aside, lifted and restored before, the cache has what was set aside last, and nothing of
// what is lifted.
func TestPlaceholdersOfWhatIsSetAside(t *testing.T) {
	a, b := gang.Key{Namespace: "default", Name: "a"}, gang.Key{Namespace: "default", Name: "b"}
	one := requests.From([]gang.Amount{{Resource: "cpu", Quantity: 1500}, {Resource: "nvidia.com/gpu", Quantity: 2}})
	rapid.Check(t, func(t *rapid.T) {
		cache, h := fakeCache{}, New(ledger.New(clock.RealClock{}))
		h.In(cache)
		want, lifted := map[gang.Key][]string{}, map[gang.Key]bool{}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			key := rapid.SampledFrom([]gang.Key{a, b}).Draw(t, "gang")
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				nodes := rapid.SliceOfN(rapid.SampledFrom([]string{"n0", "n1", "n2"}), 0, 5).Draw(t, "nodes")
				var wanted []Aside
				for _, node := range nodes {
					wanted = append(wanted, Aside{Node: node, Requests: one})
				}
				less := h.SetAside(klog.Logger{}, key, wanted)
				for _, node := range []string{"n0", "n1", "n2"} {
					if had, has := count(want[key], node), count(nodes, node); count(less, node) != max(0, had-has) {
						t.Fatalf("less on %v; before %v, now %v", less, want[key], nodes)
					}
				}
				want[key], lifted[key] = nodes, false
			case 1:
				h.Lift(klog.Logger{}, func(k gang.Key) bool { return k == key })
				lifted[key] = true
			default:
				h.Restore(klog.Logger{})
				clear(lifted)
			}
			for _, k := range []gang.Key{a, b} {
				nodes := slices.Sorted(slices.Values(want[k]))
				if !slices.Equal(h.AsideFor(k), nodes) {
					t.Fatalf("set aside for %s on %v, want %v", k, h.AsideFor(k), nodes)
				}
				if lifted[k] {
					nodes = nil
				}
				if got := cache.nodes(k); !slices.Equal(got, nodes) {
					t.Fatalf("the cache has placeholders for %s on %v, want %v", k, got, nodes)
				}
			}
		}
	})
}

func count(nodes []string, node string) int {
	n := 0
	for _, other := range nodes {
		if other == node {
			n++
		}
	}
	return n
}

// TestAPlaceholderHasRequestsOnly, and nothing preempts it.
func TestAPlaceholderHasRequestsOnly(t *testing.T) {
	cache, h := fakeCache{}, New(ledger.New(clock.RealClock{}))
	h.In(cache)
	one := requests.From([]gang.Amount{{Resource: "cpu", Quantity: 1500}, {Resource: "nvidia.com/gpu", Quantity: 2}})
	h.SetAside(klog.Logger{}, gang.Key{Namespace: "default", Name: "a"}, []Aside{{Node: "n", Requests: one}})
	for _, pod := range cache {
		asks := pod.Spec.Containers[0].Resources.Requests
		if cpu, gpus := asks[corev1.ResourceCPU], asks["nvidia.com/gpu"]; cpu.MilliValue() != 1500 || gpus.Value() != 2 || len(asks) != 2 {
			t.Errorf("it requests %v", asks)
		}
		if len(pod.Labels) > 0 || pod.Spec.Affinity != nil || *pod.Spec.Priority != math.MaxInt32 || !IsPlaceholder(pod) {
			t.Errorf("it is %v", pod)
		}
	}
}

// TestLiftAsksWithoutItsLock: who answers may wait for another goroutine that releases what is held.
func TestLiftAsksWithoutItsLock(t *testing.T) {
	h := New(ledger.New(clock.RealClock{}))
	h.In(fakeCache{})
	key := gang.Key{Namespace: "default", Name: "a"}
	h.SetAside(klog.Logger{}, key, []Aside{{Node: "n0"}})
	asked := 0
	h.Lift(klog.Logger{}, func(gang.Key) bool {
		asked++
		if !h.mu.TryLock() {
			t.Fatal("the lock is held")
		}
		h.mu.Unlock()
		h.Release(klog.Logger{}, key) // nothing is left to lift
		return true
	})
	h.Restore(klog.Logger{})
	if nodes := h.AsideFor(key); asked != 1 || len(nodes) > 0 {
		t.Errorf("asked %d times, and %v are set aside, want 1 and none", asked, nodes)
	}
}
