package queue_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func within(x queue.Within) option { return func(c *queue.Queue) { c.Preemption.WithinQueue = x } }

func reclaims(x queue.Reclaim) option { return func(c *queue.Queue) { c.Preemption.Reclaim = x } }

func minRuntime(x time.Duration) option    { return func(c *queue.Queue) { c.Preemption.MinRuntime = x } }
func gpus(n int64) amounts                 { return amounts{"gpu": n} }
func pod(leaf string, n int64) unit        { return unit{leaf: leaf, ask: gpus(n)} }
func wholeGang(leaf string, n int64) unit  { return unit{leaf: leaf, ask: gpus(n), gang: true} }
func (u unit) of(priority int32) unit      { u.priority = priority; return u }
func (u unit) nonPreemptible() unit        { u.protected = true; return u }
func (u unit) asking(a amounts) unit       { u.ask = a; return u }
func several(n int, u unit) (units []unit) { return slices.Repeat([]unit{u}, n) }

// claimStory is what a taker may take of what runs, one after the other.
type claimStory struct {
	name   string
	total  amounts // 8 gpu if nil
	queues []queue.Queue
	taker  unit
	runs   []unit
	// also runs too, but is not offered as a victim.
	also []unit
	// want has a letter for each that runs: I, G or F if it is taken InQueue, for the guarantee or the fair share, and - if not.
	want string
}

func (s claimStory) play(t *testing.T) string {
	p := &party{total: s.total, queues: s.queues, units: slices.Concat([]unit{s.taker}, s.runs, s.also)}
	if p.total == nil {
		p.total = gpus(8)
	}
	m := p.at(t, 1<<len(p.units)-2)
	c := m.claim(0)
	var got strings.Builder
	for i := range s.runs {
		reason, eligible := c.Eligible(m.victim(i + 1))
		if took := c.Take(m.victim(i + 1)); took && !eligible || eligible != (reason != queue.NotTaken) {
			t.Fatalf("Take says %v, and Eligible %v", took, eligible)
		} else if !took {
			reason = queue.NotTaken
		}
		got.WriteByte("-IGF"[reason])
	}
	return got.String()
}

func TestWhoMayBeTaken(t *testing.T) {
	two := []queue.Queue{q("research"), q("product")}
	promised := []queue.Queue{q("research", guarantee(gpus(4))), q("product", guarantee(gpus(4)))}
	for _, s := range []claimStory{
		// Inside a queue.
		{
			name: "with one queue only, what has a lower priority goes", taker: pod("default", 2).of(1),
			runs: []unit{pod("default", 1), pod("default", 1).of(1), pod("default", 1).of(2), wholeGang("default", 2)}, want: "I--I",
		},
		{
			name: "withinQueue: Never", queues: []queue.Queue{q("research", within(queue.NeverWithin))}, taker: pod("research", 2).of(1),
			runs: []unit{pod("research", 1)}, want: "-",
		},
		{
			name: "non-preemptible is never taken", taker: pod("default", 2).of(1), runs: []unit{pod("default", 1).nonPreemptible()}, want: "-",
		},
		{
			name: "who asks for no GPU takes no pod that has nothing else", taker: pod("default", 0).asking(amounts{"cpu": 1}).of(1),
			runs: []unit{pod("default", 1)}, want: "-",
		},
		// Guarantees.
		{
			name: "a queue below its guarantee takes from one above its own, down to the guarantee", queues: promised, taker: pod("research", 1),
			runs: several(8, pod("product", 1)), want: "GGGG----",
		},
		{
			name: "its priority does not count", queues: promised, taker: pod("research", 4),
			runs: several(5, pod("product", 1).of(9)), want: "G----",
		},
		{
			name:   "but with reclaim: LowerPriority it does",
			queues: []queue.Queue{q("research", guarantee(gpus(4)), reclaims(queue.ReclaimLowerPriority)), q("product")}, taker: pod("research", 4).of(1),
			runs: []unit{pod("product", 1), pod("product", 1).of(1)}, want: "G-",
		},
		{
			name:   "and with reclaim: Never it takes nothing",
			queues: []queue.Queue{q("research", guarantee(gpus(4)), reclaims(queue.NeverReclaim)), q("product")}, taker: pod("research", 4),
			runs: []unit{pod("product", 1)}, want: "-",
		},
		{
			name: "a whole gang that reaches above the guarantee goes, one of two", queues: promised, taker: wholeGang("research", 4),
			runs: []unit{wholeGang("product", 3), wholeGang("product", 3)}, want: "G-",
		},
		{
			name: "a pod that reaches above it does not, as it would take its queue below", queues: promised, taker: pod("research", 4),
			runs: []unit{pod("product", 3), pod("product", 3)}, want: "--",
		},
		{
			name: "nothing goes from a queue within its guarantee", queues: promised, taker: pod("research", 4),
			runs: []unit{wholeGang("product", 4)}, want: "-",
		},
		{
			name: "what is less important goes first", queues: promised, taker: pod("research", 2),
			runs: []unit{pod("product", 2).of(5), pod("product", 2), pod("product", 2).of(1)}, want: "-G-",
		},
		{
			name: "what the guarantee of GPUs does not cover may be taken", total: amounts{"gpu": 8, "cpu": 8},
			queues: []queue.Queue{q("research", guarantee(gpus(4))), q("product", guarantee(gpus(4)))},
			taker:  pod("research", 1).asking(amounts{"gpu": 1, "cpu": 4}),
			runs:   []unit{pod("product", 0).asking(amounts{"cpu": 4}), pod("product", 0).asking(amounts{"cpu": 4, "gpu": 1})}, want: "G-",
		},
		{
			name: "in a tree the queues below the nearest common one decide",
			queues: []queue.Queue{
				q("research", guarantee(gpus(4)), children(q("nlp"), q("vision"))),
				q("product", guarantee(gpus(2)), children(q("web", guarantee(gpus(2))), q("batch"))),
			},
			taker: pod("nlp", 2), runs: []unit{pod("web", 1), pod("web", 1), pod("batch", 1), pod("batch", 1), pod("batch", 1)}, want: "--GGG",
		},
		// Fair shares.
		{
			name: "a queue below its fair share takes until both have as much", queues: two, taker: pod("research", 4),
			runs: several(8, pod("product", 1)), want: "FFFF----",
		},
		{
			name: "not if it would have more afterwards", queues: two, taker: wholeGang("research", 5), runs: several(8, pod("product", 1)), want: "FFF-----",
		},
		{
			name: "weights count", queues: []queue.Queue{q("research", weight(3)), q("product")}, taker: wholeGang("research", 6),
			runs: several(8, pod("product", 1)), want: "FFFFFF--",
		},
		{
			name: "a higher priority of a queue counts before weights", queues: []queue.Queue{q("research", priority(1)), q("product", guarantee(gpus(2)))},
			taker: wholeGang("research", 6), runs: several(8, pod("product", 1)), want: "FFFFFF--",
		},
		{
			name: "and the lower one takes nothing back", queues: []queue.Queue{q("research"), q("product", priority(1))},
			taker: pod("research", 1), runs: several(8, pod("product", 1)), want: "--------",
		},
		{
			name: "weight 0 takes nothing for fairness", queues: []queue.Queue{q("research", weight(0)), q("product")},
			taker: pod("research", 1), runs: several(2, pod("product", 1)), want: "--",
		},
		{
			name: "and gives what others want", queues: []queue.Queue{q("research"), q("product", weight(0))},
			taker: wholeGang("research", 6), runs: several(8, pod("product", 1)), want: "FFFFFF--",
		},
		{
			name: "nothing falls below its guarantee for fairness, not even through a whole gang", queues: []queue.Queue{q("research"), q("product", guarantee(gpus(5)))},
			taker: pod("research", 1), runs: []unit{wholeGang("product", 6), pod("product", 2)}, want: "-F",
		},
		{
			name: "what is less important goes first for fairness too", total: gpus(7), queues: two, taker: pod("research", 1), also: []unit{pod("research", 2)},
			runs: []unit{pod("product", 2).of(1), pod("product", 1), pod("product", 1), pod("product", 1)}, want: "-F--",
		},
		// What would let queues evict each other in turns.
		{
			name: "what is beyond the guarantee takes nothing within it inside its queue", queues: promised, taker: wholeGang("product", 6).of(1),
			runs: []unit{wholeGang("product", 2), pod("product", 1), pod("product", 1)}, want: "---",
		},
		{
			name: "but what is above it", queues: promised, taker: wholeGang("product", 6).of(1), runs: several(6, pod("product", 1)), want: "II----",
		},
		{
			name: "and within the guarantee it takes all that is less important", queues: promised, taker: wholeGang("product", 4).of(1),
			runs: several(6, pod("product", 1)), want: "IIIIII",
		},
	} {
		t.Run(s.name, func(t *testing.T) {
			if got := s.play(t); got != s.want {
				t.Errorf("took %s, want %s", got, s.want)
			}
		})
	}
}

func TestMinRuntimeIsThatOfTheVictimsQueue(t *testing.T) {
	w := cluster(t, gpus(8), q("research", guarantee(gpus(4)), minRuntime(time.Hour)), q("product", minRuntime(10*time.Minute)))
	w.uses("product", gpus(8))
	now := time.Unix(10_000, 0)
	c := w.Claim(queue.Taker{Leaf: w.leaf("research"), Ask: w.vector(gpus(1))}, now)
	for _, tc := range []struct {
		name    string
		started time.Time
		want    bool
	}{
		{"is being bound", time.Time{}, false},
		{"too young", now.Add(-10*time.Minute + time.Second), false},
		{"old enough", now.Add(-10 * time.Minute), true},
	} {
		v := &queue.Victim{Leaf: w.leaf("product"), Amounts: w.vector(gpus(1)), Started: tc.started}
		if _, got := c.Eligible(v); got != tc.want {
			t.Errorf("%s: eligible %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestWhatMustBeFreed(t *testing.T) {
	w := cluster(t, gpus(16), q("research", limit(gpus(8)), guarantee(gpus(4)), children(q("nlp", limit(gpus(6)), guarantee(gpus(4))), q("vision"))), q("product"))
	w.uses("nlp", gpus(3)).uses("vision", gpus(4))
	ask := w.vector(gpus(4))
	frees := func(c *queue.Claim, leaf string) []int64 {
		return c.Frees(&queue.Victim{Leaf: w.leaf(leaf), Amounts: w.vector(gpus(2))})
	}
	for _, tc := range []struct {
		name                       string
		guaranteed                 bool
		lacks, nlp, vision, others []int64
	}{
		{"limits", false, []int64{1, 3}, []int64{2, 2}, []int64{0, 2}, []int64{0, 0}},
		{"and guarantees", true, []int64{1, 3, 3, 7}, []int64{2, 2, 2, 2}, []int64{0, 2, 0, 2}, []int64{0, 0, 0, 0}},
	} {
		c := w.Claim(queue.Taker{Leaf: w.leaf("nlp"), Ask: ask, Guaranteed: tc.guaranteed}, time.Time{})
		if got := c.Lacks(); !slices.Equal(got, tc.lacks) {
			t.Errorf("%s: lacks %v, want %v", tc.name, got, tc.lacks)
		}
		for leaf, want := range map[string][]int64{"nlp": tc.nlp, "vision": tc.vision, "product": tc.others} {
			if got := frees(c, leaf); !slices.Equal(got, want) {
				t.Errorf("%s: a victim in %s frees %v, want %v", tc.name, leaf, got, want)
			}
		}
	}
}

func TestSharesBeforeAndAfter(t *testing.T) {
	p := &party{
		total: gpus(8), queues: []queue.Queue{q("research", weight(2), children(q("nlp"), q("vision"))), q("product")},
		units: []unit{pod("nlp", 2), pod("vision", 2), pod("product", 4), pod("product", 2)},
	}
	m := p.at(t, 0b1110)
	c := m.claim(0)
	if !c.Take(m.victim(3)) {
		t.Fatal("nothing is taken")
	}
	want := queue.Shares{Taker: "research", TakerBefore: 0.125, TakerAfter: 0.25, Giver: "product", GiverBefore: 0.75, GiverAfter: 0.5}
	if got := c.Shares(m.victim(3)); got != want {
		t.Errorf("the shares are %+v, want %+v", got, want)
	}
	c.Reset()
	want.GiverAfter = 0.75
	if got := c.Shares(m.victim(3)); got != want {
		t.Errorf("with nothing taken the shares are %+v, want %+v", got, want)
	}
}
