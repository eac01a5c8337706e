package placement

// hostTries is how many nodes that took a member before are asked after each placement, before a new node is.
const hostTries = 2

// wide is the state of filling a class with members that depend on other nodes too.
//
// Any placement may change what every node answers, and asking all of them after each would cost members × nodes calls.
// So every node is asked once, best first. A node that took a member goes to hosts, one that rejected it to others.
// Then both queues are asked in turns, oldest node first, until one fits. The class is done when all nodes have
// rejected it since the last placement.
//
// That costs about nodes + members calls in the usual cases:
//   - Anti-affinity by host: a new node says yes at once.
//   - Topology spread: if k of Z zones may take the next member and nodes of all zones are mixed, a yes takes Z/k calls,
//     which is about ln Z on average while zones take turns. That is why others is shuffled. A zone with few nodes takes
//     more calls to find one, but has as few to be found; if these few are roomy, they are among the hosts, and asking
//     both in turns finds them there.
//   - Affinity: the nodes elsewhere say no once.
//
// The worst case is members × nodes, which the budget cuts short.
type wide struct {
	hosts, others queue
	// refused[n] is how many members were placed when the node rejected one; asking it again is pointless until there are
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
	for p.wanted(class) && p.advance(class, strategy) {
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
	waiting, too := first.length, second.length
	for i := range max(waiting, too) {
		switch {
		case p.spent():
			return false
		case i < waiting && p.ask(class, first.pop(), first, strategy):
			return true
		case i < too && p.ask(class, second.pop(), second, strategy):
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
