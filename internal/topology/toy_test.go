package topology

import (
	"fmt"
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// toy is a cluster in memory, with one resource or several.
type toy struct {
	free      [][]int // by node and resource, without members
	needs     [][]int // by class and resource
	forbidden [][]int // nodes by class that Fits rejects although they have free capacity
	apart     []bool  // by class: at most one member on a node
	ports     []int   // by node: Fits rejects more members than that; nil means no limit

	used    [][]int
	on      [][]int // members by class and node
	steps   []step
	allowed step
	fits    int
}

func newToy(free [][]int, needs [][]int) *toy {
	t := &toy{free: free, needs: needs, forbidden: make([][]int, len(needs)), apart: make([]bool, len(needs))}
	t.Reset()
	return t
}

// one is a cluster with one class that needs one of the one resource.
func one(free ...int) *toy {
	nodes := make([][]int, len(free))
	for n, f := range free {
		nodes[n] = []int{f}
	}
	return newToy(nodes, [][]int{{1}})
}

func (t *toy) Nodes() int { return len(t.free) }

func (t *toy) Room(class, node int) int {
	room := 1 << 40 // more than MaxInt32: no resource is a bound
	for r, need := range t.needs[class] {
		if need > 0 {
			room = min(room, (t.free[node][r]-t.used[node][r])/need)
		}
	}
	return room
}

func (t *toy) Fits(class, node int) bool {
	t.fits++
	t.allowed = step{-1, -1}
	if t.Room(class, node) < 1 || slices.Contains(t.forbidden[class], node) || t.apart[class] && t.on[class][node] > 0 ||
		len(t.ports) > 0 && t.on[class][node] >= t.ports[node] {
		return false
	}
	t.allowed = step{int32(class), int32(node)}
	return true
}

func (t *toy) Place(class, node int) {
	if t.allowed != (step{int32(class), int32(node)}) {
		panic(fmt.Sprintf("Place(%d, %d) without Fits", class, node))
	}
	t.allowed = step{-1, -1}
	for r, need := range t.needs[class] {
		t.used[node][r] += need
	}
	t.on[class][node]++
	t.steps = append(t.steps, step{int32(class), int32(node)})
}

func (t *toy) Tiers(int) []uint16 { return make([]uint16, len(t.free)) }

func (t *toy) Reset() {
	t.used = make([][]int, len(t.free))
	for n := range t.used {
		t.used[n] = make([]int, len(t.free[n]))
	}
	t.on = make([][]int, len(t.needs))
	for c := range t.on {
		t.on[c] = make([]int, len(t.free))
	}
	t.steps = nil
	t.allowed = step{-1, -1}
}

// level makes a level of the names of the nodes' domains; "" is none.
func level(key string, names ...string) *Level {
	l := &Level{Key: key}
	for _, name := range names {
		d := slices.Index(l.Names, name)
		if d < 0 && name != "" {
			d = len(l.Names)
			l.Names = append(l.Names, name)
		}
		l.Of = append(l.Of, int32(d))
	}
	return l
}

// equal is a gang of one local class of which all members, or at least so many, are needed.
func equal(members, least int) placement.Gang {
	return placement.Gang{Classes: []placement.Class{{Members: members, Local: true}}, Min: least}
}

// spots counts the members in each domain, by name.
func spots(l *Level, plan placement.Plan) map[string]int {
	counts := map[string]int{}
	for _, nodes := range plan.Nodes {
		for _, n := range nodes {
			name := ""
			if d := l.Of[n]; d >= 0 {
				name = l.Names[d]
			}
			counts[name]++
		}
	}
	return counts
}
