// Package metrics has all our metrics in one catalogue. /metrics serves them with those of kube-scheduler.
package metrics

import (
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The values of the labels.
const (
	Success = "success"
	Failure = "failure"
	Fits    = "fits"
	Unfit   = "unfit"
)

// Metrics are those of one scheduler process. What is counted before they are registered is lost.
type Metrics struct {
	attempts        *metrics.CounterVec
	planDuration    *metrics.HistogramVec
	planMembers     *metrics.Histogram
	attemptsToStart *metrics.Histogram
	completeToStart *metrics.Histogram
	lost            *metrics.Counter
	queuesValid     *metrics.Gauge
	preemptionMetrics
}

// New returns metrics that are not registered yet.
func New() *Metrics {
	histogram := func(e entry, buckets []float64) *metrics.HistogramOpts {
		return &metrics.HistogramOpts{Name: e.Name, Help: e.Help, Buckets: buckets, StabilityLevel: metrics.ALPHA}
	}
	counter := func(e entry) *metrics.CounterOpts {
		return &metrics.CounterOpts{Name: e.Name, Help: e.Help, StabilityLevel: metrics.ALPHA}
	}
	return &Metrics{
		attempts:          metrics.NewCounterVec(counter(attempts), attempts.Labels),
		planDuration:      metrics.NewHistogramVec(histogram(planDuration, metrics.ExponentialBuckets(0.0005, 2, 14)), planDuration.Labels),
		planMembers:       metrics.NewHistogram(histogram(planMembers, metrics.ExponentialBuckets(1, 2, 12))),
		attemptsToStart:   metrics.NewHistogram(histogram(attemptsToStart, []float64{1, 2, 3, 5, 10, 20, 50, 100})),
		completeToStart:   metrics.NewHistogram(histogram(completeToStart, metrics.ExponentialBuckets(0.01, 3, 12))),
		lost:              metrics.NewCounter(counter(lost)),
		preemptionMetrics: newPreemptionMetrics(),
		queuesValid: metrics.NewGauge(&metrics.GaugeOpts{
			Name: queuesValid.Name, Help: queuesValid.Help, StabilityLevel: metrics.ALPHA,
		}),
	}
}

// Registry is where metrics are registered: component-base's legacyregistry.
type Registry interface {
	MustRegister(all ...metrics.Registerable)
	CustomMustRegister(all ...metrics.StableCollector)
}

// Register makes the metrics visible, and those of gangs and queues, which it computes from their statuses at each scrape.
func (m *Metrics) Register(r Registry, from Source, c clock.PassiveClock) {
	r.MustRegister(m.attempts, m.planDuration, m.planMembers, m.attemptsToStart, m.completeToStart, m.lost, m.queuesValid)
	m.preemptionMetrics.register(r)
	m.queuesValid.Set(1)
	// So that a rate of them begins at 0.
	for _, status := range []string{Success, Failure} {
		m.attempts.WithLabelValues(status)
	}
	for _, result := range []string{Fits, Unfit} {
		m.planDuration.WithLabelValues(result)
	}
	r.CustomMustRegister(&collector{from: from, clock: c})
}

// Planned counts a plan: how long it took, for how many members, and whether they fit.
func (m *Metrics) Planned(took time.Duration, members int, fits bool) {
	result := Fits
	if !fits {
		result = Unfit
	}
	m.planDuration.WithLabelValues(result).Observe(took.Seconds())
	m.planMembers.Observe(float64(members))
}

// QueuesConfigured records whether the latest configuration of queues is in force.
func (m *Metrics) QueuesConfigured(valid bool) {
	m.queuesValid.Set(0)
	if valid {
		m.queuesValid.Set(1)
	}
}

// Performed counts what a decision tells: that an attempt ended, that a gang starts, or that it lost a member. A gang starts when the
// first member is bound that was let go.
func (m *Metrics) Performed(decision gang.Decision) {
	switch d := decision.(type) {
	case gang.Ended:
		status := Failure
		if d.Started {
			status = Success
		}
		m.attempts.WithLabelValues(status).Inc()
	case gang.Notify:
		switch d.Kind { //nolint:exhaustive // the others are no turning points
		case gang.KindReleased:
			m.attemptsToStart.Observe(float64(d.Attempts))
			m.completeToStart.Observe(d.Complete.Seconds())
		case gang.KindLost:
			m.lost.Inc()
		}
	}
}
