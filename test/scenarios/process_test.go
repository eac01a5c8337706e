package scenarios

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// startScheduler starts our scheduler as a process of its own and waits until it is ready. The test's end stops it.
func startScheduler(t testing.TB, args ...string) *process.Scheduler {
	t.Helper()
	return process.Start(t, process.KubeNexus, args...)
}

// launch starts our scheduler and does not wait for it.
func launch(t testing.TB, args ...string) *process.Scheduler {
	t.Helper()
	return process.Launch(t, process.KubeNexus, args...)
}
