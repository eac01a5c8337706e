package scenarios

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	// streamNodes have streamCPUs each.
	streamNodes, streamCPUs = 10, 8
	streamWarmUp            = 4 * time.Second
	streamPeriod            = 15 * time.Second
	// streamMaxWait is long compared to how long the pods of the stream run, as the default is in a real cluster: what is set aside
	// is not used while the last of them end.
	streamMaxWait = "5s"
	// streamEnough is the least part of its work that the stream does while a gang waits. It does about 96 %; the exact part, which is
	// logged, depends on the machine too.
	streamEnough = 0.90
)

// halfOfTheCluster needs half of the CPUs.
var halfOfTheCluster = jobKind{
	user: "half", queue: "stream", members: streamNodes * streamCPUs / 2 / 2, cpu: "2", shortest: 4 * time.Second, longest: 4 * time.Second,
}

// TestAGangOfHalfTheClusterStartsBesideAStream: an endless stream of single pods, of which half say how long they run, keeps the cluster
// full. A gang that needs half of the cluster starts, because capacity is set aside for it after maxWait. Until it starts, the stream
// does almost the work that it does where nothing is set aside, and the gang does not start there.
func TestAGangOfHalfTheClusterStartsBesideAStream(t *testing.T) {
	skipIfShort(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	aside := besideAStream(t, "set-aside", streamMaxWait, true)
	effort := besideAStream(t, "best-effort", "0s", false)
	if !effort.started.IsZero() { // a machine that is too slow for the stream
		t.Logf("without capacity set aside the gang started after %s", effort.started.Sub(effort.created).Round(10*time.Millisecond))
	}
	waited := min(aside.started.Sub(aside.created), streamPeriod)
	work := func(run streamRun, period time.Duration, users ...string) float64 {
		return run.usage.work(run.created, run.created.Add(period), users...)
	}
	ratio := work(aside, waited, "stream") / work(effort, waited, "stream")
	t.Logf("the gang waited for %s; meanwhile the stream did %.1f %% of the work that it does where nothing is set aside",
		waited.Round(10*time.Millisecond), 100*ratio)
	t.Logf("in %s, the stream and the gang did %.1f %% of that work", streamPeriod,
		100*work(aside, streamPeriod, "stream", "half")/work(effort, streamPeriod, "stream", "half"))
	if ratio < streamEnough {
		t.Errorf("that is too little")
	}
	if *draw {
		drawStream(t, aside, effort)
	}
}

// streamRun is what a stream and a gang that came to it used.
type streamRun struct {
	usage   *usageWatch
	began   time.Time
	created time.Time // the gang
	started time.Time // the gang, zero if it did not
}

// besideAStream creates a gang of half of the cluster while a stream of single pods fills it. The stream is the same each time. If the
// gang starts for sure, it waits for that.
func besideAStream(t *testing.T, name, maxWait string, starts bool) (run streamRun) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		s := newScenario(t, name)
		shape := controlplane.NodeShape{CPU: fmt.Sprint(streamCPUs), Memory: "64Gi", Pods: 110}
		if err := suite.plane.AddNodes(s.ctx, name, streamNodes, shape); err != nil {
			t.Fatal(err)
		}
		s.awaitNodes(ours)
		s.configureQueues("- {name: stream, maxWait: " + maxWait + "}")
		l := newLoad(s, 2)
		run.usage, run.began = l.usage, time.Now()
		l.start(streamNodes*streamCPUs/2*3/2, streamOf(func(job int) bool { return job%2 == 0 }))
		goesOn(t, streamWarmUp)
		run.created = time.Now()
		l.once(&halfOfTheCluster)
		if starts {
			process.Within(t, patience, "the gang to start", func() (bool, string) {
				used := l.usage.now()
				return used["half"].cpu > 0, fmt.Sprintf("%+v", used)
			})
		}
		goesOn(t, streamPeriod-time.Since(run.created))
		run.usage.each(run.created, time.Now(), func(at time.Time, _ time.Duration, used map[string]amount) {
			if used["half"].cpu > 0 && run.started.IsZero() {
				run.started = at
			}
		})
	})
	return run
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
