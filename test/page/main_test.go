// Package page_test drives the web page in Chromium, against a real API server, the real scheduler and kubenexus serve.
package page_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// plane is the control plane that all tests share.
var plane *controlplane.ControlPlane

func TestMain(m *testing.M) {
	if process.Kind() == process.KubeNexus {
		os.Exit(scheduler.Main())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if plane, err = controlplane.Start(context.Background(), controlplane.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, "starting the control plane:", err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the control plane:", err)
		}
	}()
	return m.Run()
}
