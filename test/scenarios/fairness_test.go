package scenarios

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	// fairWarmUp lets the jobs of the start end, which all started at once.
	fairWarmUp = 5 * time.Second
	fairPeriod = 10 * time.Second
	// fairEnough is how much a queue may be off its share, in parts of the whole: five points of a hundred.
	fairEnough = 0.05
)

// TestThreeQueuesShareByWeight: queues of weights 1, 2 and 3 have a backlog of gangs of very different shape and of pods without a gang, of
// which some take more of the CPUs and some more of the memory. In the average over time, the dominant shares of the queues are 1/6, 2/6
// and 3/6 of their sum.
// When the largest queue goes idle, the other two use what it used, and share it 1 to 2.
func TestThreeQueuesShareByWeight(t *testing.T) {
	skipIfShort(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "three-queues")
	const nodes = 48
	total := amount{cpu: nodes * 16, memory: nodes * 64}
	shape := controlplane.NodeShape{CPU: "16", Memory: "64Gi", Pods: 110}
	if err := suite.plane.AddNodes(s.ctx, "three-queues", nodes, shape); err != nil {
		t.Fatal(err)
	}
	s.awaitNodes(ours)
	s.configureQueues("- {name: one, weight: 1}\n- {name: two, weight: 2}\n- {name: three, weight: 3}")
	weights := map[string]float64{"one": 1, "two": 2, "three": 3}

	l := newLoad(s, 1)
	began := time.Now()
	kinds := fairShapes()
	l.start(4, kinds...)
	goesOn(t, fairWarmUp)
	from := time.Now()
	goesOn(t, fairPeriod)
	to := time.Now()
	sharesAre(t, l.usage.dominantShares(from, to, total), weights)

	before := sum(l.usage.now(), "one", "two", "three").dominantShare(total)
	l.end("three")
	process.Within(t, patience, "the queue to be idle", func() (bool, string) {
		used := l.usage.now()["three"]
		return used.cpu == 0, fmt.Sprintf("it uses %+v", used)
	})
	idle := time.Now()
	process.Within(t, patience, "the others to use what it used", func() (bool, string) {
		used := l.usage.now()
		return sum(used, "one", "two").dominantShare(total) >= before-fairEnough, fmt.Sprintf("%+v of %+v", used, total)
	})
	t.Logf("the others used it %s after the last pod of the idle queue was gone", time.Since(idle).Round(time.Millisecond))
	from = time.Now()
	goesOn(t, fairPeriod)
	delete(weights, "three")
	sharesAre(t, l.usage.dominantShares(from, time.Now(), total), weights)
	for _, kind := range kinds {
		t.Logf("queue %s started %d gangs of %d members with %s CPUs and %s each",
			kind.queue, l.startedOf(kind), kind.members, kind.cpu, kind.memory)
	}
	if *draw {
		drawShares(t, l.usage, began, total)
	}
}

// fairShapes are the kinds of gangs, and of pods without a gang, of each queue. A node has 4 GiB for each CPU, so those with more are
// memory-heavy. The mix of each queue is another one.
func fairShapes() (kinds []*jobKind) {
	shapes := []jobKind{
		{members: 1, alone: true, cpu: "4", memory: "8Gi"},
		{members: 1, alone: true, cpu: "2", memory: "20Gi"},
		{members: 8, cpu: "2", memory: "16Gi"},
		{members: 4, cpu: "4", memory: "8Gi"},
		{members: 8, cpu: "4", memory: "10Gi"},
		{members: 2, cpu: "8", memory: "8Gi"},
		{members: 3, cpu: "4", memory: "24Gi"},
	}
	mixes := map[string][]int{
		"one":   {0, 1, 2, 2, 6, 6, 3},
		"two":   {0, 1, 3, 3, 4, 5, 2},
		"three": {0, 1, 2, 3, 4, 5, 6},
	}
	for _, queue := range []string{"one", "two", "three"} {
		for _, i := range mixes[queue] {
			kind := shapes[i]
			kind.user, kind.queue, kind.shortest, kind.longest = queue, queue, 3*time.Second, 7*time.Second
			kinds = append(kinds, &kind)
		}
	}
	return kinds
}

// sharesAre checks that each queue's part of the sum of all shares is its part of the sum of all weights.
func sharesAre(t *testing.T, shares, weights map[string]float64) {
	t.Helper()
	allShares, allWeights := 0.0, 0.0
	for queue, weight := range weights {
		allShares += shares[queue]
		allWeights += weight
	}
	for queue, weight := range weights {
		got, want := shares[queue]/allShares, weight/allWeights
		t.Logf("queue %s: dominant share %.3f, %.1f %% of all, by weight %.1f %%", queue, shares[queue], 100*got, 100*want)
		if math.Abs(got-want) > fairEnough {
			t.Errorf("queue %s has %.1f %% of all, want %.1f %%, not more than %.0f points off", queue, 100*got, 100*want, 100*fairEnough)
		}
	}
}
