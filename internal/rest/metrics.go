package rest

import (
	"net/http"
	"strconv"
	"time"

	"k8s.io/component-base/metrics"
)

// measured are the metrics of the API. Their labels have few values: routes as they were registered, and codes.
type measured struct {
	registry metrics.KubeRegistry
	requests *metrics.CounterVec
	duration *metrics.HistogramVec
	inFlight *metrics.Gauge
	watches  *metrics.Gauge
}

func newMeasured() *measured {
	m := &measured{
		registry: metrics.NewKubeRegistry(),
		requests: metrics.NewCounterVec(&metrics.CounterOpts{
			Name: "kubenexus_serve_requests_total", Help: "Requests by route and code.", StabilityLevel: metrics.ALPHA,
		}, []string{"route", "code"}),
		duration: metrics.NewHistogramVec(&metrics.HistogramOpts{
			Name: "kubenexus_serve_request_duration_seconds", Help: "How long requests took, by route, without watches.",
			Buckets: metrics.ExponentialBuckets(0.002, 2, 15), StabilityLevel: metrics.ALPHA,
		}, []string{"route"}),
		inFlight: metrics.NewGauge(&metrics.GaugeOpts{
			Name: "kubenexus_serve_requests_in_flight", Help: "Requests that are being served, without watches.",
			StabilityLevel: metrics.ALPHA,
		}),
		watches: metrics.NewGauge(&metrics.GaugeOpts{
			Name: "kubenexus_serve_watches", Help: "Watches that are open.", StabilityLevel: metrics.ALPHA,
		}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.inFlight, m.watches)
	return m
}

func (m *measured) handler() http.Handler {
	return metrics.HandlerFor(m.registry, metrics.HandlerOpts{ErrorHandling: metrics.ContinueOnError})
}

// served counts a request.
func (m *measured) served(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	if route != watchRoute {
		m.duration.WithLabelValues(route).Observe(took.Seconds())
	}
}
