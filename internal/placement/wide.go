package placement

// hostTries is how many nodes that took a member before are tried after each placement before a new node is.
const hostTries = 2

// wide is the state of placing a class whose members depend on other nodes too.
//
// Each placement may change which nodes fit, and trying all of them each time would cost members × nodes calls. So each node
// is tried once, best first. A node that took a member goes to hosts, a node that rejected one to others. Then nodes from
// both queues are tried in turns, oldest first, until one fits. The class is done when all nodes have rejected it since the
// last placement.
//
// That costs about nodes + members calls in the usual cases:
//   - Anti-affinity by host: a new node fits at once.
//   - Topology spread: if k of Z zones may take the next member and nodes of all zones are mixed, finding a node takes Z/k
//     calls, about ln Z on average while zones alternate. That is why others is shuffled. A node of a small zone takes more
//     calls to find, but there are few to find; if these few have much capacity, they are among the hosts, and trying both
//     queues in turns finds them there.
//   - Affinity: the nodes elsewhere reject a member once.
//
// The worst case is members × nodes; the budget cuts it short.
type wide struct {
	hosts, others queue
	// refused[n] is how many members were placed when node n rejected one. Node n is tried again only once more are placed.
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

// advance places one more member, or several on one node, and reports whether it placed any.
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

// ask tries to place a member on the node, or as many as fit when packing, and reports whether it placed any. If the node rejects the
// member, it joins the given queue; if it has free capacity left, it joins hosts.
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

// queue is a ring buffer with space for all nodes. No node is in it twice.
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

// shuffle reorders the nodes so that neighbors, which are often in one zone, are far apart. It steps through the queue by the golden
// ratio, so any prefix of the result is spread about evenly.
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
