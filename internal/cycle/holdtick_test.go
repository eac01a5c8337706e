package cycle

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
)

// informed is a handle with informers only.
type informed struct {
	fwk.Handle
	factory informers.SharedInformerFactory
}

func (i informed) SharedInformerFactory() informers.SharedInformerFactory { return i.factory }

// TestAPodThatHoldsCapacityDoesNotBackOff: the victim of a pod without a gang is gone, so the pod was put into the active part of the
// scheduling queue. It is put there again while it does not start, because the queue may have let it back off.
func TestAPodThatHoldsCapacityDoesNotBackOff(t *testing.T) {
	over := time.Unix(1_000, 0)
	waiting := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pod", UID: "pod"}}
	for _, test := range []struct {
		name      string
		after     time.Duration
		ended     bool
		ofAGang   bool
		activated bool
	}{
		{"it was put there just now", tickPause, true, false, false},
		{"it did not start since", tickPause + 1, true, false, true},
		{"it did not start for long", unusedMost, true, false, true},
		{"its victim is not gone", tickPause + 1, false, false, false},
		{"a gang, which is not in that queue", tickPause + 1, true, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			factory := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
			if err := factory.Core().V1().Pods().Informer().GetIndexer().Add(waiting); err != nil {
				t.Fatal(err)
			}
			l := ledger.New(clock.RealClock{})
			d := dispatch.New(klog.Background(), dispatch.Parts{Ledger: l, Metrics: metrics.New()}, informed{factory: factory})
			activated := make(chan gang.Ref, 2)
			d.Activating(func(_ klog.Logger, refs []gang.Ref) {
				for _, ref := range refs {
					activated <- ref
				}
			})
			h := newHold(over)
			h.pod, h.members = waiting, []gang.Ref{refOf(waiting)}
			h.ended, h.over = test.ended, over
			h.await(waiting)
			if test.ofAGang {
				h.pod = nil
			}
			p := &Preemption{Parts: Parts{Ledger: l, Dispatcher: d}, holds: map[gang.Key]*hold{ledger.PodKey(waiting): h}}
			p.tick(t.Context(), over.Add(test.after))
			d.Perform([]gang.Decision{gang.Activate{Members: []gang.Ref{{Name: "last"}}}})
			go d.Run(t.Context())
			if got := <-activated == refOf(waiting); got != test.activated {
				t.Errorf("the pod was activated: %v, want %v", got, test.activated)
			}
		})
	}
}

// TestOnceMore: what did not fit although its victims are gone is tried once more, unless others may have used their place.
func TestOnceMore(t *testing.T) {
	for _, test := range []struct {
		name string
		hold hold
		want []bool
	}{
		{"nothing else may use the capacity", hold{ended: true}, []bool{true, false}},
		{"one that goes before it could use it", hold{ended: true, lent: map[gang.Key]struct{}{{Name: "dear"}: {}}}, []bool{false, false}},
		{"it did not wait for a victim that hangs", hold{ended: true, broken: true}, []bool{false, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := test.hold
			if got := []bool{h.onceMore(), h.onceMore()}; !slices.Equal(got, test.want) || h.ended == test.want[0] {
				t.Errorf("it is tried once more: %v, want %v", got, test.want)
			}
		})
	}
}
