package coscheduling

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	kubeevents "k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

const (
	testNamespace   = "default"
	testProfileName = "default-scheduler"
)

// harness is a scheduler with all default plugins and ours, and a fake client. It is not started.
type harness struct {
	ctx       context.Context
	client    *fake.Clientset
	informers informers.SharedInformerFactory
	plugins   *Plugins
	// plugin is the one for our own annotations.
	plugin    *gangPlugin
	sched     *scheduler.Scheduler
	framework framework.Framework
}

// testProfile returns the default profile with the gang plugins before all others, as internal/scheduler completes it.
func testProfile(t testing.TB) *config.KubeSchedulerProfile {
	t.Helper()
	var versioned configv1.KubeSchedulerConfiguration
	scheme.Scheme.Default(&versioned)
	var cfg config.KubeSchedulerConfiguration
	if err := scheme.Scheme.Convert(&versioned, &cfg, nil); err != nil {
		t.Fatal(err)
	}
	profile := &cfg.Profiles[0]
	profile.Plugins.MultiPoint.Enabled = append(
		[]config.Plugin{{Name: QueueName}, {Name: conventions.All()[0].Name}}, profile.Plugins.MultiPoint.Enabled...)
	profile.Plugins.QueueSort = config.PluginSet{
		Enabled: []config.Plugin{{Name: QueueName}}, Disabled: []config.Plugin{{Name: "*"}},
	}
	return profile
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return newHarnessWith(t, nil)
}

// newHarnessWith adds one more plugin, unless it is nil.
func newHarnessWith(t testing.TB, plugin fwk.Plugin) *harness {
	t.Helper()
	metrics.Register()
	h := &harness{client: fake.NewClientset(), plugins: New()}
	h.bindPods()
	h.selectPods()
	var cancel context.CancelFunc
	h.ctx, cancel = context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
	t.Cleanup(cancel)
	h.informers = scheduler.NewInformerFactory(h.client, 0)
	profile, factories := testProfile(t), h.plugins.Factories()
	if plugin != nil {
		profile.Plugins.MultiPoint.Enabled = slices.Insert(profile.Plugins.MultiPoint.Enabled, 2, config.Plugin{Name: plugin.Name()}) // after ours
		factories[plugin.Name()] = func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return plugin, nil }
	}
	sched, err := scheduler.New(h.ctx, h.client, h.informers, nil,
		func(string) kubeevents.EventRecorderLogger { return silentRecorder{} },
		scheduler.WithProfiles(*profile), scheduler.WithFrameworkOutOfTreeRegistry(factories),
		scheduler.WithPodInitialBackoffSeconds(1), scheduler.WithPodMaxBackoffSeconds(1))
	if err != nil {
		t.Fatal(err)
	}
	h.sched, h.framework = sched, sched.Profiles[testProfileName]
	h.plugin = h.plugins.instance(testProfileName, conventions.All()[0].Name)
	return h
}

// bindPods lets the fake API bind and evict pods, as the API server does.
func (h *harness) bindPods() {
	h.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if ok && action.GetSubresource() == "eviction" {
			evicted := create.GetObject().(*policyv1.Eviction)
			return true, nil, h.client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), evicted.Namespace, evicted.Name)
		}
		if !ok || action.GetSubresource() != "binding" {
			return false, nil, nil
		}
		binding := create.GetObject().(*corev1.Binding)
		stored, err := h.client.Tracker().Get(corev1.SchemeGroupVersion.WithResource("pods"), binding.Namespace, binding.Name)
		if err != nil {
			return true, nil, err
		}
		pod := stored.(*corev1.Pod).DeepCopy()
		pod.Spec.NodeName = binding.Target.Name
		pod.ResourceVersion = "1000"
		return true, nil, h.client.Tracker().Update(corev1.SchemeGroupVersion.WithResource("pods"), pod, pod.Namespace)
	})
}

// selectPods returns no pods to clients that select finished ones: the fake API does not support field selectors.
func (h *harness) selectPods() {
	ended := func(fields string) bool { return strings.Contains(fields, "status.phase!=Pending") }
	h.client.PrependReactor("list", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		list, ok := action.(clienttesting.ListAction)
		return ok && ended(list.GetListRestrictions().Fields.String()), &corev1.PodList{}, nil
	})
	h.client.PrependWatchReactor("pods", func(action clienttesting.Action) (bool, watch.Interface, error) {
		watched, ok := action.(clienttesting.WatchAction)
		return ok && ended(watched.GetWatchRestrictions().Fields.String()), watch.NewFake(), nil
	})
}

func testPod(name string) *st.PodWrapper {
	return st.MakePod().Namespace(testNamespace).Name(name).UID(name)
}

// silentRecorder writes no events.
type silentRecorder struct{}

func (silentRecorder) Eventf(_, _ runtime.Object, _, _, _, _ string, _ ...any) {}
func (r silentRecorder) WithLogger(klog.Logger) kubeevents.EventRecorderLogger { return r }
