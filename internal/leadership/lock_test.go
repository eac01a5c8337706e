package leadership

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	testingclock "k8s.io/utils/clock/testing"
)

// lease is a lease in memory, and who looks at it.
type lease struct {
	resourcelock.Interface
	identity string
	record   resourcelock.LeaderElectionRecord
	err      error
}

func (l *lease) Identity() string { return l.identity }
func (l *lease) Describe() string { return "kube-system/test" }
func (l *lease) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record := l.record
	return &record, []byte(record.HolderIdentity), l.err
}

func (l *lease) Update(_ context.Context, record resourcelock.LeaderElectionRecord) error {
	if l.err == nil {
		l.record = record
	}
	return l.err
}

func (l *lease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.Update(ctx, record)
}

// standby is the pod of the process that looks. Its election retries every second.
var standby = Pod{Namespace: holders.Namespace, Name: "scheduler-b", UID: "uid-b"}

type fixture struct {
	t     *testing.T
	lock  *Lock
	lease *lease
	clock *testingclock.FakePassiveClock
	asked int
}

// newFixture returns the lock of a process of that pod, and a lease that is held by a process. The API server has the pods.
func newFixture(t *testing.T, own Pod, holder string, pods ...runtime.Object) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: testingclock.NewFakePassiveClock(noon)}
	f.lease = &lease{identity: own.Identity("own"), record: resourcelock.LeaderElectionRecord{
		HolderIdentity: holder, LeaseDurationSeconds: 10, AcquireTime: metav1.NewTime(acquired), RenewTime: metav1.NewTime(renewed), LeaderTransitions: 3,
	}}
	client := fake.NewClientset(pods...)
	client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		f.asked++
		return false, nil, nil
	})
	f.lock = NewLock(f.lease, Options{
		Pod: own, Pods: client.CoreV1(), Clock: f.clock, LeaseDuration: 10 * time.Second, RetryPeriod: time.Second,
	})
	return f
}

// later reads the lease after that time.
func (f *fixture) later(d time.Duration) *resourcelock.LeaderElectionRecord {
	f.t.Helper()
	f.clock.SetTime(f.clock.Now().Add(d))
	record, raw, err := f.lock.Get(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	if string(raw) != f.lease.record.HolderIdentity {
		f.t.Errorf("the lease as it is written is changed to %q", raw)
	}
	return record
}

func (f *fixture) isHeld(record *resourcelock.LeaderElectionRecord) {
	f.t.Helper()
	if record.HolderIdentity == "" {
		f.t.Errorf("%s the lease is shown as free", f.clock.Now().Format(time.TimeOnly))
	}
}

func (f *fixture) isFree(record *resourcelock.LeaderElectionRecord) {
	f.t.Helper()
	if record.HolderIdentity != "" || record.LeaderTransitions != 3 {
		f.t.Errorf("%s %+v, want a lease without a holder", f.clock.Now().Format(time.TimeOnly), record)
	}
}

// podOfHolder returns the holder's pod with its container in that state.
func podOfHolder(state corev1.ContainerState) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: holders.Namespace, Name: holders.Name, UID: types.UID(holders.UID)},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "scheduler", State: state}}},
	}
}

// TestAProcessTakesOverFromItsPod at its first look, and without asking anybody.
func TestAProcessTakesOverFromItsPod(t *testing.T) {
	f := newFixture(t, holders, holders.Identity("before"))
	f.isFree(f.later(0))
	if f.asked != 0 {
		t.Errorf("the pod was asked for %d times", f.asked)
	}
}

// TestAStandbyAsksWhenTheLeaderIsQuiet: a standby gets the leader's pod only if the lease is not renewed. While the leader renews it, each
// retry of the standby is one request, which gets the lease.
func TestAStandbyAsksWhenTheLeaderIsQuiet(t *testing.T) {
	f := newFixture(t, standby, holders.Identity("1"), podOfHolder(terminated(at(41))))
	f.isHeld(f.later(0))
	f.isHeld(f.later(time.Second))
	f.isHeld(f.later(time.Second))
	f.lease.record.RenewTime = metav1.NewTime(renewed.Add(time.Millisecond)) // not so quiet after all
	f.isHeld(f.later(time.Second))
	f.isHeld(f.later(2 * time.Second))
	if f.asked != 0 {
		t.Errorf("the pod was asked for %d times while the leader may be well", f.asked)
	}
	f.isFree(f.later(time.Second))
	if f.asked != 1 {
		t.Errorf("the pod was asked for %d times, want once", f.asked)
	}
}

// TestALeaseIsLeftAlone if it is not certain that its holder has ended.
func TestALeaseIsLeftAlone(t *testing.T) {
	for _, test := range []struct {
		name   string
		own    Pod
		holder string
		pods   []runtime.Object
	}{
		{"the holder's pod runs", standby, holders.Identity("1"), []runtime.Object{podOfHolder(running(at(5)))}},
		{"the holder's pod does not exist", standby, holders.Identity("1"), nil},
		{"the holder says no pod", standby, "scheduler-a_1", []runtime.Object{podOfHolder(terminated(at(41)))}},
		{"the own pod is not known", Pod{}, holders.Identity("1"), []runtime.Object{podOfHolder(terminated(at(41)))}},
		{"the pod is in another namespace", Pod{Namespace: "x", Name: "b", UID: "b"}, holders.Identity("1"), []runtime.Object{podOfHolder(terminated(at(41)))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, test.own, test.holder, test.pods...)
			for range 10 {
				f.isHeld(f.later(time.Second))
			}
		})
	}
}

// TestAProcessThatHasLedTakesNothingOver: it has lost its lease, and has to end.
func TestAProcessThatHasLedTakesNothingOver(t *testing.T) {
	f := newFixture(t, standby, "", podOfHolder(terminated(at(41))))
	f.later(0)
	if err := f.lock.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: f.lease.identity}); err != nil {
		t.Fatal(err)
	}
	f.lease.record = resourcelock.LeaderElectionRecord{
		HolderIdentity: holders.Identity("1"), AcquireTime: metav1.NewTime(acquired), RenewTime: metav1.NewTime(renewed),
	}
	for range 10 {
		f.isHeld(f.later(time.Second))
	}
}

// TestReadyWhileItLeads: writes that succeed count, and those that fail do not.
func TestReadyWhileItLeads(t *testing.T) {
	f := newFixture(t, standby, holders.Identity("1"))
	f.later(0)
	own := resourcelock.LeaderElectionRecord{HolderIdentity: f.lease.identity}
	f.lease.err = errors.New("somebody else was faster")
	if f.lock.Update(t.Context(), own) == nil || f.lock.Create(t.Context(), own) == nil {
		t.Error("a write that fails does not say so")
	}
	if _, _, err := f.lock.Get(t.Context()); err == nil {
		t.Error("a read that fails does not say so")
	}
	if f.lock.Ready(nil) == nil {
		t.Error("it is ready, and could not acquire the lease")
	}
	f.lease.err = nil
	for name, write := range map[string]func(context.Context, resourcelock.LeaderElectionRecord) error{"update": f.lock.Update, "create": f.lock.Create} {
		if err := write(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if err := f.lock.Ready(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.lock.Update(t.Context(), resourcelock.LeaderElectionRecord{}); err != nil {
			t.Fatal(err)
		}
		if f.lock.Ready(nil) == nil {
			t.Errorf("%s: it is ready after it gave the lease back", name)
		}
	}
}
