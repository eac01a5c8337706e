package metrics

import (
	"time"

	"k8s.io/component-base/metrics"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

//nolint:gochecknoglobals // a table that is never changed
var (
	roomDuration = entry{
		"kubenexus_preemption_plan_duration_seconds", "histogram",
		"Latency of planning whom a gang, or a pod without one, preempts, by whether it then fits.",
		[]string{"result"},
	}
	preemptions = entry{
		"kubenexus_preemptions_total", "counter",
		"Gangs, and pods without one, for which pods were preempted, by reason: InQueue, a lower priority in the same queue; Reclaim, " +
			"what another queue used beyond its share.",
		[]string{"reason"},
	}
	victims = entry{
		"kubenexus_preemption_victims_total", "counter",
		"Pods that were preempted, by reason.",
		[]string{"reason"},
	}
	inVain = entry{
		"kubenexus_preemption_victims_in_vain_total", "counter",
		"Pods that were preempted for a gang, or a pod without one, that did not fit when they had ended, or did not start within " +
			"10s, although nothing that goes before it was started in their place. Must be 0.",
		nil,
	}
	preemptedToStart = entry{
		"kubenexus_preemption_to_started_seconds", "histogram",
		"Time from the decision to preempt until the capacity was used by the gang, or the pod without one.",
		nil,
	}
)

func ofPreemption() []entry {
	return []entry{roomDuration, preemptions, victims, inVain, preemptedToStart}
}

// Preemption has the metrics of preemption.
type preemptionMetrics struct {
	roomDuration     *metrics.HistogramVec
	preemptions      *metrics.CounterVec
	victims          *metrics.CounterVec
	inVain           *metrics.Counter
	preemptedToStart *metrics.Histogram
}

func newPreemptionMetrics() preemptionMetrics {
	histogram := func(e entry, buckets []float64) *metrics.HistogramOpts {
		return &metrics.HistogramOpts{Name: e.Name, Help: e.Help, Buckets: buckets, StabilityLevel: metrics.ALPHA}
	}
	counter := func(e entry) *metrics.CounterOpts {
		return &metrics.CounterOpts{Name: e.Name, Help: e.Help, StabilityLevel: metrics.ALPHA}
	}
	return preemptionMetrics{
		roomDuration:     metrics.NewHistogramVec(histogram(roomDuration, metrics.ExponentialBuckets(0.0005, 2, 14)), roomDuration.Labels),
		preemptions:      metrics.NewCounterVec(counter(preemptions), preemptions.Labels),
		victims:          metrics.NewCounterVec(counter(victims), victims.Labels),
		inVain:           metrics.NewCounter(counter(inVain)),
		preemptedToStart: metrics.NewHistogram(histogram(preemptedToStart, metrics.ExponentialBuckets(0.05, 2, 14))),
	}
}

func (m *preemptionMetrics) register(r Registry) {
	r.MustRegister(m.roomDuration, m.preemptions, m.victims, m.inVain, m.preemptedToStart)
	for _, result := range []string{Fits, Unfit} {
		m.roomDuration.WithLabelValues(result)
	}
	for _, reason := range []gang.PreemptReason{gang.PreemptInQueue, gang.PreemptReclaim} { // so that a rate begins at 0
		m.preemptions.WithLabelValues(string(reason))
		m.victims.WithLabelValues(string(reason))
	}
}

// RoomPlanned counts a plan to preempt others, and whether the gang then fits.
func (m *preemptionMetrics) RoomPlanned(took time.Duration, fits bool) {
	result := Fits
	if !fits {
		result = Unfit
	}
	m.roomDuration.WithLabelValues(result).Observe(took.Seconds())
}

// Preempted counts a preemption with as many victims for each reason.
func (m *preemptionMetrics) Preempted(byReason map[gang.PreemptReason]int) {
	for reason, pods := range byReason {
		m.preemptions.WithLabelValues(string(reason)).Inc()
		m.victims.WithLabelValues(string(reason)).Add(float64(pods))
	}
}

// InVain counts victims of a gang that did not fit in the end.
func (m *preemptionMetrics) InVain(pods int) { m.inVain.Add(float64(pods)) }

// StartedAfterPreemption records how long after the decision to preempt a gang started.
func (m *preemptionMetrics) StartedAfterPreemption(took time.Duration) {
	m.preemptedToStart.Observe(took.Seconds())
}
