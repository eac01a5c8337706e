package placement

// hostTries is how many nodes that took a member before are asked after each placement, before a new node is.
const hostTries = 2

// wide is what is remembered while a class is filled whose members look beyond their node.
//
// Any placement may change what every node answers, and asking all of them after each would cost members × nodes calls.
// So every node is asked once, best first. A node that took a member waits in hosts, one that refused in others, and
// after that both are asked in turns, the one that waited longest first, until one says yes. It is over when all have
// said no since the last placement.
//
// That costs about nodes + members calls in the usual cases:
//   - Anti-affinity by host: a new node says yes at once.
//   - Topology spread: of Z zones that take turns, the k-th but last to get a member is k out of Z nodes, so a yes takes
//     about ln Z calls on average, if nodes of all zones are mixed: that is why others is shuffled. Where a zone is a small
//     part of the cluster it takes more calls to find a node of it, but it has as few nodes to be found. Where it is
//     small and roomy, its nodes are among the hosts, and asking in turns finds them there.
//   - Affinity: the nodes elsewhere say no once.
//
// The worst case is members × nodes, and the budget ends it.
type wide struct {
	hosts, others queue
	// refused[n] is how many members were placed when the node said no; asking it again is pointless until there are
	// more.
	refused  []int32
	shuffled bool
}

func (w *wide) begin(nodes int) {
	if w.refused == nil {
		w.refused = make([]int32, nodes)
		w.hosts.nodes, w.others.nodes = make([]int32, nodes), make([]int32, nodes)
	}
	for node := range w.refused {
		w.refused[node] = -1
	}
	w.hosts.clear()
	w.others.clear()
	w.shuffled = false
}

// fillWide places members of a class that is not local on the ranked nodes.
func (p *planner) fillWide(class int, strategy Strategy) {
	p.wide.begin(p.nodes)
	if p.start >= 0 {
		p.ask(class, p.start, &p.wide.others, strategy)
	}
	for p.left[class] > 0 && p.advance(class, strategy) {
		continue
	}
}

// advance places one more member, or several on one node, or says that no node takes one.
func (p *planner) advance(class int, strategy Strategy) bool {
	w := &p.wide
	first, second := &w.others, &w.hosts
	if strategy == Pack {
		first, second = second, first
		for range min(hostTries, w.hosts.length) {
			if p.ask(class, w.hosts.pop(), &w.hosts, strategy) {
				return true
			}
		}
	}
	for len(p.ranked) > 0 && !p.tired() {
		if p.ask(class, p.ranked.pop(), &w.others, strategy) {
			return true
		}
	}
	if !w.shuffled {
		w.others.shuffle()
		w.shuffled = true
	}
	a, b := first.length, second.length
	for i := range max(a, b) {
		switch {
		case p.spent():
			return false
		case i < a && p.ask(class, first.pop(), first, strategy):
			return true
		case i < b && p.ask(class, second.pop(), second, strategy):
			return true
		}
	}
	return false
}

// ask tries to place a member on the node, when packing as many as fit, and says whether it did. The node then waits in
// hosts, or in the queue for which it is asked if it refused.
func (p *planner) ask(class, node int, queue *queue, strategy Strategy) bool {
	w := &p.wide
	if w.refused[node] == int32(len(p.steps)) {
		queue.push(node)
		return false
	}
	if !p.try(class, node) {
		w.refused[node] = int32(len(p.steps))
		queue.push(node)
		return false
	}
	if strategy == Pack {
		p.stuff(class, node)
		if p.misses > 0 {
			w.refused[node] = int32(len(p.steps))
		}
	}
	if p.cluster.Room(class, node) > 0 {
		w.hosts.push(node)
	}
	return true
}

// queue is a ring of nodes, as long as there are nodes: none is in it twice.
type queue struct {
	nodes         []int32
	first, length int
}

func (q *queue) clear() { q.first, q.length = 0, 0 }

func (q *queue) push(node int) {
	q.nodes[(q.first+q.length)%len(q.nodes)] = int32(node)
	q.length++
}

func (q *queue) pop() int {
	node := q.nodes[q.first]
	q.first = (q.first + 1) % len(q.nodes)
	q.length--
	return int(node)
}

// shuffle mixes the nodes so that neighbours, which are often in one zone, are far apart: it takes the next one a golden
// section of the queue further on, which spreads any number of first ones about evenly.
func (q *queue) shuffle() {
	stride := max(1, q.length*618/1000)
	for gcd(stride, q.length) > 1 {
		stride++
	}
	mixed := make([]int32, len(q.nodes))
	for i := range q.length {
		mixed[i] = q.nodes[(q.first+i*stride%q.length)%len(q.nodes)]
	}
	q.nodes, q.first = mixed, 0
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
