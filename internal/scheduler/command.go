// Package scheduler is the kubenexus-scheduler command: the upstream scheduler with the gang plugins, and defaults that
// suit gangs.
package scheduler

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/kubenexus/kubenexus-scheduler/internal/memory"
	"github.com/kubenexus/kubenexus-scheduler/internal/version"
	"github.com/kubenexus/kubenexus-scheduler/pkg/coscheduling"
)

// Name is the name of the command, and of its leader-election lease.
const Name = "kubenexus-scheduler"

// Main runs the command with the process's arguments and returns its exit code. Other commands that run in a cluster can be below it.
func Main(below ...*cobra.Command) int {
	cmd := NewCommand()
	for _, c := range below {
		c.SetUsageFunc((&cobra.Command{}).UsageFunc()) // not that of the scheduler, which lists its own flags
		c.SetHelpFunc((&cobra.Command{}).HelpFunc())
		cmd.AddCommand(c)
	}
	if err := cli.RunNoErrOutput(cmd); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", Name, err)
		return 1
	}
	return 0
}

// NewCommand returns the kubenexus-scheduler command.
func NewCommand() *cobra.Command {
	opts := newOptions()
	cmd := &cobra.Command{
		Use:   Name,
		Short: "Start gangs of pods all together or not at all",
		Long: `kubenexus-scheduler is a Kubernetes scheduler that starts a group of pods (a gang) all together or not at all.
It is kube-scheduler with gang scheduling: pods without gang annotations are scheduled as usual.

Without --config it serves two profiles:
  schedulerName        annotations                                               warns after
  kubenexus-scheduler  pod-group.scheduling.sigs.k8s.io/name, .../min-available  10s
  batch-scheduler      batch.scheduling.k8s.io/group, .../min-available          10m

Two annotations and the schedulerName make a pod a member of a gang:
  metadata:
    annotations:
      pod-group.scheduling.sigs.k8s.io/name: "spark-job-123"
      pod-group.scheduling.sigs.k8s.io/min-available: "11"
  spec:
    schedulerName: kubenexus-scheduler

Examples:
  # against the cluster of a kubeconfig, as the only replica
  kubenexus-scheduler --kubeconfig ~/.kube/config --leader-elect=false --secure-port=10259

  # with a configuration file, and a more verbose log
  kubenexus-scheduler --config config/scheduler-config.yaml -v 3`,
		Args: cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return opts.ComponentGlobalsRegistry.Set()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if printVersion(cmd) {
				return nil
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			plugins := coscheduling.New()
			go func() {
				<-server.SetupSignalHandler()
				plugins.Goodbye() // while it leads: when a leader's context ends, upstream ends the process
				cancel()
			}()
			return run(ctx, cmd, opts, plugins)
		},
	}
	addFlags(cmd, opts)
	return cmd
}

// addFlags adds the upstream scheduler's flags, in its groups.
func addFlags(cmd *cobra.Command, opts *options.Options) {
	global := opts.Flags.FlagSet("global")
	globalflag.AddGlobalFlags(global, cmd.Name(), logs.SkipLoggingConfigurationFlags())
	global.String("version", "", "print the version and exit; --version=raw prints it alone")
	global.Lookup("version").NoOptDefVal = "true"
	// Upstream ignores these flags if --config is set. Here they override the file.
	opts.Flags.FlagSet("deprecated").VisitAll(func(f *pflag.Flag) {
		f.Usage = strings.ReplaceAll(f.Usage, "This parameter is ignored if a config file is specified in --config.",
			"It overrides the configuration file.")
	})
	for _, fs := range opts.Flags.FlagSets {
		cmd.Flags().AddFlagSet(fs)
	}
	cols, _, err := term.TerminalSize(cmd.OutOrStdout())
	if err != nil {
		cols = 0 // not a terminal: no wrapping
	}
	cliflag.SetUsageAndHelpFunc(cmd, *opts.Flags, cols)
}

// logFlags logs the flags that are set, in one line. All flags, with their defaults, are in the help.
func logFlags(logger klog.Logger, flags *pflag.FlagSet) {
	var set []string
	flags.Visit(func(f *pflag.Flag) { set = append(set, fmt.Sprintf("--%s=%s", f.Name, f.Value)) })
	logger.V(1).Info("Flags that are set", "flags", strings.Join(set, " "))
}

func printVersion(cmd *cobra.Command) bool {
	switch asked := cmd.Flag("version").Value.String(); asked {
	case "", "false":
		return false
	case "raw":
		fmt.Fprintln(cmd.OutOrStdout(), version.String())
	default:
		fmt.Fprintln(cmd.OutOrStdout(), Name, version.String())
	}
	return true
}

// run runs the scheduler until the context ends.
func run(ctx context.Context, cmd *cobra.Command, opts *options.Options, plugins *coscheduling.Plugins) error {
	gates := opts.ComponentGlobalsRegistry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := logsapi.ValidateAndApply(opts.Logs, gates); err != nil {
		return fmt.Errorf("logging flags: %w", err)
	}
	logFlags(klog.FromContext(ctx), cmd.Flags())
	completed, sched, err := setup(ctx, opts, plugins)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if mutable, ok := gates.(featuregate.MutableFeatureGate); ok {
		mutable.AddMetrics()
	}
	opts.ComponentGlobalsRegistry.AddMetrics()
	plugins.RegisterMetrics(processRegistry{})
	memory.Grow()
	go memory.GiveBackAtRest(ctx)
	return unlessStopped(ctx, runProcess(ctx, completed, sched, plugins))
}

// unlessStopped returns the error, unless the process was asked to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}
