// plane runs etcd and kube-apiserver, and nothing else, for the benchmark. It is a process of its own so that what they
// use is counted apart from what watches and creates, and because feature gates are global to a process.
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
	// cobra adds what is in there to every command, and Kubernetes' packages put a --version of theirs into it.
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

// garbage is how much the heap may grow, in percent, before it is cleaned: an API server has a machine of its own for that,
// and what it takes here is missing to whom is measured.
const garbage = 400

func run(cmd *cobra.Command, o controlplane.Options) error {
	debug.SetGCPercent(garbage)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// An API server that is stopped before it is ready ends the process without cleaning up.
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
