package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	// fairWarmUp lets the jobs of the start end, which all started at once.
	fairWarmUp = 8 * time.Second
	fairPeriod = 25 * time.Second
	// fairEnough is how much a queue may be off its part, as a part of that.
	fairEnough = 0.05
	// takenOver is how long the others may take to use what a queue leaves, and fullEnough how much less than before may be used of the
	// cluster once they do: gangs are whole.
	takenOver  = 2 * time.Second
	fullEnough = 0.05
	fairNodes  = 48
)

// TestThreeQueuesShareByWeight: queues of weights 1, 2 and 3 have a backlog of gangs of very different shape and of pods without a gang, of
// which some take more of the CPUs and some more of the memory. In the average over time, the dominant shares of the queues are 1/6, 2/6
// and 3/6 of their sum.
// When the largest queue goes idle, the other two use what it leaves within 2 seconds, as its last jobs end, and share it 1 to 2.
func TestThreeQueuesShareByWeight(t *testing.T) {
	skipIfShort(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "three-queues")
	s.configureQueues("- {name: one, weight: 1}\n- {name: two, weight: 2}\n- {name: three, weight: 3}")
	weights := map[string]float64{"one": 1, "two": 2, "three": 3}
	l := newLoad(s, 1)
	kinds := fairShapes()
	l.start(4, kinds...) // there are no nodes yet, so that nothing starts before all of it waits
	total := amount{cpu: fairNodes * 16, memory: fairNodes * 64}
	shape := controlplane.NodeShape{CPU: "16", Memory: "64Gi", Pods: 110}
	began := time.Now()
	if err := suite.plane.AddNodes(s.ctx, "three-queues", fairNodes, shape); err != nil {
		t.Fatal(err)
	}
	goesOn(t, fairWarmUp)
	from := time.Now()
	goesOn(t, fairPeriod)
	end := time.Now()
	sharesAre(t, l.usage.dominantShares(from, end, total), weights)

	l.end("three")
	process.Within(t, patience, "the queue to be idle", func() (bool, string) {
		used := l.usage.now()["three"]
		return used.cpu == 0, fmt.Sprintf("it uses %+v", used)
	})
	idle := time.Now()
	goesOn(t, fairPeriod/2)
	delete(weights, "three")
	sharesAre(t, l.usage.dominantShares(idle, time.Now(), total), weights)
	othersTookOver(t, l.usage, from, end, idle, total)
	for _, kind := range kinds {
		t.Logf("queue %s started %d gangs of %d members with %s CPUs and %s each",
			kind.queue, l.startedOf(kind), kind.members, kind.cpu, kind.memory)
	}
	if *draw {
		drawShares(t, l.usage, began, total)
	}
}

// othersTookOver checks that what was used of the cluster between from and end is still used from then on: it is not less for longer than
// takenOver, while the jobs of the idle queue end and after the last one has. A machine that stalls does not keep the cluster full before
// that either, so the longest time is added for which it did not.
func othersTookOver(t *testing.T, usage *usageWatch, from, end, idle time.Time, total amount) {
	t.Helper()
	queues := []string{"one", "two", "three"}
	full := 0.0
	usage.each(from, end, func(_ time.Time, lasted time.Duration, used map[string]amount) {
		full += sum(used, queues...).dominantShare(total) * lasted.Seconds() / end.Sub(from).Seconds()
	})
	below := func(from, to time.Time) time.Duration {
		return usage.longest(from, to, func(used map[string]amount) bool {
			return sum(used, queues...).dominantShare(total) < full-fullEnough
		})
	}
	before, after := below(from, end), below(end, idle.Add(fairPeriod/2))
	t.Logf("%.1f %% of the cluster were used, %.0f points less for %s at most; once a queue went idle, for %s at most",
		100*full, 100*fullEnough, before.Round(time.Millisecond), after.Round(time.Millisecond))
	if after > takenOver+before {
		t.Errorf("the others did not use within %s what the idle queue left", takenOver)
	}
}

// fairShapes are the kinds of gangs, and of pods without a gang, of each queue. A node has 4 GiB for each CPU, so those with more are
// memory-heavy. A queue is on average half of a gang below its level, because its next gang counts in the order. So gangs are small compared
// to what their queue may use.
func fairShapes() (kinds []*jobKind) {
	for queue, shapes := range map[string][]jobKind{
		"one": {
			{members: 1, alone: true, cpu: "4", memory: "8Gi"},
			{members: 1, alone: true, cpu: "2", memory: "20Gi"},
			{members: 4, cpu: "1", memory: "2Gi"},
			{members: 2, cpu: "4", memory: "8Gi"},
			{members: 2, cpu: "1", memory: "12Gi"},
		},
		"two": {
			{members: 1, alone: true, cpu: "8", memory: "16Gi"},
			{members: 1, alone: true, cpu: "4", memory: "8Gi"},
			{members: 2, cpu: "2", memory: "20Gi"},
			{members: 3, cpu: "4", memory: "8Gi"},
			{members: 6, cpu: "2", memory: "4Gi"},
		},
		"three": {
			{members: 1, alone: true, cpu: "8", memory: "16Gi"},
			{members: 1, alone: true, cpu: "2", memory: "40Gi"},
			{members: 2, cpu: "8", memory: "16Gi"},
			{members: 3, cpu: "2", memory: "24Gi"},
			{members: 4, cpu: "4", memory: "8Gi"},
			{members: 8, cpu: "2", memory: "6Gi"},
		},
	} {
		for _, kind := range shapes {
			kind.user, kind.queue, kind.shortest, kind.longest = queue, queue, 5*time.Second, 9*time.Second
			kinds = append(kinds, &kind)
		}
	}
	slices.SortStableFunc(kinds, func(a, b *jobKind) int { return cmp.Compare(a.queue, b.queue) }) // the same each time
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
		t.Logf("queue %s: dominant share %.3f, %.2f %% of all, by weight %.2f %%", queue, shares[queue], 100*got, 100*want)
		if math.Abs(got-want) > fairEnough*want {
			t.Errorf("queue %s has %.2f %% of all, want %.2f %%, not more than %.0f %% of that off", queue, 100*got, 100*want, 100*fairEnough)
		}
	}
}
