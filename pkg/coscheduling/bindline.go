package coscheduling

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// bindsInFlight is how many pods are bound at the same time. Upstream binds each on a goroutine of its own: a gang of a
// thousand that is released would put a thousand requests at once to the API server, which then does less, not more.
const bindsInFlight = 64

// bindLine lets so many pods through to be bound, in the order in which they come, which is that of their gangs.
type bindLine struct {
	slots chan struct{}
	// holders are the pods that have a slot.
	holders sync.Map
}

func newBindLine() *bindLine { return &bindLine{slots: make(chan struct{}, bindsInFlight)} }

func (l *bindLine) enter(ctx context.Context, uid types.UID) *fwk.Status {
	select {
	case l.slots <- struct{}{}:
		l.holders.Store(uid, nil)
		return nil
	case <-ctx.Done():
		return fwk.AsStatus(context.Cause(ctx))
	}
}

func (l *bindLine) leave(uid types.UID) {
	if _, held := l.holders.LoadAndDelete(uid); held {
		<-l.slots
	}
}

var (
	_ fwk.BindPlugin     = &Queue{}
	_ fwk.PostBindPlugin = &Queue{}
	_ fwk.ReservePlugin  = &Queue{}
)

// Bind waits until few enough other pods are being bound, and leaves the binding to the next plugin. What takes long
// before a bind, such as volumes, is done by then.
func (q *Queue) Bind(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) *fwk.Status {
	if status := q.line.enter(ctx, pod.UID); !status.IsSuccess() {
		return status
	}
	return fwk.NewStatus(fwk.Skip)
}

// PostBind lets the next pod be bound.
func (q *Queue) PostBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	q.line.leave(pod.UID)
}

// Reserve does nothing; it is there for Unreserve.
func (q *Queue) Reserve(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status { return nil }

// Unreserve lets the next pod be bound if this one could not be.
func (q *Queue) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	q.line.leave(pod.UID)
}
