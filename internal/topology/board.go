package topology

import (
	"math"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// step is the placement of one member.
type step struct{ class, node int32 }

// board is the cluster as one call of placement.Find sees it: some of its nodes and classes, with the members placed by earlier calls,
// which Reset keeps.
type board struct {
	cluster placement.Cluster
	rooms   [][]int32 // the free capacity for each class on each node, with no members placed
	local   []bool    // by class
	cost    []int     // by class

	steps  []step  // what the cluster holds, in the order of placement
	placed []int   // of these, how many are of each class
	hosted []int32 // and how many are on each node
	broken bool    // a member that was placed did not fit when it was placed again
	fits   int     // calls of Fits, at their cost

	// What the current call of placement.Find sees.
	region
	classes []int
	kept    int   // steps of earlier calls
	left    []int // of each quota
}

// region is the nodes that one call of placement.Find may use, and how many members it may place on which of them.
type region struct {
	nodes []int32 // nil: all
	// quotas are how many members may be placed on the nodes of each group; group is the group of each node, nil if all are in group 0.
	quotas []int
	group  []int32
}

// of returns the group of the node.
func (r *region) of(node int) int32 {
	if r.group == nil {
		return 0
	}
	return r.group[node]
}

var _ placement.Cluster = &board{}

// newBoard counts the free capacity of all nodes.
func newBoard(cluster placement.Cluster, gang placement.Gang) *board {
	nodes := cluster.Nodes()
	b := &board{
		cluster: cluster,
		rooms:   make([][]int32, len(gang.Classes)),
		local:   make([]bool, len(gang.Classes)),
		cost:    make([]int, len(gang.Classes)),
		placed:  make([]int, len(gang.Classes)),
		hosted:  make([]int32, nodes),
	}
	for c, class := range gang.Classes {
		b.local[c], b.cost[c] = class.Local, max(1, class.Cost)
		rooms := make([]int32, nodes)
		for n := range rooms {
			rooms[n] = int32(max(0, min(cluster.Room(c, n), math.MaxInt32)))
		}
		b.rooms[c] = rooms
	}
	return b
}

// room is the free capacity for the class on a node of the cluster now.
func (b *board) room(class int, node int32) int {
	if b.hosted[node] == 0 && b.local[class] {
		return int(b.rooms[class][node]) // nothing has changed there
	}
	return b.cluster.Room(class, int(node))
}

// see makes the board show these nodes and classes.
func (b *board) see(r region, classes []int) {
	b.region, b.classes, b.kept = r, classes, len(b.steps)
	b.left = append(b.left[:0], r.quotas...)
}

func (b *board) node(node int) int32 {
	if b.nodes == nil {
		return int32(node)
	}
	return b.nodes[node]
}

// Nodes returns the number of nodes.
func (b *board) Nodes() int {
	if b.nodes == nil {
		return len(b.hosted)
	}
	return len(b.nodes)
}

// Room returns an upper bound on how many more members of the class the node can take.
func (b *board) Room(class, node int) int {
	if b.left[b.of(node)] == 0 {
		return 0
	}
	return b.room(b.classes[class], b.node(node)) // not limited by the quota, because the free capacity decides which node is best
}

// Fits reports whether one more member of the class can be placed on the node.
func (b *board) Fits(class, node int) bool {
	if b.left[b.of(node)] == 0 {
		return false
	}
	c := b.classes[class]
	b.fits += b.cost[c]
	return b.cluster.Fits(c, int(b.node(node)))
}

// Place puts a member of the class on the node.
func (b *board) Place(class, node int) {
	b.place(b.classes[class], b.node(node))
	b.left[b.of(node)]--
}

func (b *board) place(class int, node int32) {
	b.cluster.Place(class, int(node))
	b.steps = append(b.steps, step{int32(class), node})
	b.placed[class]++
	b.hosted[node]++
}

// Tiers returns the tier of each node for the class.
func (b *board) Tiers(class int) []uint16 { return b.some(b.cluster.Tiers(b.classes[class])) }

// some returns the tiers of the nodes that the board shows.
func (b *board) some(tiers []uint16) []uint16 {
	if tiers == nil || b.nodes == nil {
		return tiers
	}
	some := make([]uint16, len(b.nodes))
	for i, node := range b.nodes {
		some[i] = tiers[node]
	}
	return some
}

// Reset removes the members placed by the current call.
func (b *board) Reset() {
	b.undo(b.kept)
	b.kept = len(b.steps)
	copy(b.left, b.quotas)
}

// undo keeps only the first so many steps.
func (b *board) undo(kept int) {
	if len(b.steps) == kept {
		return
	}
	b.replay(b.steps[:kept:kept])
}

// replay makes the cluster hold exactly these steps.
func (b *board) replay(steps []step) {
	b.cluster.Reset()
	clear(b.placed)
	for _, s := range b.steps {
		b.hosted[s.node] = 0
	}
	b.steps = make([]step, 0, max(len(steps), cap(b.steps)))
	for _, s := range steps {
		b.fits += b.cost[s.class]
		if !b.cluster.Fits(int(s.class), int(s.node)) {
			b.broken = true // a cluster that answers the same question in two ways
			continue
		}
		b.place(int(s.class), s.node)
	}
}
