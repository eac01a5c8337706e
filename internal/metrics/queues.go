package metrics

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

const (
	// maxQueues is how many queues have series.
	maxQueues = 1000
	// maxResources is for how many resources they have them.
	maxResources = 16
)

// queueSeries makes the series of queues.
type queueSeries struct {
	emit emitter
	// shown are the resources that have series, by their numbers.
	shown map[int]string
	// aside is the number of members, and of pods without a gang, for which capacity is set aside, by queue.
	aside map[string]int
	now   time.Time
}

// emitQueues makes the series of queues. aside is what setAside returns.
func emitQueues(emit emitter, queues []queue.Status, resources []queue.Resource, aside map[string]int, now time.Time) {
	shown, hidden := shownResources(queues, resources)
	emit(resourcesHidden, float64(hidden))
	emit(queuesHidden, float64(max(0, len(queues)-maxQueues)))
	s := queueSeries{emit: emit, shown: shown, aside: aside, now: now}
	for i, name := range shown {
		emit(queuesCapacity, inBaseUnit(name, resources[i].Total), name)
	}
	for i := range min(len(queues), maxQueues) {
		s.emitQueue(&queues[i])
	}
}

func (s *queueSeries) emitQueue(q *queue.Status) {
	below, head := 0.0, 0.0
	if q.BelowGuarantee {
		below = 1
	}
	if !q.HeadAge.IsZero() {
		head = max(0, s.now.Sub(q.HeadAge).Seconds())
	}
	s.emit(queueInfo, 1, q.Name, q.Parent, strconv.FormatBool(q.Leaf))
	s.emit(queueShare, q.Share, q.Name)
	s.emit(queueFairRatio, q.FairShare, q.Name)
	s.emit(queueWaiting, float64(q.Waiting), q.Name)
	s.emit(queueHeadAge, head, q.Name)
	s.emit(queueSetAside, float64(s.aside[q.Name]), q.Name)
	s.emit(queueBelow, below, q.Name)
	for i, resource := range s.shown {
		s.emit(queueUsed, inBaseUnit(resource, q.Used.Get(i)), q.Name, resource)
		s.emit(queueFair, inBaseUnit(resource, q.Fair.Get(i)), q.Name, resource)
		if amount, has := q.Guarantee[resource]; has {
			s.emit(queueGuarantee, inBaseUnit(resource, amount), q.Name, resource)
		}
		if amount, has := q.Limit[resource]; has {
			s.emit(queueLimit, inBaseUnit(resource, amount), q.Name, resource)
		}
	}
}

// shownResources returns the resources that have series, by their numbers, and how many others there are. What the cluster does not have
// and no queue names, such as huge pages that no node has, is not counted.
func shownResources(queues []queue.Status, resources []queue.Resource) (shown map[int]string, hidden int) {
	named := map[string]bool{}
	for i := range queues {
		for name := range queues[i].Guarantee {
			named[name] = true
		}
		for name := range queues[i].Limit {
			named[name] = true
		}
	}
	rank := func(name string) int {
		switch {
		case named[name]:
			return 0
		case name == "cpu" || name == "memory":
			return 1
		default:
			return 2
		}
	}
	var all []int
	for i, r := range resources {
		if r.Total > 0 || named[r.Name] {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b int) int {
		x, y := resources[a].Name, resources[b].Name
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x, y))
	})
	shown = map[int]string{}
	for _, i := range all[:min(len(all), maxResources)] {
		shown[i] = resources[i].Name
	}
	return shown, len(all) - len(shown)
}

// setAside returns the number of members of gangs, and of pods without a gang, for which capacity is set aside, by queue. That of a gang or
// pod counts for its queue and all above.
func setAside(queues []queue.Status, gangs []gang.Status, pods map[string]int) map[string]int {
	parents := make(map[string]string, len(queues))
	for i := range queues {
		parents[queues[i].Name] = queues[i].Parent
	}
	members := map[string]int{}
	count := func(leaf string, held int) {
		for name := leaf; name != ""; name = parents[name] {
			members[name] += held
		}
	}
	for i := range gangs {
		if aside := gangs[i].SetAside; aside != nil {
			count(gangs[i].Queue, aside.Held)
		}
	}
	for leaf, held := range pods {
		count(leaf, held)
	}
	return members
}

// inBaseUnit returns an amount in cores if it is of cpu.
func inBaseUnit(resource string, amount int64) float64 {
	if resource == "cpu" {
		return float64(amount) / 1000
	}
	return float64(amount)
}
