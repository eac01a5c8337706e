// Package explain is the part of the kubenexus command that tells the story of a gang or a pod.
package explain

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/explain"
)

// printer prints a story.
type printer func(out io.Writer, s *explain.Story) error

// printers are the ways to print a story, by the value of --output.
//
//nolint:gochecknoglobals // a constant table
var printers = map[string]printer{"": explain.Text, "json": asJSON, "yaml": asYAML}

const long = ` tells what there is to know:

  - what it is: its queue, its priority, what it needs, and what it has
  - what happened to it: from its pods and from events, which a cluster keeps for an hour
  - where its pods are
  - why it waits, as the scheduler says
  - what the scheduler knows of it: attempts, capacity that it holds or sets aside, pods that were preempted for it
  - what would happen if a gang that waits were tried now, as kubenexus what-if gang says
  - how many pods each node takes, and what of it lacks
  - what would help, in numbers

It reads pods, nodes, events and the configuration of queues, and asks the scheduler, which it finds by its lease. What you may not
read is left out, and it says so; you need the right to list pods in the namespace. What fits on a node is counted by requests,
taints, node selectors and node affinity. Capacity that the scheduler holds for others, and its other filters, show only in what
would happen if the gang were tried now.

Exit codes: 0 if the story was told; 1 if not, or if what you named does not exist.`

// NewCommand returns the command that explains gangs and pods.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Tell all about a gang or a pod: what happened, why it waits, what would help",
		Long: `explain tells what happened to a gang or a pod, why it waits, and what would help. For a pod of a gang, that is the
story of the gang.`,
		Example: `  # why does the gang not start?
  kubenexus explain gang spark-job-123

  # the same, from one of its pods
  kubenexus explain pod spark-job-123-exec-4 -n team-a`,
	}
	cmd.AddCommand(newOf("gang", "kubenexus explain gang spark-job-123 -n team-a", explain.Reader.Gang),
		newOf("pod", "kubenexus explain pod spark-job-123-exec-4 -o json", explain.Reader.Pod))
	return cmd
}

// options are what the user asks for.
type options struct {
	cluster   *cluster.Options
	scheduler cluster.SchedulerOptions
	output    string
}

// newOf returns the command that explains one kind of things.
func newOf(what, example string, find func(explain.Reader, context.Context, string) (explain.Story, error)) *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:     what + " NAME",
		Short:   "Tell all about a " + what,
		Long:    "explain " + what + long,
		Example: "  " + example,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			show, known := printers[o.output]
			if !known {
				return fmt.Errorf("--output is %q: it can be json or yaml", o.output)
			}
			r, err := o.reader()
			if err != nil {
				return err
			}
			story, err := find(r, cmd.Context(), args[0])
			if errors.Is(err, explain.ErrNone) {
				return fmt.Errorf("%w (kubenexus gangs -A shows all gangs)", err)
			}
			if err != nil {
				return err
			}
			return show(cmd.OutOrStdout(), &story)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "json or yaml; without it, text")
	o.scheduler.AddFlags(flags)
	o.cluster.AddQueueFlag(flags)
	o.cluster.AddFlags(flags)
	return cmd
}

func (o *options) reader() (explain.Reader, error) {
	configMap, err := o.cluster.Queues()
	if err != nil {
		return explain.Reader{}, err
	}
	scheduler, err := o.cluster.Scheduler(o.scheduler)
	if err != nil {
		return explain.Reader{}, err
	}
	client, namespace, err := o.cluster.Connect()
	return explain.Reader{
		Client: client, Scheduler: scheduler, Namespace: namespace, ConfigMap: configMap, Schedulers: o.cluster.Schedulers,
	}, err
}

func asJSON(out io.Writer, s *explain.Story) error {
	return document.JSON(out, s)
}

func asYAML(out io.Writer, s *explain.Story) error {
	return document.YAML(out, s)
}
