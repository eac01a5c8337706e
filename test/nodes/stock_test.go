//go:build linux

package nodes

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/sandbox"
)

// stock is kube-scheduler, which schedules the pods that name no scheduler, among them those of our own.
const stock = "stock"

func newStockCommand() *cobra.Command { return app.NewSchedulerCommand() }

// startStock starts kube-scheduler, which ends with this process.
func startStock(kubeconfig string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(sandbox.Temporary, "kube-scheduler.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := exec.Command(self, "--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0")
	cmd.Env = append(os.Environ(), process.As(stock))
	cmd.Stdout, cmd.Stderr = log, log
	_, err = child.Start(cmd)
	return err
}
