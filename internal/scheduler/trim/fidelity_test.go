package trim

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	internalqueue "k8s.io/kubernetes/pkg/scheduler/backend/queue"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
	"pgregory.net/rapid"
)

// TestTrimmedClustersAreScheduledAlike: upstream's default filters and scores say of each pod and node of a trimmed cluster
// what they say of the whole one. What only queueing hints and preemption read is not asked for here: TestEachFieldIsThoughtOf
// has it.
func TestTrimmedClustersAreScheduledAlike(t *testing.T) {
	metrics.Register()
	fits, refused := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		whole := drawCluster(r)
		trimmed := whole.trimmed()
		want := newScheduler(t, whole).answers(t, whole)
		if diff := gocmp.Diff(want, newScheduler(t, trimmed).answers(t, trimmed)); diff != "" {
			r.Fatalf("-whole +trimmed:\n%s", diff)
		}
		for _, a := range want {
			if a.Refused == "" {
				fits++
			} else {
				refused++
			}
		}
	})
	if fits == 0 || refused == 0 {
		t.Errorf("%d times a pod fits and %d times it does not: too few were tried", fits, refused)
	}
}

// cluster is what a scheduler sees.
type cluster struct {
	nodes            []*corev1.Node
	running, pending []*corev1.Pod
}

// trimmed returns the cluster as the informers show it.
func (c *cluster) trimmed() *cluster {
	trimmer := newTrimmer()
	small := &cluster{}
	for _, n := range c.nodes {
		small.nodes = append(small.nodes, must(trimmer.object(n.DeepCopy())).(*corev1.Node))
	}
	for _, p := range c.running {
		small.running = append(small.running, must(trimmer.object(p.DeepCopy())).(*corev1.Pod))
	}
	for _, p := range c.pending {
		small.pending = append(small.pending, must(trimmer.object(p.DeepCopy())).(*corev1.Pod))
	}
	return small
}

func must(obj any, err error) any {
	if err != nil {
		panic(err)
	}
	return obj
}

// answer is what the plugins say of a pod and a node.
type answer struct {
	Pod, Node, Refused string
	Scores             map[string]int64
}

type testScheduler struct {
	framework.Framework
	ctx context.Context
}

// newScheduler returns upstream's framework with its default profile.
func newScheduler(t *testing.T, c *cluster) testScheduler {
	t.Helper()
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), klog.Logger{}))
	t.Cleanup(cancel)
	client := fake.NewClientset()
	factory := informers.NewSharedInformerFactory(client, 0)
	claims := assumecache.NewAssumeCache(klog.Logger{}, factory.Resource().V1().ResourceClaims().Informer(), "ResourceClaim", "", nil)
	devices, err := tracker.StartTracker(ctx, tracker.Options{SliceInformer: factory.Resource().V1().ResourceSlices(), KubeClient: client})
	if err != nil {
		t.Fatal(err)
	}
	f, err := frameworkruntime.NewFramework(ctx, frameworkplugins.NewInTreeRegistry(), defaultProfile(t),
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSnapshotSharedLister(internalcache.NewSnapshot(c.running, c.nodes)),
		frameworkruntime.WithSharedDRAManager(dynamicresources.NewDRAManager(ctx, claims, devices, factory)),
		frameworkruntime.WithEventRecorder(events.NewFakeRecorder(0)),
		frameworkruntime.WithSharedCSIManager(nodevolumelimits.NewCSIManager(factory.Storage().V1().CSINodes().Lister())),
		frameworkruntime.WithMetricsRecorder(metrics.NewMetricsAsyncRecorder(1000, time.Second, ctx.Done())),
	)
	if err != nil {
		t.Fatal(err)
	}
	f.SetPodNominator(internalqueue.NewTestQueueWithInformerFactory(ctx, f.QueueSortFunc(), factory))
	return testScheduler{f, ctx}
}

func defaultProfile(t *testing.T) *config.KubeSchedulerProfile {
	t.Helper()
	var versioned configv1.KubeSchedulerConfiguration
	scheme.Scheme.Default(&versioned)
	var cfg config.KubeSchedulerConfiguration
	if err := scheme.Scheme.Convert(&versioned, &cfg, nil); err != nil {
		t.Fatal(err)
	}
	return &cfg.Profiles[0]
}

// answers asks whether each pending pod may enter the queue, the filters about it and each node, and the scores about those
// that fit.
func (s testScheduler) answers(t *testing.T, c *cluster) []answer {
	t.Helper()
	var all []answer
	nodes, err := s.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range c.pending {
		state := framework.NewCycleState()
		status := s.enqueue(pod)
		if status.IsSuccess() {
			_, status, _ = s.RunPreFilterPlugins(s.ctx, state, pod)
		}
		if !status.IsSuccess() {
			all = append(all, answer{Pod: pod.Name, Refused: status.String()})
			continue
		}
		var fitting []fwk.NodeInfo
		for _, node := range nodes {
			if status := s.RunFilterPlugins(s.ctx, state, pod, node); !status.IsSuccess() {
				all = append(all, answer{Pod: pod.Name, Node: node.Node().Name, Refused: fmt.Sprint(status.Reasons())})
				continue
			}
			fitting = append(fitting, node)
		}
		all = append(all, s.scores(t, state, pod, fitting)...)
	}
	slices.SortFunc(all, func(a, b answer) int { return cmp.Or(strings.Compare(a.Pod, b.Pod), strings.Compare(a.Node, b.Node)) })
	return all
}

// enqueue asks what may keep a pod out of the queue.
func (s testScheduler) enqueue(pod *corev1.Pod) *fwk.Status {
	for _, plugin := range s.PreEnqueuePlugins() {
		if status := plugin.PreEnqueue(s.ctx, pod); !status.IsSuccess() {
			return status
		}
	}
	return nil
}

func (s testScheduler) scores(t *testing.T, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) []answer {
	t.Helper()
	if status := s.RunPreScorePlugins(s.ctx, state, pod, nodes); !status.IsSuccess() {
		t.Fatal(status)
	}
	scores, status := s.RunScorePlugins(s.ctx, state, pod, nodes)
	if !status.IsSuccess() {
		t.Fatal(status)
	}
	var all []answer
	for _, node := range scores {
		a := answer{Pod: pod.Name, Node: node.Name, Scores: map[string]int64{}}
		for _, score := range node.Scores {
			a.Scores[score.Name] = score.Score
		}
		all = append(all, a)
	}
	return all
}
