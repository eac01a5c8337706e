package placement

import (
	"fmt"
	"slices"
)

// toy is a small cluster in memory with what makes placement hard: several resources, nodes that a class must not use, and rules that
// depend on other nodes.
type toy struct {
	nodes   []toyNode
	classes []toyClass

	zones  []int    // of the nodes, as numbers
	usable [][]bool // whether a class may use a node of a zone
	counts [][]int  // members of a class on a node
	inZone [][]int  // members of a class in a zone
	placed []step   // in order
	allows step     // the last placement that Fits allowed, or noStep

	fits, rooms, resets, renewals int // numbers of calls
}

// renewCost is the cost of ranking one node of a toy.
const renewCost = 3

var noStep = step{-1, -1}

type toyNode struct {
	name, zone string
	free       []int // by resource
}

type toyClass struct {
	name      string
	members   int
	must      int // how many of these are required
	needs     []int
	forbidden []int  // nodes
	apart     bool   // at most one member per node
	avoids    []int  // no member of these classes may be on the same node, whichever is placed first
	skew      int    // how many more members one zone may have than another; 0 means any number
	with      string // "zone" or "node" of a member of the class partner; the first member may go anywhere if partner is its own class
	partner   int

	likes, liked int // how much it prefers the nodes of class liked; negative for other nodes
}

func (c toyClass) local() bool { return !c.apart && len(c.avoids) == 0 && c.skew == 0 && c.with == "" }

func newToy(nodes []toyNode, classes []toyClass) *toy {
	t := &toy{nodes: nodes, classes: classes, allows: noStep}
	numbers := map[string]int{}
	for _, node := range nodes {
		if _, known := numbers[node.zone]; !known {
			numbers[node.zone] = len(numbers)
		}
		t.zones = append(t.zones, numbers[node.zone])
	}
	for _, class := range classes {
		usable := make([]bool, len(numbers))
		for node, zone := range t.zones {
			usable[zone] = usable[zone] || !slices.Contains(class.forbidden, node)
		}
		t.usable = append(t.usable, usable)
		t.counts = append(t.counts, make([]int, len(nodes)))
		t.inZone = append(t.inZone, make([]int, len(numbers)))
	}
	return t
}

func (t *toy) gang(least int, strategy Strategy) Gang {
	g := Gang{Min: least, Strategy: strategy}
	for _, class := range t.classes {
		size := 0.0
		for r, need := range class.needs {
			largest := 1
			for _, node := range t.nodes {
				largest = max(largest, node.free[r])
			}
			size = max(size, float64(need)/float64(largest))
		}
		g.Classes = append(g.Classes, Class{Members: class.members, Must: class.must, Local: class.local(), Size: size})
	}
	for c, class := range t.classes {
		if class.likes != 0 {
			g.Classes[c].Renew = renewCost * len(t.nodes)
			g.Classes[c].Follows = class.liked != c
		}
	}
	return g
}

// Tiers ranks the nodes by how many members of the liked class they have.
func (t *toy) Tiers(class int) []uint16 {
	t.renewals++
	c := t.classes[class]
	tiers := make([]uint16, len(t.nodes))
	for node, count := range t.counts[c.liked] {
		tiers[node] = uint16(100 - c.likes*min(count, 20))
	}
	return tiers
}

func (t *toy) Nodes() int { return len(t.nodes) }

func (t *toy) Room(class, node int) int {
	t.rooms++
	room := 1 << 20
	for r, need := range t.classes[class].needs {
		if need == 0 {
			continue
		}
		free := t.nodes[node].free[r]
		for c := range t.classes {
			free -= t.counts[c][node] * t.classes[c].needs[r]
		}
		room = min(room, free/need)
	}
	return room
}

func (t *toy) Fits(class, node int) bool {
	t.fits++
	t.allows = noStep
	if t.Room(class, node) < 1 || slices.Contains(t.classes[class].forbidden, node) ||
		!t.company(class, node) || !t.even(class, node) || !t.together(class, node) {
		return false
	}
	t.allows = step{int32(class), int32(node)}
	return true
}

// company checks the rules apart and avoids.
func (t *toy) company(class, node int) bool {
	if t.classes[class].apart && t.counts[class][node] > 0 {
		return false
	}
	for other := range t.classes {
		apart := slices.Contains(t.classes[class].avoids, other) || slices.Contains(t.classes[other].avoids, class)
		if apart && t.counts[other][node] > 0 {
			return false
		}
	}
	return true
}

// even checks the rule skew. A zone counts if the class may use one of its nodes.
func (t *toy) even(class, node int) bool {
	skew := t.classes[class].skew
	if skew == 0 {
		return true
	}
	least := -1
	for zone, members := range t.inZone[class] {
		if t.usable[class][zone] && (least < 0 || members < least) {
			least = members
		}
	}
	return t.inZone[class][t.zones[node]]+1-least <= skew
}

// together checks the rule with.
func (t *toy) together(class, node int) bool {
	c := t.classes[class]
	anywhere := 0
	for other, count := range t.counts[c.partner] {
		near := other == node || c.with == "zone" && t.zones[other] == t.zones[node]
		if near && count > 0 {
			return true
		}
		anywhere += count
	}
	return c.with == "" || c.partner == class && anywhere == 0
}

func (t *toy) Place(class, node int) {
	if (t.allows != step{int32(class), int32(node)}) {
		panic(fmt.Sprintf("placing class %d on node %d without calling Fits first", class, node))
	}
	t.allows = noStep
	t.counts[class][node]++
	t.inZone[class][t.zones[node]]++
	t.placed = append(t.placed, step{int32(class), int32(node)})
}

func (t *toy) Reset() {
	t.resets++
	t.allows = noStep
	t.placed = t.placed[:0]
	for c := range t.counts {
		clear(t.counts[c])
		clear(t.inZone[c])
	}
}
