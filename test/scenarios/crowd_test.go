package scenarios

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestCrowd creates 30 gangs of mixed size, their members interleaved, on nodes that can hold a third of them. No gang may ever
// stay partly bound, and as gangs that run are deleted every other one has to start in the end.
func TestCrowd(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "crowd")
	sizes := crowdSizes(30)
	total := 0
	for _, size := range sizes {
		total += size
	}
	const nodes = 5
	shape := controlplane.NodeShape{CPU: fmt.Sprint((total/3 + nodes - 1) / nodes), Memory: "64Gi", Pods: 110}
	if err := suite.plane.AddNodes(s.ctx, "crowd", nodes, shape); err != nil {
		t.Fatal(err)
	}
	watch := watchGangs(t, s.namespace, sizes)
	createInterleaved(s, sizes)

	for ran := 0; ran < len(sizes); {
		var running, partial []int
		// Nothing is deleted meanwhile, so a gang that waits for capacity while it is partly bound stays so.
		process.Within(t, patience, "a gang to run, and none to be partly bound", func() (bool, string) {
			running, partial = watch.bindings()
			return len(running) > 0 && len(partial) == 0, watch.String()
		})
		for _, g := range running {
			watch.done(g)
			ran++
			if err := suite.client.CoreV1().Pods(s.namespace).DeleteCollection(s.ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)},
				metav1.ListOptions{LabelSelector: fmt.Sprintf("%s=g%d", groupLabel, g)}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// crowdSizes are between 1 and 12, the same each time.
func crowdSizes(n int) []int {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = 1 + random.IntN(12)
	}
	return sizes
}

// createInterleaved creates the first member of each gang, then the second, and so on.
func createInterleaved(s *scenario, sizes []int) {
	for member := range 12 {
		for g, size := range sizes {
			if member >= size {
				continue
			}
			spec := podSpec{
				namespace: s.namespace, name: fmt.Sprintf("g%d-%d", g, member), cpu: "1",
				scheduler: ours, annotations: gangAnnotations(fmt.Sprintf("g%d", g), size),
			}
			if err := create(s, spec.pod()); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// gangWatch follows how many members of each gang are bound.
type gangWatch struct {
	t     *testing.T
	sizes []int

	mu       sync.Mutex
	bound    []int
	finished []bool
}

func watchGangs(t *testing.T, namespace string, sizes []int) *gangWatch {
	w := &gangWatch{t: t, sizes: sizes, bound: make([]int, len(sizes)), finished: make([]bool, len(sizes))}
	ctx, cancel := context.WithCancel(t.Context())
	factory := informers.NewSharedInformerFactoryWithOptions(suite.client, 0, informers.WithNamespace(namespace))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(before, after any) { w.update(before.(*corev1.Pod), after.(*corev1.Pod)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	return w
}

func (w *gangWatch) update(before, after *corev1.Pod) {
	if before.Spec.NodeName != "" || after.Spec.NodeName == "" {
		return
	}
	var g int
	if _, err := fmt.Sscanf(after.Labels[groupLabel], "g%d", &g); err != nil {
		w.t.Errorf("pod %s: %v", after.Name, err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bound[g]++
}

// bindings returns the gangs that run and were not reported done, and those that are partly bound.
func (w *gangWatch) bindings() (running, partial []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for g, bound := range w.bound {
		switch {
		case w.finished[g] || bound == 0:
		case bound == w.sizes[g]:
			running = append(running, g)
		default:
			partial = append(partial, g)
		}
	}
	return running, partial
}

func (w *gangWatch) done(g int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished[g] = true
}

func (w *gangWatch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := ""
	for g, bound := range w.bound {
		text += fmt.Sprintf("g%d %d/%d done=%t, ", g, bound, w.sizes[g], w.finished[g])
	}
	return text
}
