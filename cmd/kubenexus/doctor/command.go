// Package doctor is the part of the kubenexus command that looks for what is wrong with a cluster.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/doctor"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

// options are what the user asks for.
type options struct {
	cluster        *cluster.Options
	namespace      string
	lease          string
	serviceAccount string
	output         string
}

// NewCommand returns the command that looks for problems.
func NewCommand() *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out whether the scheduler works, and which pods would not start",
		Long: `doctor looks at a cluster, changes nothing, and says what is wrong with it and what to do:

  scheduler    whether a replica leads (its Lease), and whether all replicas are ready
  version      whether the API server has a version that works
  rights       whether the scheduler, and you, have the rights that they need
  queues       whether the configuration of the queues is valid
  pods         which pods carry annotations of gangs, of this scheduler or of others, and will not start as they are
  pod groups   whether there are PodGroups of other schedulers
  priorities   which PriorityClasses there are
  guard rails  whether the policies that reject bad annotations are installed

What you may not read is said, and skipped.

Exit codes: 0 if there is no problem (there may be warnings); 1 if there is one, or the cluster cannot be reached.`,
		Example: `  # everything
  kubenexus doctor

  # the scheduler is installed in another namespace, by the chart
  kubenexus doctor --scheduler-namespace batch --lease-name kubenexus-batch

  # for a script: the texts of all problems
  kubenexus doctor -o json | jq -r '.findings[] | select(.level == "problem") | .text'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "table", "one of table, json and yaml")
	flags.StringVar(&o.namespace, "scheduler-namespace", "kube-system", "the namespace in which the scheduler is installed")
	flags.StringVar(&o.lease, "lease-name", scheduler.Name, "the name of the scheduler's Lease")
	flags.StringVar(&o.serviceAccount, "service-account", "", "the scheduler's service account; without it, that of its Deployment")
	o.cluster.AddFlags(flags)
	o.cluster.AddQueueFlag(flags)
	return cmd
}

// patience is how long all requests together may take.
const patience = 5 * time.Minute

func (o *options) run(ctx context.Context, out io.Writer) error {
	show, known := printers[o.output]
	if !known {
		return fmt.Errorf("--output is %q: it can be table, json or yaml", o.output)
	}
	if len(o.cluster.Schedulers) == 0 {
		return errors.New("--scheduler-names is empty: name the schedulerNames that KubeNexus serves")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	facts, err := o.read(ctx)
	if err != nil {
		return err
	}
	findings := doctor.Examine(facts)
	if err := show(out, findings); err != nil {
		return err
	}
	if n := doctor.Count(findings, doctor.Problem); n > 0 {
		return fmt.Errorf("the number of problems is %d", n)
	}
	return nil
}
