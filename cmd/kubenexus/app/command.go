// Package app is the kubenexus command.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json of the scheduler

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cancel"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/convert"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/doctor"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/exit"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/explain"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/gangs"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/queues"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/serve"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/submit"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/top"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/whatif"
	"github.com/kubenexus/kubenexus-scheduler/internal/version"
)

// errInterrupted says that the user ended the command.
var errInterrupted = &exit.Error{Code: exit.Interrupted, Err: errors.New("interrupted")}

// Main runs the command and returns its exit code.
func Main() int {
	// If the reader of our output is gone, we still have to clean up.
	signal.Ignore(syscall.SIGPIPE)
	// cobra adds what is in there to every command, and Kubernetes' packages put a --version of theirs into it.
	pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ContinueOnError)
	err := NewCommand().ExecuteContext(context.Background())
	if err != nil {
		fmt.Fprintf(os.Stderr, "Error: %v\n", err)
	}
	return exit.CodeOf(err)
}

// Execute runs the kubenexus command with these arguments inside this process.
func Execute(ctx context.Context, out io.Writer, args ...string) error {
	cmd := NewCommand()
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(out)
	return cmd.ExecuteContext(ctx)
}

// NewCommand returns the kubenexus command.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kubenexus",
		Short: "Start gangs of pods all together or not at all",
		Long: `KubeNexus is a Kubernetes scheduler that starts a group of pods (a gang) all together or not at all.

Two annotations make a pod a member of a gang. This pod is a member of gang spark-job-123, which starts when 11 of its
pods (its min-available) can start together:

  metadata:
    annotations:
      pod-group.scheduling.sigs.k8s.io/name: "spark-job-123"
      pod-group.scheduling.sigs.k8s.io/min-available: "11"
  spec:
    schedulerName: kubenexus-scheduler

To see it work you do not need a cluster: kubenexus demo starts one.`,
		Example: `  # see gangs wait and start
  kubenexus demo

  # see how your own manifests are scheduled
  kubenexus demo -f job.yaml

  # see which gangs of your cluster run or wait, and why
  kubenexus gangs -A

  # ask whether a gang would start, where, and which pods would be preempted for it
  kubenexus what-if -f job.yaml

  # create a gang, and wait until it runs
  kubenexus submit training --image=busybox:1.37 --replicas=4 --wait -- sleep 60

  # delete it
  kubenexus cancel training

  # find out whether the scheduler works, and which pods would not start
  kubenexus doctor

  # see all that is known of one gang: why it waits, and what would help
  kubenexus explain gang spark-job-123

  # see what each queue uses, or watch the whole cluster
  kubenexus queues
  kubenexus top

  # see what is wrong with the configuration of queues
  kubenexus queues check -f queues.yaml

  # convert a manifest that was written for another gang scheduler
  kubenexus convert -f job.yaml

  # serve a REST API for those without kubectl
  kubenexus serve --kubeconfig ~/.kube/config

  # run the scheduler against the cluster of a kubeconfig
  kubenexus scheduler --kubeconfig ~/.kube/config --leader-elect=false`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	cmd.SetGlobalNormalizationFunc(cliflag.WordSepNormalizeFunc)
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, c.CommandPath())
	})
	cmd.AddCommand(
		cancel.NewCommand(),
		convert.NewCommand(),
		newDemo(),
		doctor.NewCommand(),
		explain.NewCommand(),
		gangs.NewCommand(),
		queues.NewCommand(),
		newScheduler(),
		serve.NewCommand(),
		submit.NewCommand(),
		top.NewCommand(),
		whatif.NewCommand(),
	)
	return cmd
}
