package view

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
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
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

const testNamespace = "default"

// harness is the scheduler's framework with all default plugins, on a cluster that each test sets up.
type harness struct {
	ctx       context.Context
	planner   *Planner
	framework framework.Framework
	informers informers.SharedInformerFactory
	// cache and snapshot are upstream's. The plugins keep a reference to the snapshot, so set refills it.
	cache     internalcache.Cache
	snapshot  *internalcache.Snapshot
	nominator *nominator
	stop      context.CancelFunc
}

// testProfile returns the default profile.
func testProfile(t testing.TB) *config.KubeSchedulerProfile {
	t.Helper()
	var versioned configv1.KubeSchedulerConfiguration
	scheme.Scheme.Default(&versioned)
	var cfg config.KubeSchedulerConfiguration
	if err := scheme.Scheme.Convert(&versioned, &cfg, nil); err != nil {
		t.Fatal(err)
	}
	return &cfg.Profiles[0]
}

// newHarness returns a harness with an empty cluster. The options are passed to the framework.
func newHarness(t testing.TB, options ...frameworkruntime.Option) *harness {
	t.Helper()
	return newHarnessOf(t, testProfile(t), options...)
}

// newHarnessOf is newHarness with another profile.
func newHarnessOf(t testing.TB, profile *config.KubeSchedulerProfile, options ...frameworkruntime.Option) *harness {
	t.Helper()
	metrics.Register()
	ctx := klog.NewContext(t.Context(), klog.Logger{})
	client := fake.NewClientset(
		&corev1.Namespace{ObjectMeta: st.MakePod().Name(testNamespace).Label("team", "a").Obj().ObjectMeta})
	h := &harness{ctx: ctx, informers: informers.NewSharedInformerFactory(client, 0), snapshot: internalcache.NewEmptySnapshot()}
	f, err := frameworkruntime.NewFramework(ctx, frameworkplugins.NewInTreeRegistry(), profile, append(options,
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(h.informers),
		frameworkruntime.WithSnapshotSharedLister(h.snapshot),
		frameworkruntime.WithSharedDRAManager(draManager(ctx, t, client, h.informers)),
		frameworkruntime.WithEventRecorder(events.NewFakeRecorder(0)),
		frameworkruntime.WithSharedCSIManager(nodevolumelimits.NewCSIManager(h.informers.Storage().V1().CSINodes().Lister())),
		frameworkruntime.WithMetricsRecorder(metrics.NewMetricsAsyncRecorder(1000, time.Second, ctx.Done())),
	)...)
	if err != nil {
		t.Fatal(err)
	}
	h.framework = f
	l := ledger.New(clock.RealClock{})
	h.planner = &Planner{Framework: f, Pods: h.pod, Slots: slots.New(l), Ledger: l}
	queue := internalqueue.NewTestQueueWithInformerFactory(ctx, f.QueueSortFunc(), h.informers)
	h.nominator = &nominator{PodNominator: queue, nodes: map[string][]fwk.PodInfo{}}
	f.SetPodNominator(h.nominator)
	t.Cleanup(func() {
		if h.stop != nil {
			h.stop()
		}
	})
	return h
}

// pod returns the pod from the informer.
func (h *harness) pod(ref gang.Ref) (*corev1.Pod, error) {
	return h.informers.Core().V1().Pods().Lister().Pods(ref.Namespace).Get(ref.Name)
}

// draManager returns a manager without devices. DynamicResources needs one for each pod that requests a resource other than cpu and memory.
func draManager(
	ctx context.Context, t testing.TB, client *fake.Clientset, informers informers.SharedInformerFactory,
) fwk.SharedDRAManager {
	t.Helper()
	claims := assumecache.NewAssumeCache(klog.Logger{}, informers.Resource().V1().ResourceClaims().Informer(), "ResourceClaim", "", nil)
	slices, err := tracker.StartTracker(ctx, tracker.Options{
		SliceInformer: informers.Resource().V1().ResourceSlices(), KubeClient: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	return dynamicresources.NewDRAManager(ctx, claims, slices, informers)
}

// nominator has nominations of pods that are in no queue. It asks the queue's nominator too, so that benchmarks include that cost.
type nominator struct {
	fwk.PodNominator
	nodes map[string][]fwk.PodInfo
}

func (n *nominator) nominate(pod *corev1.Pod, node string) {
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		panic(err)
	}
	n.nodes[node] = append(n.nodes[node], info)
}

func (n *nominator) NominatedPodsForNode(node string) []fwk.PodInfo {
	known := n.nodes[node]
	if len(known) == 0 {
		return n.PodNominator.NominatedPodsForNode(node)
	}
	pods := make([]fwk.PodInfo, len(known))
	for i, info := range known {
		pods[i] = info.(*framework.PodInfo).DeepCopy()
	}
	return pods
}

func (n *nominator) DeleteNominatedPodIfExists(pod *corev1.Pod) {
	for node, pods := range n.nodes {
		n.nodes[node] = slices.DeleteFunc(slices.Clone(pods), func(p fwk.PodInfo) bool { return p.GetPod().UID == pod.UID })
	}
}

// nomination is a pod and its nominated node.
type nomination struct {
	pod  *corev1.Pod
	node string
}

// world is a cluster and a pending gang.
type world struct {
	nodes       []*corev1.Node
	running     []*corev1.Pod
	members     []*corev1.Pod
	nominations []nomination
	need        int
	placement   gang.Placement
}

// task returns the task that the ledger would hand to the planner.
func (w *world) task() gang.Task {
	task := gang.Task{
		Gang: gang.Key{Namespace: testNamespace, Name: "gang", Convention: conventions.All()[0].Name},
		Need: w.need, Placement: w.placement,
	}
	for _, m := range w.members {
		task.Members = append(task.Members, ref(m))
	}
	return task
}

func ref(pod *corev1.Pod) gang.Ref {
	return gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

// set makes the cluster equal to the world, and takes a new snapshot.
func (h *harness) set(t fataler, w *world) {
	t.Helper()
	if h.stop != nil {
		h.stop()
	}
	ctx, stop := context.WithCancel(h.ctx)
	h.stop = stop
	h.cache = internalcache.New(ctx, nil, false)
	for _, node := range w.nodes {
		h.cache.AddNode(klog.Logger{}, node)
	}
	for _, pod := range w.running {
		if err := h.cache.AddPod(klog.Logger{}, pod); err != nil {
			t.Fatalf("adding pod %s: %v", pod.Name, err)
		}
	}
	*h.snapshot = *internalcache.NewEmptySnapshot()
	h.update(t)
	h.nominator.nodes = map[string][]fwk.PodInfo{}
	for _, p := range w.nominations {
		h.nominator.nominate(p.pod, p.node)
	}
	// Write to the store directly: the ledger need not know the pods, and the test need not wait for informers.
	known := make([]any, len(w.members))
	for i, m := range w.members {
		known[i] = m
	}
	if err := h.informers.Core().V1().Pods().Informer().GetIndexer().Replace(known, ""); err != nil {
		t.Fatalf("%v", err)
	}
}

func (h *harness) update(t fataler) {
	t.Helper()
	if err := h.cache.UpdateSnapshot(klog.Logger{}, h.snapshot); err != nil {
		t.Fatalf("updating the snapshot: %v", err)
	}
}

// fataler is what tests and properties have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func (h *harness) plan(t fataler, task gang.Task) Plan {
	t.Helper()
	p, err := h.planner.Plan(h.ctx, task, nil)
	if err != nil {
		t.Fatalf("planning: %v", err)
	}
	return p
}

// filter runs the scheduler's filters for the pod on the node without our plugins: the ledger does not know the pod.
func (h *harness) filter(t fataler, pod *corev1.Pod, name string) *fwk.Status {
	t.Helper()
	state := framework.NewCycleState()
	Mark(state)
	result, status, _ := h.framework.RunPreFilterPlugins(h.ctx, state, pod)
	switch {
	case !status.IsSuccess():
		return status
	case !result.AllNodes() && !result.NodeNames.Has(name):
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "PreFilter leaves the node out")
	}
	node, err := h.snapshot.Get(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return h.framework.RunFilterPluginsWithNominatedPods(h.ctx, state, pod, node)
}

// assume assumes the pod on the node, as the scheduler does after a successful cycle, and takes the next snapshot.
func (h *harness) assume(t fataler, pod *corev1.Pod, node string) {
	t.Helper()
	placed := pod.DeepCopy()
	placed.Spec.NodeName = node
	if err := h.cache.AssumePod(klog.Logger{}, placed); err != nil {
		t.Fatalf("assuming %s: %v", pod.Name, err)
	}
	h.nominator.DeleteNominatedPodIfExists(pod)
	h.update(t)
}

// place runs a scheduling cycle for a member on its planned node. It drops the nominations of the other members first, as forgetNominations
// does.
func (h *harness) place(t fataler, w *world, pod *corev1.Pod, node string) *fwk.Status {
	t.Helper()
	for _, m := range w.members {
		if slices.ContainsFunc(h.nominator.nodes[node], func(p fwk.PodInfo) bool { return p.GetPod().UID == m.UID && m != pod }) {
			h.nominator.DeleteNominatedPodIfExists(m)
		}
	}
	status := h.filter(t, pod, node)
	if status.IsSuccess() {
		h.assume(t, pod, node)
	}
	return status
}

// byUID returns the member with this UID.
func (w *world) byUID(uid string) *corev1.Pod {
	i := slices.IndexFunc(w.members, func(m *corev1.Pod) bool { return m.UID == types.UID(uid) })
	return w.members[i]
}

func (w *world) String() string {
	text := fmt.Sprintf("need %d of %d, %s", w.need, len(w.members), w.placement)
	for _, n := range w.nodes {
		text += fmt.Sprintf("\nnode %s %v %v %v", n.Name, n.Labels, n.Spec.Taints, n.Status.Allocatable)
	}
	for _, p := range w.running {
		text += fmt.Sprintf("\nruns on %s: %s", p.Spec.NodeName, describe(p))
	}
	for _, p := range w.nominations {
		text += fmt.Sprintf("\nnominated to %s: %s", p.node, describe(p.pod))
	}
	for _, p := range w.members {
		text += "\nmember " + describe(p)
	}
	return text
}

func describe(p *corev1.Pod) string {
	text := fmt.Sprintf("%s %v", p.Name, p.Labels)
	for _, c := range p.Spec.Containers {
		text += fmt.Sprintf(" %v %v", c.Resources.Requests, c.Ports)
	}
	if p.Spec.Affinity != nil {
		text += " " + p.Spec.Affinity.String()
	}
	for _, s := range p.Spec.TopologySpreadConstraints {
		text += " " + s.String()
	}
	return text + fmt.Sprintf(" %v %v", p.Spec.NodeSelector, p.Spec.Tolerations)
}
