package placement

// ranking is a heap of nodes, best first. The high bits of a key are what nodes are compared by, starting with the class's tier; the low
// bits are the node's number, which breaks ties. Building the heap takes linear time. Only the nodes that are needed are sorted, which are
// few on a large cluster.
type ranking []uint64

const (
	nodeBits = 32
	// packBits are for the free capacity when packing; spreadBits are for the number of members, and for the free capacity, when spreading.
	packBits, spreadBits = 20, 10
)

// firstKey puts a node before all others.
func firstKey(node int) uint64 { return uint64(node) }

// packKey puts nodes with less free capacity first, counted in members that fit, of which there is at least one. Beyond a million, nodes
// are equal.
func packKey(tier uint16, room, node int) uint64 {
	return tierKey(tier) | uint64(min(room, 1<<packBits-1))<<nodeBits | uint64(node)
}

// spreadKey puts nodes with fewer members of the gang first, then those with more free capacity. Beyond 1,023 they are equal.
func spreadKey(tier uint16, hosted int32, room, node int) uint64 {
	const most = 1<<spreadBits - 1
	return tierKey(tier) | uint64(min(hosted, most))<<(nodeBits+spreadBits) | uint64(most-min(room, most))<<nodeBits | uint64(node)
}

func tierKey(tier uint16) uint64 { return uint64(min(tier, MaxTier)) << (nodeBits + packBits) }

// top returns the best node.
func (r ranking) top() int { return int(uint32(r[0])) }

// pop removes the best node.
func (r *ranking) pop() int {
	node := r.top()
	last := len(*r) - 1
	(*r)[0] = (*r)[last]
	*r = (*r)[:last]
	r.sink(0)
	return node
}

// replaceTop gives the best node another key.
func (r ranking) replaceTop(key uint64) {
	r[0] = key
	r.sink(0)
}

// order makes a heap of keys in any order.
func (r ranking) order() {
	for i := len(r)/2 - 1; i >= 0; i-- {
		r.sink(i)
	}
}

func (r ranking) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(r); child++ {
			if r[child] < r[least] {
				least = child
			}
		}
		if least == i {
			return
		}
		r[i], r[least] = r[least], r[i]
		i = least
	}
}
