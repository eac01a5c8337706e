package preempt_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// flat is a planner for one class that answers fast, so that the benchmark measures the choice.
type flat struct {
	preempt.Problem
	free    [][]int64
	placed  []int64
	plans   int
	refuses int // how many plans with victims it refuses before the first that fits
}

func newFlat(p preempt.Problem) *flat {
	f := &flat{Problem: p, free: make([][]int64, len(p.Free)), placed: make([]int64, len(p.Free))}
	for n := range f.free {
		f.free[n] = make([]int64, len(p.Free[n]))
	}
	return f
}

func (f *flat) move(unit int, sign int64) {
	for i := range f.Units[unit].Pods {
		pod := &f.Units[unit].Pods[i]
		for r, amount := range pod.Requests {
			f.free[pod.Node][r] += sign * amount
		}
	}
}

func (f *flat) Plan(without []int, tiers []uint16) (map[int]int, bool) {
	f.plans++
	for n := range f.free {
		copy(f.free[n], f.Free[n])
	}
	for _, u := range without {
		f.move(u, 1)
	}
	if f.refuses > 0 && len(without) < len(f.Units) {
		f.refuses--
		return nil, false
	}
	order := make([]int, len(f.free))
	for n := range order {
		order[n] = n
		f.placed[n] = 0
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(tiers[a]) - int(tiers[b]) })
	left, uses := int64(f.Need), map[int]int{}
	for _, n := range order {
		if fit := f.fit(n, left); fit > 0 {
			f.placed[n] = fit
			uses[n] = int(fit)
			left -= fit
		}
	}
	return uses, left == 0
}

func (f *flat) fit(node int, most int64) int64 {
	for r, ask := range f.Classes[0].Ask {
		if ask > 0 {
			most = min(most, max(0, f.free[node][r])/ask)
		}
	}
	return most
}

func (f *flat) Back(unit int) bool {
	f.move(unit, -1)
	for i := range f.Units[unit].Pods {
		if node := f.Units[unit].Pods[i].Node; f.placed[node] > f.fit(node, math.MaxInt64) {
			f.move(unit, 1)
			return false
		}
	}
	return true
}

func (f *flat) Allows([]int) bool { return true }

// crowd is a full cluster with ten pods on each node, of gangs of this size of which some members are surplus.
func crowd(nodes, size, surplus, levels int) preempt.Problem {
	r := rand.New(rand.NewPCG(1, 2))
	p := preempt.Problem{
		Classes: []preempt.Class{{Members: 1000, Must: 1000, Ask: []int64{2000, 8, 1, 0}}},
		Need:    1000,
		Budgets: make([]int, 50),
	}
	var pods []preempt.VictimPod
	for n := range nodes {
		p.Free = append(p.Free, []int64{int64(r.IntN(1000)), int64(r.IntN(4)), 10, 1})
		for range 10 {
			pod := preempt.VictimPod{Node: n, Requests: []int64{int64(500 + r.IntN(1500)), int64(2 + r.IntN(6)), 1, 0}}
			if r.IntN(10) == 0 {
				pod.Budgets = []int{r.IntN(50)}
			}
			pods = append(pods, pod)
		}
	}
	r.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	for len(pods) > 0 {
		priority, started := int32(r.IntN(levels)), at(r.IntN(100_000))
		if size == 1 {
			p.Units = append(p.Units, preempt.Unit{Kind: preempt.Pod, Priority: priority, Started: started, Pods: pods[:1]})
			pods = pods[1:]
			continue
		}
		core := len(p.Units)
		p.Units = append(p.Units, preempt.Unit{Kind: preempt.Gang, Priority: priority, Started: started, Pods: pods[:size-surplus]})
		for i := size - surplus; i < size; i++ {
			p.Units = append(p.Units, preempt.Unit{Kind: preempt.Surplus, Core: core, Priority: priority, Started: started, Pods: pods[i : i+1]})
		}
		pods = pods[size:]
	}
	return p
}

// BenchmarkChoose chooses victims for a gang of 1,000 in a full cluster of 5,000 nodes with 50,000 pods.
func BenchmarkChoose(b *testing.B) {
	const nodes = 5000
	for _, bc := range []struct {
		name                  string
		size, surplus, levels int
		refuses               int
		lacks                 bool
	}{
		{"pods", 1, 0, 10, 0, false},
		{"pods of one priority", 1, 0, 1, 0, false},
		{"pods of 1000 priorities", 1, 0, 1000, 0, false},
		{"gangs of 10", 10, 0, 10, 0, false},
		{"gangs of 10 with surplus", 10, 4, 10, 0, false},
		{"gangs of 1000", 1000, 0, 10, 0, false},
		{"a limit", 1, 0, 10, 0, true},
		{"a limit, gangs of 10", 10, 4, 10, 0, true},
		{"counting does not do", 1, 0, 10, 20, false},
	} {
		b.Run(fmt.Sprintf("%s/%d", bc.name, nodes), func(b *testing.B) {
			p := crowd(nodes, bc.size, bc.surplus, bc.levels)
			if bc.lacks {
				p.Lacks = []int64{500}
				for i := range p.Units {
					p.Units[i].Frees = []int64{int64(len(p.Units[i].Pods) * (i % 2))}
				}
			}
			f := newFlat(p)
			var choice preempt.Choice
			b.ReportAllocs()
			for b.Loop() {
				f.refuses = bc.refuses
				found := false
				if choice, found = preempt.Choose(p, f); !found {
					b.Fatal("no victims")
				}
			}
			b.ReportMetric(float64(f.plans)/float64(b.N), "plans/op")
			b.ReportMetric(float64(choice.Rank.Pods), "pods")
			b.ReportMetric(float64(choice.Rank.Broken), "broken")
			b.ReportMetric(float64(choice.Rank.Highest), "highest")
		})
	}
}
