package install

import (
	"github.com/spf13/cobra"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// stock is kube-scheduler as Kubernetes releases it.
const stock = "stock"

func newStockCommand() *cobra.Command { return app.NewSchedulerCommand() }
