package install

import (
	"github.com/spf13/cobra"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// stock is the kind of kube-scheduler as Kubernetes ships it.
const stock = "stock"

func newStockCommand() *cobra.Command { return app.NewSchedulerCommand() }
