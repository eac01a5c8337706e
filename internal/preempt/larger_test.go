package preempt_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// fewestPods returns the fewest pods that have to go: with one resource, and pods without a gang and of equal priority, the largest pods of a
// node go first, and what remains is how many on which node.
func fewestPods(p preempt.Problem) int {
	ask := p.Classes[0].Ask[0]
	best := make([]int, p.Need+1) // by members: the fewest pods on the nodes so far
	for members := range best {
		best[members] = math.MaxInt / 2
	}
	best[0] = 0
	for n, free := range p.Free {
		var sizes []int64
		for _, u := range p.Units {
			if u.Pods[0].Node == n {
				sizes = append(sizes, u.Pods[0].Requests[0])
			}
		}
		slices.SortFunc(sizes, func(a, b int64) int { return int(b - a) })
		next := slices.Clone(best)
		left := free[0]
		for pods := range len(sizes) + 1 {
			if pods > 0 {
				left += sizes[pods-1]
			}
			for members := range best {
				from := max(0, members-int(max(0, left)/ask))
				next[members] = min(next[members], best[from]+pods)
			}
		}
		best = next
	}
	return best[p.Need]
}

// TestHowCloseToTheBestInLargerClusters compares with the exact answer where there is one.
func TestHowCloseToTheBestInLargerClusters(t *testing.T) {
	cases := 300
	if testing.Short() {
		cases = 30
	}
	r := rand.New(rand.NewPCG(1, 2))
	pods, fewest, exact, found, plans := 0, 0, 0, 0, 0
	for range cases {
		nodes := 10 + r.IntN(90)
		p := preempt.Problem{Need: 1 + r.IntN(2*nodes)}
		p.Classes = []preempt.Class{{Members: p.Need, Must: p.Need, Ask: []int64{int64(4 + r.IntN(12))}}}
		for n := range nodes {
			p.Free = append(p.Free, []int64{int64(r.IntN(10))})
			for range r.IntN(9) {
				p.Units = append(p.Units, unit(pod, 0, r.IntN(1000), on(n, int64(1+r.IntN(8)))))
			}
		}
		f := newFlat(p)
		choice, ok := preempt.Choose(p, f)
		want := fewestPods(p)
		if ok != (want < math.MaxInt/2) {
			t.Fatalf("found: %t, the fewest pods are %d", ok, want)
		}
		plans += f.plans
		if ok {
			found++
			pods += choice.Rank.Pods
			fewest += want
			if choice.Rank.Pods == want {
				exact++
			}
		}
	}
	more := 100 * float64(pods-fewest) / float64(fewest)
	t.Logf("%d clusters, %d with victims; pods more than the fewest: %.2f%%; exact: %d; plans: %.1f in the mean",
		cases, found, more, exact, float64(plans)/float64(cases))
	if more > 2 {
		t.Error("too far from the best")
	}
}
