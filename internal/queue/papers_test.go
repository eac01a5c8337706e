package queue_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDominantResourceFairnessOfThePaper is the example of Ghodsi et al., Dominant Resource Fairness, NSDI 2011, section 4.1: 9 CPUs and 18 GB,
// tasks of <1 CPU, 4 GB> and <3 CPU, 1 GB>.
func TestDominantResourceFairnessOfThePaper(t *testing.T) {
	s := newSimulation(t, amounts{"cpu": 9, "memory": 18}, q("a"), q("b"))
	for range 10 {
		s.arrives("a", amounts{"cpu": 1, "memory": 4})
		s.arrives("b", amounts{"cpu": 3, "memory": 1})
	}
	s.startAll()
	want := map[string]amounts{"a": {"cpu": 3, "memory": 12}, "b": {"cpu": 6, "memory": 2}}
	if diff := cmp.Diff(want, map[string]amounts{"a": s.runs("a"), "b": s.runs("b")}); diff != "" {
		t.Errorf("what runs (-want +got):\n%s", diff)
	}
}

// TestWeightsOfDominantResourceFairness has three queues of weights 1, 2 and 3 with gangs of very different shape.
func TestWeightsOfDominantResourceFairness(t *testing.T) {
	s := newSimulation(t, amounts{"cpu": 600, "gpu": 600}, q("one", weight(1)), q("two", weight(2)), q("three", weight(3)))
	for range 600 {
		s.arrives("one", amounts{"gpu": 4, "cpu": 1})
		s.arrives("two", amounts{"gpu": 2, "cpu": 1})
		s.arrives("three", amounts{"gpu": 10, "cpu": 5})
	}
	s.startAll()
	for leaf, want := range map[string]int64{"one": 100, "two": 200, "three": 300} {
		if got := s.runs(leaf)["gpu"]; got < want*95/100 || got > want*105/100 {
			t.Errorf("queue %s has %d of 600 gpu, want %d within 5%%", leaf, got, want)
		}
	}
}

// TestAQueueThatIsBlockedDoesNotStarveItsSibling is the starvation of Bhattacharya et al., Hierarchical Scheduling for Diverse Datacenter
// Workloads, SoCC 2013: n2.2 holds all GPUs, and wants more. If these counted for n2 whenever a CPU is free, n1 would take one CPU
// after another from n2.1.
func TestAQueueThatIsBlockedDoesNotStarveItsSibling(t *testing.T) {
	s := newSimulation(t, amounts{"cpu": 10, "gpu": 10}, q("n1"), q("n2", children(q("n2.1"), q("n2.2"))))
	asks := map[string]amounts{"n1": {"cpu": 1}, "n2.1": {"cpu": 1}, "n2.2": {"gpu": 1}}
	for _, leaf := range []string{"n1", "n2.1", "n2.2"} {
		for range 20 {
			s.arrives(leaf, asks[leaf])
		}
	}
	s.startAll()
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		i := random.IntN(len(s.running))
		leaf := s.running[i].Leaf.Name()
		s.end(i)
		s.arrives(leaf, asks[leaf])
		s.startAll()
		want := map[string]amounts{"n1": {"cpu": 5}, "n2.1": {"cpu": 5}, "n2.2": {"gpu": 10}}
		if diff := cmp.Diff(want, map[string]amounts{"n1": s.runs("n1"), "n2.1": s.runs("n2.1"), "n2.2": s.runs("n2.2")}); diff != "" {
			t.Fatalf("what runs (-want +got):\n%s", diff)
		}
	}
}

// TestBlockedQueuesOfThePaper is the example with blocked nodes (SoCC 2013; the table is also in Volcano's hdrf_test.go): when all
// CPUs are gone, n3 and n4 share the memory that is left.
func TestBlockedQueuesOfThePaper(t *testing.T) {
	s := newSimulation(t, amounts{"cpu": 30, "memory": 30},
		q("n1"), q("n2"), q("n3", children(q("n3.1"), q("n3.2"))), q("n4"))
	leaves := map[string]string{"n1": "cpu", "n2": "cpu", "n3.1": "cpu", "n3.2": "memory", "n4": "memory"}
	for _, leaf := range []string{"n1", "n2", "n3.1", "n3.2", "n4"} {
		for range 40 {
			s.arrives(leaf, amounts{leaves[leaf]: 1})
		}
	}
	s.startAll()
	got := map[string]int64{}
	for leaf, resource := range leaves {
		got[leaf] = s.runs(leaf)[resource]
	}
	if diff := cmp.Diff(map[string]int64{"n1": 10, "n2": 10, "n3.1": 10, "n3.2": 15, "n4": 15}, got); diff != "" {
		t.Errorf("what runs (-want +got):\n%s", diff)
	}
}
