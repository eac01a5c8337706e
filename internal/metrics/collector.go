package metrics

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// maxSeries is how many gangs have series of their own.
const maxSeries = 1000

// Source has the statuses from which series are computed at each scrape.
type Source interface {
	// Statuses returns the statuses of all gangs.
	Statuses() []gang.Status
	// QueueStatuses returns the statuses of all queues in configuration order, parents before their children; nil if none are configured.
	QueueStatuses() []queue.Status
	// QueueResources returns the resources of the queues, by their numbers in the vectors of statuses that were taken before.
	QueueResources() []queue.Resource
	// PodsSetAside returns for how many pods without a gang capacity is set aside and free, by queue.
	PodsSetAside() map[string]int
	// NodesWithDevices returns the devices of the nodes to which pods can be bound.
	NodesWithDevices() []NodeDevices
}

// collector collects the series of gangs and queues at each scrape, so that they are removed with them.
type collector struct {
	metrics.BaseStableCollector
	from  Source
	clock clock.PassiveClock
	keys  recentKeys
}

// emitter makes a series.
type emitter func(e entry, value float64, labels ...string)

var _ metrics.StableCollector = &collector{}

//nolint:gochecknoglobals // component-base keeps state in a description, so there must be one of each
var descriptions = func() map[string]*metrics.Desc {
	all := map[string]*metrics.Desc{}
	ofGangs := []entry{waitTime, size, hidden, gangs, longest, partial, waiting, reserved, reservations}
	for _, e := range slices.Concat(ofGangs, ofQueues(), ofDevices()) {
		all[e.Name] = metrics.NewDesc(e.Name, e.Help, e.Labels, nil, metrics.ALPHA, "")
	}
	return all
}()

// DescribeWithStability names the metrics.
func (c *collector) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, d := range descriptions {
		ch <- d
	}
}

// CollectWithStability makes the series.
func (c *collector) CollectWithStability(ch chan<- metrics.Metric) {
	emit := func(e entry, value float64, labels ...string) {
		ch <- metrics.NewLazyConstMetric(descriptions[e.Name], metrics.GaugeValue, value, labels...)
	}
	all, queues := c.from.Statuses(), c.from.QueueStatuses()
	emitGangs(emit, all)
	now := c.clock.Now()
	emitQueues(emit, queues, c.from.QueueResources(), setAside(queues, all, c.from.PodsSetAside()), now)
	keys, others := c.keys.update(all, now)
	emitDevices(emit, c.from.NodesWithDevices(), keys, others)
}

// emitGangs makes the series of gangs.
func emitGangs(emit emitter, all []gang.Status) {
	phases, waits := map[gang.Phase]int{}, map[gang.Phase]time.Duration{}
	for _, phase := range gang.Phases() {
		phases[phase] = 0
	}
	short, pending, slots, holding := 0, 0, 0, 0
	for i := range all {
		g := &all[i]
		waited, _ := g.Waited()
		phases[g.Phase]++
		waits[g.Phase] = max(waits[g.Phase], waited)
		pending += g.Count(gang.MemberState.Waits)
		slots += len(g.Slots)
		if g.Partial {
			short++
		}
		if len(g.Slots) > 0 {
			holding++
		}
	}
	for phase, n := range phases {
		emit(gangs, float64(n), string(phase))
		if phase != gang.Running { // gangs in this phase no longer wait
			emit(longest, waits[phase].Seconds(), string(phase))
		}
	}
	emit(partial, float64(short))
	emit(waiting, float64(pending))
	emit(reserved, float64(slots))
	emit(reservations, float64(holding))
	emit(hidden, float64(max(0, len(all)-maxSeries)))
	for name, g := range named(all) {
		if waited, known := g.Waited(); known {
			emit(waitTime, waited.Seconds(), name)
		}
		emit(size, float64(len(g.Members)-g.Count(gang.MemberState.Ended)), name)
	}
}

// named returns the gangs that have series: those that have waited longest first, then those that run.
func named(all []gang.Status) map[string]*gang.Status {
	sorted := make([]*gang.Status, len(all))
	for i := range all {
		sorted[i] = &all[i]
	}
	slices.SortFunc(sorted, func(a, b *gang.Status) int {
		running := func(g *gang.Status) int {
			if g.Phase == gang.Running {
				return 1
			}
			return 0
		}
		waited := func(g *gang.Status) time.Duration { d, _ := g.Waited(); return d }
		return cmp.Or(cmp.Compare(running(a), running(b)), cmp.Compare(waited(b), waited(a)), a.Key.Compare(b.Key))
	})
	names := map[string]*gang.Status{}
	for _, g := range sorted[:min(len(sorted), maxSeries)] {
		names[unused(names, g.Key)] = g
	}
	return names
}

// unused returns a name for the gang's series that no other gang has: two conventions, or two instances of a template, may use one name.
func unused(names map[string]*gang.Status, key gang.Key) string {
	name := key.String()
	for _, more := range []string{"", " (" + cmp.Or(key.Instance, key.Convention) + ")"} {
		if _, taken := names[name+more]; !taken {
			return name + more
		}
	}
	return name + " (" + key.Convention + " " + key.Instance + ")"
}
