package leadership

import (
	"context"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// askTimeout is how long the API server may take to return the holder's pod. Meanwhile the lease is not read.
const askTimeout = 2 * time.Second

// Options describe the election that a Lock is for.
type Options struct {
	// Pod is the pod of this process. If it is not known, everyone's lease is left to end.
	Pod Pod
	// Pods reads the pod of a holder.
	Pods corev1client.PodsGetter
	// LeaseDuration and RetryPeriod are those of the election.
	LeaseDuration, RetryPeriod time.Duration
	Clock                      clock.PassiveClock
}

// Lock is the lock of an election that shows a lease as free if the process that holds it has certainly ended. The elector then acquires
// it at once. If somebody else writes the lease in between, the API server refuses that, as always.
type Lock struct {
	resourcelock.Interface
	options Options

	mu    sync.Mutex // the elector reads and writes the lease, probes ask
	sight sight
}

// NewLock returns such a lock for the lease behind that one.
func NewLock(of resourcelock.Interface, o Options) *Lock {
	return &Lock{Interface: of, options: o}
}

// Get returns the lease, without its holder if that has ended.
func (l *Lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil {
		return nil, nil, err
	}
	why := l.endedHow(ctx, l.saw(record))
	if why == "" {
		return record, raw, nil
	}
	klog.FromContext(ctx).Info("The leader has ended: taking over its lease", "lease", l.Describe(), "holder", record.HolderIdentity,
		"why", why)
	free := *record
	free.HolderIdentity = ""
	return &free, raw, nil
}

// Create creates the lease.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if err := l.Interface.Create(ctx, record); err != nil {
		return err
	}
	l.wrote(&record)
	return nil
}

// Update writes the lease.
func (l *Lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if err := l.Interface.Update(ctx, record); err != nil {
		return err
	}
	l.wrote(&record)
	return nil
}

// Ready is a check of health: it returns nil if this process leads, or has seen another renew the lease within its duration.
func (l *Lock) Ready(*http.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sight.ready(l.options.LeaseDuration, l.options.Clock.Now())
}

// saw notes the lease as it was read, and returns what is known of it.
func (l *Lock) saw(record *resourcelock.LeaderElectionRecord) sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sight.read(termOf(record), l.Identity(), l.options.Clock.Now())
	return l.sight
}

func (l *Lock) wrote(record *resourcelock.LeaderElectionRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sight.wrote(termOf(record), l.Identity(), l.options.Clock.Now())
}

func termOf(record *resourcelock.LeaderElectionRecord) term {
	return term{holder: record.HolderIdentity, acquired: record.AcquireTime.Time, renewed: record.RenewTime.Time}
}

// endedHow says how it is known that the holder has ended, or "" if it is not. A process that has led never takes over: it has lost its
// lease, and has to end.
func (l *Lock) endedHow(ctx context.Context, s sight) string {
	switch own := l.options.Pod; {
	case s.led || !own.Known():
		return ""
	case own.hadBefore(s.term.holder, l.Identity()):
		return "it was an earlier process of this pod"
	case s.quiet(l.options.Clock.Now()) <= 2*l.options.RetryPeriod:
		return ""
	}
	pod := l.holder(ctx, s.term)
	if pod == nil {
		return ""
	}
	return s.term.ended(pod)
}

// holder returns the holder's pod, or nil if it is not known. The replicas of an installation are in one namespace. A pod that does not
// exist shows nothing: it may have been deleted by force, and its process may still run.
func (l *Lock) holder(ctx context.Context, t term) *corev1.Pod {
	name, _ := podOf(t.holder)
	if name == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	pod, err := l.options.Pods.Pods(l.options.Pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		klog.FromContext(ctx).V(4).Info("Failed to look at the pod of the leader that does not renew its lease", "pod", name, "err", err)
		return nil
	}
	return pod
}
