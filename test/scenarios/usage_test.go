package scenarios

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// amount is what pods request.
type amount struct {
	cpu    float64 // CPUs
	memory float64 // GiB
}

func (a amount) plus(b amount) amount { return amount{a.cpu + b.cpu, a.memory + b.memory} }

func (a amount) minus(b amount) amount { return amount{a.cpu - b.cpu, a.memory - b.memory} }

// dominantShare is the largest part of the total that the amount is of a resource.
func (a amount) dominantShare(total amount) float64 {
	return max(a.cpu/total.cpu, a.memory/total.memory)
}

func requested(pod *corev1.Pod) (a amount) {
	for i := range pod.Spec.Containers {
		requests := pod.Spec.Containers[i].Resources.Requests
		a = a.plus(amount{requests.Cpu().AsApproximateFloat64(), requests.Memory().AsApproximateFloat64() / (1 << 30)})
	}
	return a
}

// userLabel says for whom usageWatch counts a pod. The scheduler does not look at it.
const userLabel = "user"

// usageWatch follows what the pods of each user request while they are bound: from when this process hears of a binding until it hears
// that the pod is deleted.
type usageWatch struct {
	// onBound is called for each pod that is bound. It must not block.
	onBound func(*corev1.Pod)

	mu      sync.Mutex
	bound   map[types.UID]*boundPod
	used    map[string]amount
	changes []usageChange
	ran     []podRun
}

// boundPod is a pod that is bound, and since when.
type boundPod struct {
	pod   *corev1.Pod
	since time.Time
}

// podRun is when a user's pod was bound and when it was gone.
type podRun struct {
	user     string
	from, to time.Time
}

// usageChange is what a user uses from then on.
type usageChange struct {
	at   time.Time
	user string
	used amount
}

// watchUsage follows the pods of a namespace until the test ends.
func watchUsage(t *testing.T, namespace string, onBound func(*corev1.Pod)) *usageWatch {
	t.Helper()
	w := &usageWatch{onBound: onBound, bound: map[types.UID]*boundPod{}, used: map[string]amount{}}
	ctx, cancel := context.WithCancel(t.Context())
	factory := informers.NewSharedInformerFactoryWithOptions(suite.client, 0, informers.WithNamespace(namespace))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { w.see(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { w.see(object.(*corev1.Pod)) },
		DeleteFunc: w.forget,
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	return w
}

func (w *usageWatch) see(pod *corev1.Pod) {
	if pod.Spec.NodeName == "" || !w.count(pod) {
		return
	}
	if w.onBound != nil {
		w.onBound(pod)
	}
}

// count reports whether the pod was not counted before.
func (w *usageWatch) count(pod *corev1.Pod) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bound[pod.UID] != nil {
		return false
	}
	w.bound[pod.UID] = &boundPod{pod, time.Now()}
	user := pod.Labels[userLabel]
	w.change(user, w.used[user].plus(requested(pod)))
	return true
}

func (w *usageWatch) forget(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.bound[object.(*corev1.Pod).UID]
	if b == nil {
		return
	}
	delete(w.bound, b.pod.UID)
	user := b.pod.Labels[userLabel]
	w.ran = append(w.ran, podRun{user, b.since, time.Now()})
	w.change(user, w.used[user].minus(requested(b.pod)))
}

func (w *usageWatch) change(user string, used amount) {
	w.used[user] = used
	w.changes = append(w.changes, usageChange{time.Now(), user, used})
}

// lastEnd returns when the last of those pods of a user was gone that were bound at a time. Those that are not gone do not count.
func (w *usageWatch) lastEnd(user string, at time.Time) (last time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, run := range w.ran {
		if run.user == user && !run.from.After(at) && run.to.After(at) && run.to.After(last) {
			last = run.to
		}
	}
	return last
}

// now returns what each user uses.
func (w *usageWatch) now() map[string]amount {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.used)
}

// sum returns what these users use together.
func sum(used map[string]amount, users ...string) (all amount) {
	for _, user := range users {
		all = all.plus(used[user])
	}
	return all
}

// each calls visit for each stretch of the period during which nothing changed, with what each user used.
func (w *usageWatch) each(from, to time.Time, visit func(start time.Time, lasted time.Duration, used map[string]amount)) {
	w.mu.Lock()
	changes := slices.Clone(w.changes)
	w.mu.Unlock()
	used, start := map[string]amount{}, from
	for _, c := range append(changes, usageChange{at: to}) {
		until := c.at
		if until.After(to) {
			until = to
		}
		if until.After(start) {
			visit(start, until.Sub(start), used)
			start = until
		}
		used[c.user] = c.used
	}
}

// longest returns the longest time on end in a period during which something is true of what was used.
func (w *usageWatch) longest(from, to time.Time, is func(used map[string]amount) bool) (longest time.Duration) {
	on := time.Duration(0)
	w.each(from, to, func(_ time.Time, lasted time.Duration, used map[string]amount) {
		if on += lasted; !is(used) {
			on = 0
		}
		longest = max(longest, on)
	})
	return longest
}

// dominantShares returns the average over a period of each user's dominant share of the total.
func (w *usageWatch) dominantShares(from, to time.Time, total amount) map[string]float64 {
	shares := map[string]float64{}
	w.each(from, to, func(_ time.Time, lasted time.Duration, used map[string]amount) {
		for user, amount := range used {
			shares[user] += amount.dominantShare(total) * lasted.Seconds() / to.Sub(from).Seconds()
		}
	})
	return shares
}

// work returns the CPU seconds that the users used together.
func (w *usageWatch) work(from, to time.Time, users ...string) (seconds float64) {
	w.each(from, to, func(_ time.Time, lasted time.Duration, used map[string]amount) {
		seconds += sum(used, users...).cpu * lasted.Seconds()
	})
	return seconds
}
