package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// cluster is what a history is checked against.
type cluster struct {
	nodes  map[string]poolNode
	queues map[string]queueRules
}

// poolNode is a node of a pool.
type poolNode struct {
	pool string
	has  demand
}

// queueRules are the rules of a queue.
type queueRules struct {
	// above is the queue above, empty if there is none.
	above  string
	strict bool
	// limit is what the queue may use, nil if it has no limit.
	limit *demand
}

const (
	// notices is how long the scheduler may take to notice that a gang is complete.
	notices = time.Second
	// interleaves is within which time gangs that start one after another may have their pods bound in another order.
	interleaves = 300 * time.Millisecond
)

// path returns a queue and those above it.
func (c cluster) path(queue string) []string {
	var path []string
	for ; queue != ""; queue = c.queues[queue].above {
		path = append(path, queue)
	}
	return path
}

// beyond returns the first queue, of that of the job and those above it, that is above its limit with so much more, or an empty text.
func (c cluster) beyond(m *moment, j *jobState, more demand) string {
	for _, queue := range c.path(j.queue) {
		limit := c.queues[queue].limit
		if limit == nil {
			continue
		}
		used := m.uses(func(o *jobState) bool { return slices.Contains(c.path(o.queue), queue) }).plus(more, 1)
		if !used.within(*limit) {
			return fmt.Sprintf("queue %s uses %s of %s", queue, used, *limit)
		}
	}
	return ""
}

// holdUp returns the jobs that wait and hold up another one, since they are before it in a Strict queue and could use the same nodes.
func (c cluster) holdUp(m *moment, j *jobState) []*jobState {
	var all []*jobState
	if !c.queues[j.queue].strict {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.jobs)) {
		if o := m.jobs[name]; o != j && o.queue == j.queue && o.waits() && o.before(j) && o.meets(&j.jobPlan) {
			all = append(all, o)
		}
	}
	return all
}

// idleBeside returns what waits though it fits and may start, and what runs in part: nothing, once the scheduler has noticed what
// happened. Jobs for which capacity is set aside may keep others from what they need themselves, wherever that is; beside is how many jobs
// wait only for that.
func (c cluster) idleBeside(m *moment, aside map[string]bool) (wrong string, beside int) {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m.jobs)) {
		j := m.jobs[name]
		switch {
		case j.deleted == 0 && j.bound > 0 && j.bound < j.members:
			all = append(all, fmt.Sprintf("%s runs with %d of %d", j.name, j.bound, j.members))
		case !j.waits() || c.beyond(m, j, demand{}.plus(j.asks, j.members)) != "" || len(c.holdUp(m, j)) > 0:
		case c.room(m, j, nil) < j.members:
		case c.room(m, j, aside) < j.members:
			beside++
		default:
			all = append(all, fmt.Sprintf("%s of queue %s fits and waits", j.name, j.queue))
		}
	}
	return strings.Join(append(all, twice(m, aside)...), ", "), beside
}

// twice returns for which jobs capacity is set aside though it is for another one that could use the same nodes.
func twice(m *moment, aside map[string]bool) []string {
	var wrong []string
	for _, a := range slices.Sorted(maps.Keys(aside)) {
		for _, b := range slices.Sorted(maps.Keys(aside)) {
			j, o := m.jobs[a], m.jobs[b]
			if a < b && j != nil && o != nil && j.waits() && o.waits() && j.meets(&o.jobPlan) {
				wrong = append(wrong, fmt.Sprintf("capacity is set aside for %s and for %s", a, b))
			}
		}
	}
	return wrong
}

// room returns for how many members of a job there is room, in the worst case of where capacity is set aside for others. What has a
// higher priority than one of these in the same queue may use that.
func (c cluster) room(m *moment, j *jobState, aside map[string]bool) int {
	free := map[string]demand{}
	for name, node := range c.nodes {
		if j.pool == "" || j.pool == node.pool {
			free[name] = node.has.plus(m.used[name], -1)
		}
	}
	room := 0
	for _, name := range slices.Sorted(maps.Keys(aside)) {
		o := m.jobs[name]
		if o == nil || o == j || !o.waits() || o.queue == j.queue && j.priority > o.priority {
			continue
		}
		var could []demand
		for node := range free {
			if o.pool == "" || o.pool == c.nodes[node].pool {
				could = append(could, free[node])
				delete(free, node)
			}
		}
		room += fewest(could, o.asks, o.members, j.asks)
	}
	return room + fewest(slices.Collect(maps.Values(free)), demand{}, 0, j.asks)
}

// fewest returns for how many members that ask for so much there is room on nodes at least, wherever others have up to so many slots.
func fewest(free []demand, slot demand, slots int, ask demand) int {
	if len(free) == 0 {
		return 0
	}
	least := -1
	for here := range slots + 1 {
		room := times(free[0].plus(slot, -here), ask) + fewest(free[1:], slot, slots-here, ask)
		if least < 0 || room < least {
			least = room
		}
		if times(free[0].plus(slot, -here), ask) == 0 {
			break // more slots here take no more
		}
	}
	return least
}

// times returns how many times there is room for what is asked for.
func times(free, ask demand) int {
	most := max(0, free.cpus/ask.cpus)
	if ask.memory > 0 {
		most = min(most, max(0, free.memory/ask.memory))
	}
	return most
}

// check returns what is wrong in a history: a job of a Strict queue that started before one that waited before it, and a queue or a node
// that has more than it may.
func (c cluster) check(plans map[string]jobPlan, all []occurrence) []string {
	starts := map[string]time.Time{}
	for _, o := range all {
		if _, began := starts[o.job]; o.what == wasBound && !began {
			starts[o.job] = o.at
		}
	}
	var wrong []string
	m := newMoment()
	for i, o := range all {
		m.follow(plans, o)
		if o.what != wasBound {
			continue
		}
		j := m.jobs[o.job]
		if beyond := c.beyond(m, j, demand{}); beyond != "" {
			wrong = append(wrong, fmt.Sprintf("%d: with %s, %s", i, o.pod, beyond))
		}
		switch node := c.nodes[o.node]; {
		case !m.used[o.node].within(node.has):
			wrong = append(wrong, fmt.Sprintf("%d: with %s, node %s has %s in use, of %s", i, o.pod, o.node, m.used[o.node], node.has))
		case j.pool != "" && j.pool != node.pool:
			wrong = append(wrong, fmt.Sprintf("%d: %s needs pool %s, and is on node %s", i, o.pod, j.pool, o.node))
		}
		for _, before := range c.overtakes(m, j, o.at) {
			if began, begins := starts[before.name]; !begins || began.Sub(o.at) > interleaves {
				wrong = append(wrong, fmt.Sprintf("%d: %s overtakes %s, which waits since %s", i, o.pod, before.name, o.at.Sub(before.complete)))
			}
		}
	}
	return wrong
}

// overtakes returns the jobs of its Strict queue that wait before a job and could use the same nodes, and that the scheduler knows.
func (c cluster) overtakes(m *moment, j *jobState, now time.Time) []*jobState {
	return slices.DeleteFunc(c.holdUp(m, j), func(o *jobState) bool { return now.Sub(o.complete) < notices })
}
