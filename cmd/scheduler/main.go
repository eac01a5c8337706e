// kubenexus-scheduler is the Kubernetes scheduler that starts gangs of pods all together or not at all. Its image also serves the REST API.
package main

import (
	"os"

	_ "k8s.io/component-base/logs/json/register" // --logging-format=json

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/serve"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

func main() {
	os.Exit(scheduler.Main(serve.NewCommand()))
}
