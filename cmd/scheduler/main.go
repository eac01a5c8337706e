// kubenexus-scheduler is the Kubernetes scheduler that starts gangs of pods all together or not at all.
package main

import (
	"os"

	_ "k8s.io/component-base/logs/json/register" // --logging-format=json

	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

func main() {
	os.Exit(scheduler.Main())
}
