package scheduler

import (
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of the client
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info
)

// processRegistry is the registry of the process, which upstream's metrics are in and /metrics shows.
type processRegistry struct{}

// MustRegister registers metrics.
func (processRegistry) MustRegister(all ...metrics.Registerable) { legacyregistry.MustRegister(all...) }

// CustomMustRegister registers collectors.
func (processRegistry) CustomMustRegister(all ...metrics.StableCollector) {
	legacyregistry.CustomMustRegister(all...)
}
