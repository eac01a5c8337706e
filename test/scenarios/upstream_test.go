package scenarios

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/kubenexus/kubenexus-scheduler/pkg/coscheduling"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// newUpstreamCommand is another scheduler that imports the plugins, as docs/configuration.md says.
func newUpstreamCommand() *cobra.Command {
	plugins := coscheduling.New()
	var registered []app.Option
	for name, factory := range plugins.Factories() {
		registered = append(registered, app.WithPlugin(name, factory))
	}
	opts := options.NewOptions()
	cmd := app.NewSchedulerCommand()
	cmd.ResetFlags()
	for _, fs := range opts.Flags.FlagSets {
		cmd.Flags().AddFlagSet(fs)
	}
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return opts.ComponentGlobalsRegistry.Set() }
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		config, sched, err := app.Setup(ctx, opts, registered...)
		if err != nil {
			return err
		}
		plugins.Attach(ctx, sched)
		return app.Run(ctx, config, sched)
	}
	return cmd
}

// newStockCommand is kube-scheduler as Kubernetes ships it.
func newStockCommand() *cobra.Command { return app.NewSchedulerCommand() }

const importedConfiguration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: false
clientConnection:
  kubeconfig: KUBECONFIG
profiles:
- schedulerName: imported
  plugins:
    multiPoint:
      enabled:
      - name: GangQueue
      - name: Coscheduling
    queueSort:
      enabled:
      - name: GangQueue
      disabled:
      - name: "*"
    postFilter:
      enabled:
      - name: Coscheduling
      - name: DefaultPreemption
      disabled:
      - name: "*"
`

func TestPluginsInAnotherScheduler(t *testing.T) {
	process.Start(t, "upstream", asOld(t), "--config="+writeConfig(t, importedConfiguration))
	startsAGang(t, "imported", "imported", gangAnnotations("a", 3))
}

func TestIncompleteProfileInAnotherSchedulerIsRefused(t *testing.T) {
	for _, tc := range []struct{ name, config, want string }{
		{
			"no gate", strings.Replace(importedConfiguration, "      - name: GangQueue\n", "", 1),
			"profile imported enables plugin Coscheduling but not GangQueue at preEnqueue",
		},
		{
			"preemption first", strings.Replace(importedConfiguration,
				"      - name: Coscheduling\n      - name: DefaultPreemption\n", "      - name: DefaultPreemption\n      - name: Coscheduling\n", 1),
			"profile imported runs DefaultPreemption before Coscheduling at postFilter",
		},
		{
			"only permit", strings.Replace(importedConfiguration, "    multiPoint:\n      enabled:\n      - name: GangQueue\n      - name: Coscheduling\n",
				"    multiPoint:\n      enabled:\n      - name: GangQueue\n    permit:\n      enabled:\n      - name: Coscheduling\n", 1),
			"profile imported enables plugin Coscheduling but not Coscheduling at preFilter",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, log := process.Launch(t, "upstream", "--config="+writeConfig(t, tc.config)).Exit()
			if code == 0 || !strings.Contains(log, tc.want) {
				t.Errorf("exit code %d, want another than 0 and %q in:\n%s", code, tc.want, log)
			}
		})
	}
}
