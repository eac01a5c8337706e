// kubenexus-scheduler is the Kubernetes scheduler that starts gangs of pods all together or not at all.
package main

import (
	"os"

	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of the client
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info

	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

func main() {
	os.Exit(scheduler.Main())
}
