package scenarios

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	// streamNodes of each stream have streamCPUs each.
	streamNodes, streamCPUs = 4, 8
	streamWarmUp            = 4 * time.Second
	// streamPeriod is how long the streams go on once the gangs have come.
	streamPeriod = 25 * time.Second
	// streamMaxWait is long compared to how long the pods of a stream run, as the default is in a real cluster: what is set aside
	// is not used while the last of them end.
	streamMaxWait = 20 * time.Second
	// streamEnough is the least part of its work that a stream does while a gang waits.
	streamEnough = 0.95
	// streamAllowed is what the machine may take altogether to notice that a gang is due, that pods have ended, and to bind the gang.
	streamAllowed = 3 * time.Second
)

// halfOfTheNodes needs half of a stream's nodes as a whole, which are never empty by chance.
var halfOfTheNodes = jobKind{
	user: "half", members: streamNodes / 2, cpu: fmt.Sprint(streamCPUs), shortest: 4 * time.Second, longest: 4 * time.Second,
}

// TestAGangOfHalfTheClusterStartsBesideAStream: endless streams of single pods, of which half say how long they run, keep two pools
// of nodes full. To each comes a gang that needs half of the nodes. Where capacity is set aside after maxWait, the gang starts when those pods have
// ended that ran then. Until it starts, this stream does almost the work of the other one, beside which nothing is set aside.
//
// A slow machine does not decide: both go on side by side, so that it slows both alike, and pods end when they are seen to end.
func TestAGangOfHalfTheClusterStartsBesideAStream(t *testing.T) {
	skipIfShort(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	aside, effort := newStream(t, "set-aside"), newStream(t, "best-effort")
	aside.s.awaitNodes(ours)
	aside.s.configureQueues(fmt.Sprintf("- {name: set-aside, maxWait: %s, preemption: {reclaim: Never}}\n"+
		"- {name: best-effort, maxWait: 0s, preemption: {reclaim: Never}}", streamMaxWait))
	aside.begin()
	effort.begin()
	goesOn(t, streamWarmUp)
	aside.bringGang()
	effort.bringGang()
	s := aside.load.usage
	process.Within(t, patience, "the gang to start", func() (bool, string) {
		used := s.now()
		return used["half"].cpu > 0, fmt.Sprintf("%+v", used)
	})
	goesOn(t, streamPeriod-time.Since(aside.complete))

	started, starts := aside.gangStarted()
	if !starts {
		t.Fatalf("the gang does not run as a whole: %+v", s.now())
	}
	due := aside.complete.Add(streamMaxWait)
	ended := s.lastEnd("stream", due)
	t.Logf("the gang started after %s, %s after the last of the pods had ended that ran after %s",
		rounded(started.Sub(aside.complete)), rounded(started.Sub(ended)), streamMaxWait)
	if started.After(ended.Add(streamAllowed)) {
		t.Errorf("that is too late: these had ended after %s, and the machine is allowed %s", rounded(ended.Sub(aside.complete)), streamAllowed)
	}
	if other, starts := effort.gangStarted(); starts { // a machine that is too slow for the stream
		t.Logf("without capacity set aside the gang started after %s", rounded(other.Sub(effort.complete)))
		started = earliest(started, other)
	}
	ratio := aside.work(started, "stream") / effort.work(started, "stream")
	idle := 1 - effort.work(started, "stream")/started.Sub(effort.complete).Seconds()/(streamNodes*streamCPUs)
	t.Logf("meanwhile the stream did %.1f %% of the work of the one beside which nothing is set aside, where %.1f %% were idle",
		100*ratio, 100*idle)
	if ratio < streamEnough {
		t.Errorf("that is too little, it must be %.0f %%", 100*streamEnough)
	}
	end := aside.complete.Add(streamPeriod)
	t.Logf("in %s, the stream and the gang did %.1f %% of that work", streamPeriod,
		100*aside.work(end, "stream", "half")/effort.work(end, "stream", "half"))
	if *draw {
		drawStream(t, aside, effort)
	}
}

func rounded(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// stream fills nodes of its own with single pods, in a queue of its own.
type stream struct {
	s     *scenario
	load  *load
	began time.Time
	// complete is when all members of the gang had been created.
	complete time.Time
}

// newStream returns one that has not begun. Its queue is to have its name.
func newStream(t *testing.T, name string) *stream {
	t.Helper()
	st := &stream{s: newScenario(t, name)}
	shape := controlplane.NodeShape{
		CPU: fmt.Sprint(streamCPUs), Memory: "64Gi", Pods: 110, Labels: map[string]string{"pool": name},
		Taints: []corev1.Taint{{Key: "pool", Value: name, Effect: corev1.TaintEffectNoSchedule}},
	}
	if err := suite.plane.AddNodes(st.s.ctx, name, streamNodes, shape); err != nil {
		t.Fatal(err)
	}
	st.load = newLoad(st.s, 2) // the stream is the same each time
	return st
}

func (st *stream) begin() {
	st.began = time.Now()
	st.load.start(streamNodes*streamCPUs/2*3, st.own(streamOf(func(job int) bool { return job%2 == 0 })))
}

func (st *stream) bringGang() {
	kind := halfOfTheNodes
	st.load.once(st.own(&kind))
	st.complete = time.Now()
}

// own gives the kind the queue and the nodes of the stream.
func (st *stream) own(kind *jobKind) *jobKind {
	kind.queue, kind.pool = st.s.namespace, st.s.namespace
	return kind
}

// gangStarted returns when the last member of the gang was bound, and false if not all were.
func (st *stream) gangStarted() (at time.Time, starts bool) {
	st.load.usage.each(st.complete, time.Now(), func(from time.Time, _ time.Duration, used map[string]amount) {
		if !starts && used["half"].cpu == streamNodes*streamCPUs/2 {
			at, starts = from, true
		}
	})
	return at, starts
}

// work returns the CPU seconds that were used from when the gang was complete.
func (st *stream) work(until time.Time, users ...string) float64 {
	return st.load.usage.work(st.complete, until, users...)
}

// streamOf is a kind of single pods of two CPUs that run for 1 to 2 seconds.
func streamOf(states func(job int) bool) *jobKind {
	return &jobKind{
		user: "stream", queue: "stream", members: 1, alone: true, cpu: "2", shortest: time.Second, longest: 2 * time.Second, states: states,
	}
}

// TestCapacitySetAsideOutlivesWhatHappens: of four nodes the half is set aside for a gang, and on the other half pods run for long. When
// these end the gang starts, whatever happened meanwhile.
func TestCapacitySetAsideOutlivesWhatHappens(t *testing.T) {
	skipIfShort(t)
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2"}
	scheduler := startScheduler(t, args...)
	for _, tc := range []struct {
		name    string
		happens func(w *asideWorld)
	}{
		{"nothing", func(*asideWorld) {}},
		{"the-scheduler-is-killed", func(*asideWorld) {
			scheduler.Kill()
			scheduler = startScheduler(t, args...)
		}},
		{"a-node-is-deleted", func(w *asideWorld) {
			if err := suite.client.CoreV1().Nodes().Delete(w.s.ctx, fmt.Sprintf("%s-%d", w.s.namespace, asideNodes-1), metav1.DeleteOptions{}); err != nil {
				w.s.t.Fatal(err)
			}
		}},
		{"the-queues-change", func(w *asideWorld) {
			w.s.configureQueues("- {name: stream, maxWait: 3s, weight: 2}\n- {name: another}")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newAsideWorld(t, tc.name, func(int) bool { return false })
			w.awaitAside(scheduler)
			tc.happens(w)
			w.releaseAll()
			w.s.boundIs(t, "whole", asideGang)
		})
	}
	t.Run("the-gang-is-deleted", func(t *testing.T) {
		w := newAsideWorld(t, "the-gang-is-deleted", func(int) bool { return false })
		w.awaitAside(scheduler)
		w.s.remove("whole")
		w.awaitUse(asideNodes*asideCPUs, "all nodes to be used")
	})
}

// TestPodsThatEndInTimeUseWhatIsSetAside: every pod says how long it runs. The gang says when it starts, and when that is in ten minutes,
// pods of two seconds use all that is set aside for it.
func TestPodsThatEndInTimeUseWhatIsSetAside(t *testing.T) {
	skipIfShort(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	w := newAsideWorld(t, "in-time", func(int) bool { return true })
	says := regexp.MustCompile(`set aside for it: \d of 4; starts in about \d+m, when pod in-time/long-\d ends`)
	process.Within(t, patience, "the gang to say what is set aside for it, and when it starts", func() (bool, string) {
		message, waits := w.s.scheduledCondition("whole-0")
		return waits && says.MatchString(message), message
	})
	w.awaitUse(asideNodes*asideCPUs, "all nodes to be used")
	w.s.boundIs(t, "whole", 0)
	w.releaseAll()
	w.s.boundIs(t, "whole", asideGang)
}

const (
	// asideNodes have asideCPUs each.
	asideNodes, asideCPUs = 8, 4
	// asideLong is how many of the nodes have a pod that runs for long, and asideGang how many nodes the gang needs: one of those.
	asideLong, asideGang = 5, 4
)

// asideWorld has a stream that fills all nodes, except for pods that run for long and take a half of five of the eight nodes. A gang
// needs four whole nodes, and is passed by.
type asideWorld struct {
	s    *scenario
	load *load
}

// newAsideWorld returns one in which states says which pods of the stream state how long they run.
func newAsideWorld(t *testing.T, name string, states func(int) bool) *asideWorld {
	t.Helper()
	w := &asideWorld{s: newScenario(t, name)}
	shape := controlplane.NodeShape{CPU: fmt.Sprint(asideCPUs), Memory: "64Gi", Pods: 110}
	if err := suite.plane.AddNodes(w.s.ctx, name, asideNodes, shape); err != nil {
		t.Fatal(err)
	}
	w.s.awaitNodes(ours)
	w.s.configureQueues("- {name: stream, maxWait: 2s}")
	long := podSpec{
		namespace: name, cpu: fmt.Sprint(asideCPUs / 2), scheduler: ours, labels: map[string]string{userLabel: "long"},
		annotations: map[string]string{"kubenexus.io/queue": "stream", "kubenexus.io/expected-runtime": "10m"},
	}
	for i := range asideLong {
		long.name, long.node = fmt.Sprintf("long-%d", i), fmt.Sprintf("%s-%d", name, asideNodes-1-i)
		if err := create(w.s, long.pod()); err != nil {
			t.Fatal(err)
		}
	}
	w.load = newLoad(w.s, 3)
	w.load.start(asideNodes*asideCPUs/2, streamOf(states))
	w.awaitUse(asideNodes*asideCPUs, "all nodes to be used")
	member := podSpec{
		namespace: name, cpu: fmt.Sprint(asideCPUs), scheduler: ours, labels: map[string]string{userLabel: "whole"},
		annotations: gangAnnotations("whole", asideGang),
	}
	member.annotations["kubenexus.io/queue"] = "stream"
	for i := range asideGang {
		member.name = fmt.Sprintf("whole-%d", i)
		if err := create(w.s, member.pod()); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// awaitAside waits until the half of each node that the gang waits for is set aside: those with a pod whose end is known, of which one
// is left out.
func (w *asideWorld) awaitAside(scheduler *process.Scheduler) {
	w.s.t.Helper()
	process.Within(w.s.t, patience, "capacity to be set aside", func() (bool, string) {
		return scheduler.Log.Contains(fmt.Sprintf(`"Setting capacity aside" gang="%s/whole"`, w.s.namespace)), ""
	})
	process.Within(w.s.t, patience, "the half of four nodes to be free", func() (bool, string) {
		used := w.load.usage.now()
		return sum(used, "stream", "long").cpu <= asideNodes*asideCPUs-asideGang*asideCPUs/2, fmt.Sprintf("%+v", used)
	})
}

// awaitUse waits until pods of the stream and those that run for long use so many CPUs.
func (w *asideWorld) awaitUse(cpus float64, what string) {
	w.s.t.Helper()
	process.Within(w.s.t, patience, what, func() (bool, string) {
		used := w.load.usage.now()
		return sum(used, "stream", "long").cpu == cpus, fmt.Sprintf("%+v", used)
	})
}

// releaseAll ends the pods that run for long.
func (w *asideWorld) releaseAll() {
	w.s.t.Helper()
	err := suite.client.CoreV1().Pods(w.s.namespace).DeleteCollection(w.s.ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)},
		metav1.ListOptions{LabelSelector: userLabel + "=long"})
	if err != nil {
		w.s.t.Fatal(err)
	}
}
