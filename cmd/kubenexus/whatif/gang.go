package whatif

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// gangOptions are what the user asks for of a gang that exists.
type gangOptions struct {
	cluster   *cluster.Options
	scheduler cluster.SchedulerOptions
	output    string
}

// newOfGang returns the command that asks about a gang that exists.
func newOfGang() *cobra.Command {
	o := gangOptions{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:   "gang NAME",
		Short: "Ask what would happen if a gang that waits were tried now",
		Long: `gang asks the scheduler what would happen if a gang that exists, and of which no pod has a node, were tried now. The answer
is that of kubenexus what-if -f, and nothing is changed for it either: the gang keeps its place in its queue.

A gang that does not fit is not tried again before something changes that may help. So the answer mostly is why it waits; it is
another one while the gang waits for its turn, or after a failure. For a gang that has preempted others, the answer names the nodes
that are kept for it.

You need the right to list pods in the namespace, the right to the non-resource URL /kubenexus.io/v1alpha1/what-if of the scheduler
(verb post), and the right to get its lease. kubenexus explain gang NAME has this answer too, with all else that is known.

Exit codes: 0 if the scheduler has answered, whatever it says; 1 if not.`,
		Example: `  # would the gang start now, where, and which pods would be preempted?
  kubenexus what-if gang spark-job-123 -n team-a`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "json or yaml; without it, text")
	o.scheduler.AddFlags(flags)
	o.cluster.AddFlags(flags)
	return cmd
}

func (o *gangOptions) run(ctx context.Context, name string, out io.Writer) error {
	show, err := printerOf(o.output)
	if err != nil {
		return err
	}
	_, namespace, err := o.cluster.Config()
	if err != nil {
		return err
	}
	scheduler, err := o.cluster.Scheduler(o.scheduler)
	if err != nil {
		return err
	}
	forecast, err := scheduler.WhatIf(ctx, answers.WhatIf{Gang: namespace + "/" + name})
	if err != nil {
		return fmt.Errorf("the scheduler did not answer: %w", err)
	}
	return show(out, &forecast)
}
