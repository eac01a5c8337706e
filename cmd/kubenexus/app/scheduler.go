package app

import (
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/logs"

	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

// newScheduler returns the command of the scheduler, which is also a program of its own, as a part of this one.
func newScheduler() *cobra.Command {
	cmd := scheduler.NewCommand()
	cmd.Use = "scheduler"
	cmd.Short = "Run the scheduler, as kubenexus-scheduler does"
	cmd.Example = strings.ReplaceAll(cmd.Example, scheduler.Name+" ", "kubenexus scheduler ")
	prepare, run := cmd.PersistentPreRunE, cmd.RunE
	cmd.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		logs.InitLogs()
		return prepare(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		defer logs.FlushLogs()
		return run(cmd, args)
	}
	return cmd
}
