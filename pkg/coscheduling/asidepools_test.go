package coscheduling

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// inPools labels each node with a pool of its own name, and returns what makes a pod use only that.
func (r *running) inPools(names ...string) func(name string) func(*st.PodWrapper) {
	r.t.Helper()
	for _, name := range names {
		node, err := r.client.CoreV1().Nodes().Get(r.ctx, name, metav1.GetOptions{})
		if err != nil {
			r.t.Fatal(err)
		}
		node.Labels = map[string]string{"pool": name}
		if _, err := r.client.CoreV1().Nodes().Update(r.ctx, node, metav1.UpdateOptions{}); err != nil {
			r.t.Fatal(err)
		}
	}
	return func(name string) func(*st.PodWrapper) {
		return func(p *st.PodWrapper) { p.NodeSelector(map[string]string{"pool": name}) }
	}
}

// TestManyGangsOfOnePoolDoNotHideAnother: however many wait for one pool, capacity is set aside in the other as well. When the gang that goes
// first has started, that of its pool is next that is the first of all that wait.
func TestManyGangsOfOnePoolDoNotHideAnother(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4"})
	on := r.inPools("n1", "n2")
	r.pod("r-n1", "1", on("n1"))
	r.pod("r-n2", "1", on("n2"))
	eventually(t, "the pods to run", func() bool { return r.started("r-n1", "r-n2") })
	const many = 150
	began := time.Now().Add(-time.Hour)
	created := func(i int) func(*st.PodWrapper) {
		return func(p *st.PodWrapper) {
			on("n1")(p)
			p.CreationTimestamp(metav1.NewTime(began.Add(time.Duration(i) * time.Second)))
		}
	}
	for i := range many {
		r.members(fmt.Sprintf("a%03d", i), 1, "4", created(i))
	}
	r.members("z", 1, "4", func(p *st.PodWrapper) {
		on("n2")(p)
		p.CreationTimestamp(metav1.NewTime(began.Add(many * time.Second)))
	})
	eventually(t, "capacity to be set aside in each pool", func() bool {
		return r.aside("a000") == "0 of 1 after " && r.aside("z") == "0 of 1 after "
	})
	r.end("r-n1")
	eventually(t, "the first gang to start", func() bool { return r.started("a000-0") })
	eventually(t, "the second gang to be next", func() bool { return r.aside("a001") == "0 of 1 after " })
}

// TestCapacityIsLetGoWhileNothingIsPopped: a gang that its queue does not let start any more, or for which no capacity is to be set aside any
// more, keeps nothing from others, though no pod comes that has the capacity planned again.
func TestCapacityIsLetGoWhileNothingIsPopped(t *testing.T) {
	patient := func(change func(*queue.Queue)) queue.Queue {
		return queued("q", func(q *queue.Queue) {
			q.MaxWait = time.Nanosecond
			if change != nil {
				change(q)
			}
		})
	}
	for name, changed := range map[string]queue.Queue{
		"its limit is lowered":          patient(func(q *queue.Queue) { q.Limit = queue.Amounts{"cpu": 7_000} }),
		"no capacity is set aside more": queued("q", nil),
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, &obstacle{}, true, map[string]string{"a": "4", "b": "4"})
			r.configure(patient(nil))
			defer r.occupy("1")()
			r.submit(job{queue: "q", name: "g", members: 2, cpu: "4"})
			eventually(t, "capacity to be set aside", func() bool { return r.aside("g") == "1 of 2 after " })
			r.configure(changed)
			eventually(t, "nothing to be set aside", func() bool { return r.aside("g") == "" && r.placeholders() == 0 })
		})
	}
}

// TestCapacityStaysWithTheGangThatItIsSetAsideFor, although the order between the queues is another one soon. What goes before it whatever they use
// takes it.
func TestCapacityStaysWithTheGangThatItIsSetAsideFor(t *testing.T) {
	r := run(t, &obstacle{}, true, map[string]string{"a": "4", "b": "4", "c": "4"})
	atOnce := func(q *queue.Queue) { q.MaxWait = time.Nanosecond }
	r.configure(queued("one", atOnce), queued("two", atOnce), queued("three", func(q *queue.Queue) {
		atOnce(q)
		q.Guarantee = queue.Amounts{"cpu": 4_000}
	}))
	free := r.occupy("1", "1", "1")
	r.submit(job{queue: "two", name: "used", members: 1, cpu: "2", priority: 100})
	eventually(t, "a pod of queue two to run", func() bool { return r.started("used-0") })
	r.submit(job{queue: "one", name: "g", members: 2, cpu: "4"})
	eventually(t, "capacity to be set aside", func() bool { return r.aside("g") == "0 of 2 after " })
	r.submit(job{queue: "two", name: "h", members: 2, cpu: "4", created: -100})
	eventually(t, "the other gang to be tried", func() bool { return r.unplaced("h") })
	r.end("used-0") // the other gang is the older one, of a queue that uses as much: it goes first from now on
	r.submit(job{queue: "one", name: "x", members: 2, cpu: "4", created: 100})
	eventually(t, "a third gang to be due, so that the order is looked at again", func() bool { return r.unplaced("x") })
	for i := range 5 { // each may have the capacity planned again, and ends
		name := fmt.Sprintf("small%d", i)
		r.submit(job{queue: "one", name: name, members: 1, cpu: "1", priority: 100})
		eventually(t, "the pod to run", func() bool { return r.started(name + "-0") })
		r.end(name + "-0")
	}
	if r.aside("g") == "" || r.aside("h") != "" {
		t.Errorf("capacity is set aside for g: %q, for h: %q", r.aside("g"), r.aside("h"))
	}
	r.submit(job{queue: "three", name: "guaranteed", members: 1, cpu: "4"})
	eventually(t, "capacity to be set aside for what is guaranteed", func() bool { return r.asideForPod("guaranteed-0") })
	free()
	eventually(t, "that to start", func() bool { return r.started("guaranteed-0") })
}

// unplaced reports whether a gang was tried and does not fit.
func (r *running) unplaced(name string) bool {
	return slices.ContainsFunc(r.plugins.ledger.Statuses(), func(s gang.Status) bool {
		return s.Key.Name == name && s.Why.Kind == gang.KindUnplaced
	})
}

// asideForPod reports whether capacity is set aside for a pod without a gang.
func (r *running) asideForPod(name string) bool {
	return len(r.plugins.slots.AsideFor(gang.Key{Namespace: testNamespace, Name: name, Instance: name})) > 0
}
