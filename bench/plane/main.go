// plane runs only etcd and kube-apiserver, for the benchmark. It is a separate process so that its usage is measured separately, and
// because feature gates are global to a process.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

func main() {
	// cobra adds these flags to every command, and packages of Kubernetes add a --version flag.
	pflag.CommandLine = pflag.NewFlagSet(os.Args[0], pflag.ContinueOnError)
	if err := command().Execute(); err != nil {
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := controlplane.Options{Bare: true}
	cmd := &cobra.Command{
		Use:          "plane [-- flags of kube-apiserver]",
		Short:        "Run etcd and kube-apiserver; print the path of a kubeconfig when they are ready",
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.APIServerArgs = args
			return run(cmd, o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "", "parent of the temporary directory")
	cmd.Flags().StringVar(&o.LogFile, "log", "", "log file")
	return cmd
}

// garbage is the value of GOGC. It is high because the API server shares the machine with the scheduler that is measured.
const garbage = 400

func run(cmd *cobra.Command, o controlplane.Options) error {
	debug.SetGCPercent(garbage)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// If its context ends before it is ready, an API server ends the process without cleaning up.
	cp, err := controlplane.Start(context.WithoutCancel(ctx), o)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), cp.Kubeconfig())
	select {
	case <-ctx.Done():
	case <-cp.Done():
		err = cp.Err()
	}
	if stopped := cp.Stop(); err == nil {
		err = stopped
	}
	return err
}
