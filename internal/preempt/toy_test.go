package preempt_test

import (
	"math"
	"slices"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// toy is a small cluster with an exact planner: it finds a plan whenever there is one. It plans as many members as have to be placed.
type toy struct {
	preempt.Problem
	allows func(victims []int) bool
	// racks says that all members have to be on even nodes, or all on odd ones. Only the planner knows.
	racks bool

	gone  map[int]bool
	free  [][]int64 // without those that are gone, and with the members
	on    [][]int   // members by node and class
	plans int
	asked int
}

func (c *toy) Plan(without []int, tiers []uint16) (map[int]int, bool) {
	c.plans++
	c.gone = map[int]bool{}
	c.free = make([][]int64, len(c.Free))
	c.on = make([][]int, len(c.Free))
	order := make([]int, len(c.Free))
	for n, free := range c.Free {
		c.free[n] = slices.Clone(free)
		c.on[n] = make([]int, len(c.Classes))
		order[n] = n
	}
	for _, u := range without {
		c.gone[u] = true
		c.move(u, 1)
	}
	if tiers != nil {
		slices.SortStableFunc(order, func(a, b int) int { return int(tiers[a]) - int(tiers[b]) })
	}
	fits := false
	if c.racks {
		for rack := range 2 {
			some := slices.DeleteFunc(slices.Clone(order), func(n int) bool { return n%2 != rack })
			fits = fits || c.place(some, c.targets())
		}
	} else {
		fits = c.place(order, c.targets())
	}
	uses := map[int]int{}
	for n, counts := range c.on {
		for _, count := range counts {
			if count > 0 {
				uses[n] += count
			}
		}
	}
	return uses, fits
}

// move adds what a unit requests to what is free, or takes it away.
func (c *toy) move(unit int, sign int64) {
	for _, pod := range c.Units[unit].Pods {
		if pod.Node < 0 {
			continue
		}
		for r, amount := range pod.Requests {
			c.free[pod.Node][r] += sign * amount
		}
	}
}

// targets returns how many members of each class a plan may have.
func (c *toy) targets() [][]int {
	targets := [][]int{nil}
	total := 0
	for _, class := range c.Classes {
		total += class.Must
		var longer [][]int
		for _, t := range targets {
			for n := class.Must; n <= class.Members; n++ {
				longer = append(longer, append(slices.Clone(t), n))
			}
		}
		targets = longer
	}
	return slices.DeleteFunc(targets, func(t []int) bool {
		sum := 0
		for _, n := range t {
			sum += n
		}
		return sum != max(total, c.Need)
	})
}

func (c *toy) place(nodes []int, targets [][]int) bool {
	for _, target := range targets {
		if c.fill(nodes, 0, slices.Clone(target)) {
			return true
		}
	}
	return false
}

// fill tries all ways to place the members on the nodes, from the class on, with as many as possible on the first.
func (c *toy) fill(nodes []int, class int, left []int) bool {
	if !slices.ContainsFunc(left, func(n int) bool { return n > 0 }) {
		return true
	}
	if len(nodes) == 0 {
		return false
	}
	if class == len(left) {
		return c.fill(nodes[1:], 0, left)
	}
	n, most := nodes[0], 0
	for most < left[class] && c.member(n, class, -1) {
		most++
	}
	for ; ; most-- {
		left[class] -= most
		if c.fill(nodes, class+1, left) {
			return true
		}
		left[class] += most
		if most == 0 {
			return false
		}
		c.member(n, class, 1)
	}
}

// member places a member on a node if it fits, or takes it away.
func (c *toy) member(node, class int, sign int64) bool {
	if c.Usable != nil && !c.Usable(class, node) {
		return false
	}
	for r, ask := range c.Classes[class].Ask {
		if sign < 0 && ask > 0 && c.free[node][r] < ask {
			return false
		}
	}
	for r, ask := range c.Classes[class].Ask {
		c.free[node][r] += sign * ask
	}
	c.on[node][class] -= int(sign)
	return true
}

func (c *toy) Back(unit int) bool {
	if !c.gone[unit] {
		panic("a unit comes back that was not gone")
	}
	c.move(unit, -1)
	for _, pod := range c.Units[unit].Pods {
		if pod.Node < 0 {
			continue
		}
		for class, members := range c.on[pod.Node] {
			for r, ask := range c.Classes[class].Ask {
				if members > 0 && ask > 0 && c.free[pod.Node][r] < 0 {
					c.move(unit, 1)
					return false
				}
			}
		}
	}
	delete(c.gone, unit)
	return true
}

func (c *toy) Allows(victims []int) bool {
	c.asked++
	return c.allows == nil || c.allows(victims)
}

// does reports whether these victims are a choice: whole gangs go, bounds get what they lack, the rules allow it, and the gang then fits.
func (c *toy) does(victims []int) bool {
	lacks := slices.Clone(c.Lacks)
	for i, u := range c.Units {
		in := slices.Contains(victims, i)
		if u.Kind == preempt.Surplus && u.Core >= 0 && !in && slices.Contains(victims, u.Core) {
			return false
		}
		for b := range lacks {
			if in {
				lacks[b] -= u.Frees[b]
			}
		}
	}
	if slices.ContainsFunc(lacks, func(n int64) bool { return n > 0 }) || c.allows != nil && !c.allows(victims) {
		return false
	}
	copied := &toy{Problem: c.Problem, racks: c.racks}
	_, fits := copied.Plan(victims, nil)
	return fits
}

// rank is a second way to find the rank of victims.
func (c *toy) rank(victims []int) preempt.Rank {
	r := preempt.Rank{Highest: math.MinInt32}
	drawn := make([]int, len(c.Budgets))
	var started []time.Time
	for _, v := range victims {
		u := c.Units[v]
		r.Highest = max(r.Highest, u.Priority)
		r.Pods += len(u.Pods)
		if u.Kind == preempt.Gang {
			r.Gangs++
		}
		started = append(started, u.Started)
		for _, pod := range u.Pods {
			for _, b := range pod.Budgets {
				drawn[b]++
			}
		}
	}
	for b, n := range drawn {
		r.Broken += max(0, n-c.Budgets[b])
	}
	if len(started) > 0 {
		r.Started = slices.MinFunc(started, time.Time.Compare)
	}
	return r
}

// bruteForce returns the cheapest choice of all.
func (c *toy) bruteForce() (best preempt.Choice, found bool) {
	for set := range 1 << len(c.Units) {
		var victims []int
		for i := range c.Units {
			if set>>i&1 == 1 {
				victims = append(victims, i)
			}
		}
		rank := c.rank(victims)
		if found && rank.Compare(best.Rank) >= 0 || !c.does(victims) {
			continue
		}
		best, found = preempt.Choice{Victims: victims, Rank: rank}, true
	}
	return best, found
}

// dice draws a number from 0 to n-1.
type dice func(n int) int

// drawToy draws a cluster of up to 4 nodes with up to 8 units, and a gang of 1 or 2 classes that mostly does not fit as it is.
func drawToy(d dice, classes int) *toy {
	c := &toy{}
	nodes, resources := 1+d(4), 1+d(2)
	amounts := func(low, n int) []int64 {
		list := make([]int64, resources)
		for r := range list {
			list[r] = int64(low + d(n))
		}
		return list
	}
	for range nodes {
		c.Free = append(c.Free, amounts(-1, 4))
	}
	for range d(3) {
		c.Budgets = append(c.Budgets, d(3))
	}
	bounds := max(0, d(4)-2)
	for range bounds {
		c.Lacks = append(c.Lacks, int64(d(8)-3))
	}
	unit := func(kind preempt.Kind, core, pods int) {
		u := preempt.Unit{Kind: kind, Core: core, Priority: int32(d(3)), Started: at(100*d(10) + len(c.Units))}
		if kind == preempt.Surplus && core >= 0 {
			u.Priority = c.Units[core].Priority
		}
		for range pods {
			pod := preempt.VictimPod{Node: d(nodes), Requests: amounts(0, 5)}
			for b := range c.Budgets {
				if d(3) == 0 {
					pod.Budgets = append(pod.Budgets, b)
				}
			}
			u.Pods = append(u.Pods, pod)
		}
		for range bounds {
			u.Frees = append(u.Frees, int64(d(4)))
		}
		c.Units = append(c.Units, u)
	}
	for want := d(9); len(c.Units) < want; {
		switch d(5) {
		case 0, 1:
			unit(preempt.Pod, 0, 1)
		case 2:
			unit(preempt.Surplus, -1, 1)
		default:
			unit(preempt.Gang, 0, 1+d(4))
			core := len(c.Units) - 1
			for range min(d(3), want-len(c.Units)) {
				unit(preempt.Surplus, core, 1)
			}
		}
	}
	most := 0
	for range 1 + d(classes) {
		members := 1 + d(3)
		class := preempt.Class{Members: members, Must: d(members + 1), Ask: amounts(0, 5)}
		class.Ask[0] = max(1, class.Ask[0])
		most += members
		c.Classes = append(c.Classes, class)
	}
	c.Need = 1 + d(most)
	unusable := d(32)
	c.Usable = func(class, node int) bool { return unusable>>(2*node+class)&1 == 0 || node > 1 }
	return c
}

func at(second int) time.Time { return time.Unix(int64(second), 0) }
