package cycle

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubeevents "k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// QuietFailures wraps the scheduler's failure handler, which writes an event and a condition for the popped pod at each attempt. For a
// member of a parked gang it writes neither: the ledger reports the reason on every member when the reason changes.
func QuietFailures(l *ledger.Ledger, next scheduler.FailureHandlerFn) scheduler.FailureHandlerFn {
	return func(ctx context.Context, f framework.Framework, pod *framework.QueuedPodInfo, status *fwk.Status,
		nominating *fwk.NominatingInfo, start time.Time,
	) {
		refused := l.NotBound(pod.Pod.UID, status.Message())
		if refused || status.IsRejected() && l.Notifies(pod.Pod.UID) {
			f = quietFramework{f}
		}
		next(ctx, f, pod, status, nominating, start)
	}
}

// quietFramework writes nothing.
type quietFramework struct{ framework.Framework }

func (quietFramework) EventRecorder() kubeevents.EventRecorderLogger { return quietRecorder{} }
func (quietFramework) APICacher() fwk.APICacher                      { return quietCacher{} }

type quietRecorder struct{}

func (quietRecorder) Eventf(_, _ runtime.Object, _, _, _, _ string, _ ...any) {}
func (r quietRecorder) WithLogger(klog.Logger) kubeevents.EventRecorderLogger { return r }

type quietCacher struct{}

func (quietCacher) PatchPodStatus(*corev1.Pod, *corev1.PodCondition, *fwk.NominatingInfo) (<-chan error, error) {
	return nil, nil
}

func (quietCacher) BindPod(*corev1.Binding) (<-chan error, error) {
	return nil, errors.New("a pod that failed to be scheduled is not bound")
}

func (quietCacher) WaitOnFinish(context.Context, <-chan error) error { return nil }
