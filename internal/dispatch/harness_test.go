package dispatch

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	kubeevents "k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

const (
	testNamespace   = "default"
	testProfileName = "default-scheduler"
)

// harness has a dispatcher that is not started, with the handle of a scheduler that is not started either.
type harness struct {
	ctx        context.Context
	client     *fake.Clientset
	informers  informers.SharedInformerFactory
	framework  framework.Framework
	ledger     *ledger.Ledger
	parts      Parts
	dispatcher *Dispatcher
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	schedulermetrics.Register()
	h := &harness{client: fake.NewClientset(), ledger: ledger.New(clock.RealClock{})}
	var cancel context.CancelFunc
	h.ctx, cancel = context.WithCancel(klog.NewContext(t.Context(), klog.Logger{}))
	t.Cleanup(cancel)
	h.informers = scheduler.NewInformerFactory(h.client, 0)
	sched, err := scheduler.New(h.ctx, h.client, h.informers, nil,
		func(string) kubeevents.EventRecorderLogger { return kubeevents.NewFakeRecorder(10) })
	if err != nil {
		t.Fatal(err)
	}
	h.framework = sched.Profiles[testProfileName]
	h.ledger.Serve(testProfileName, conventions.Coscheduling().Name, ledger.Defaults{})
	h.parts = Parts{Ledger: h.ledger, Limiter: bindlimit.New(), Slots: slots.New(h.ledger), Metrics: metrics.New()}
	h.dispatcher = New(klog.Logger{}, h.parts, h.framework)
	return h
}

func testPod(name string) *st.PodWrapper {
	return st.MakePod().Namespace(testNamespace).Name(name).UID(name)
}

func ref(pod *corev1.Pod) gang.Ref {
	return gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	asked := func(context.Context) (bool, error) { return yes(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, wait.ForeverTestTimeout, true, asked); err != nil {
		t.Fatalf("waited for %s: %v", what, err)
	}
}
