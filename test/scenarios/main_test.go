// Package scenarios runs the text files in testdata against a real API server and the real scheduler, which runs as a
// process of its own.
package scenarios

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/cli"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// suite is what all tests share: starting a control plane takes two seconds, linking one a minute.
var suite struct {
	plane  *controlplane.ControlPlane
	client kubernetes.Interface
	// dynamic is for objects of any kind.
	dynamic dynamic.Interface
}

func TestMain(m *testing.M) {
	switch process.Kind() {
	case process.KubeNexus:
		os.Exit(scheduler.Main())
	case "upstream": // another scheduler with our plugins
		os.Exit(cli.Run(newUpstreamCommand()))
	case "stock": // the one of Kubernetes
		os.Exit(cli.Run(newStockCommand()))
	}
	os.Exit(run(m))
}

// These say on which API server the tests run, if not on the one of this module's Kubernetes version with its defaults.
const (
	apiServerProgram = "KUBENEXUS_TEST_KUBE_APISERVER"       // the path of a kube-apiserver
	apiServerFlags   = "KUBENEXUS_TEST_KUBE_APISERVER_FLAGS" // further flags of it, with spaces between them
)

// ownKubelet is the label of nodes whose status nobody else writes: the simulator makes others ready again.
const ownKubelet = "example.com/own-kubelet"

func apiServer() controlplane.Options {
	return controlplane.Options{
		APIServer: os.Getenv(apiServerProgram), APIServerArgs: strings.Fields(os.Getenv(apiServerFlags)), OwnKubelet: ownKubelet,
	}
}

func run(m *testing.M) int {
	plane, err := controlplane.Start(context.Background(), apiServer())
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the control plane:", err)
		return 1
	}
	defer func() {
		if err := plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the control plane:", err)
		}
	}()
	suite.plane = plane
	suite.client = kubernetes.NewForConfigOrDie(plane.Config())
	suite.dynamic = dynamic.NewForConfigOrDie(plane.Config())
	return m.Run()
}
