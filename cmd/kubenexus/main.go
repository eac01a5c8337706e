// kubenexus shows gangs of pods start all together or not at all, on a Kubernetes control plane inside the process.
package main

import (
	"os"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/app"
)

func main() {
	os.Exit(app.Main())
}
