// bench measures how fast schedulers bind pods, and at what cost: this scheduler, kube-scheduler, and a client that only binds, with the
// same control plane, nodes and pods. See docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/suite"
)

// flags are the flags that are not options of the suite.
type flags struct {
	contenders []string
	bin, out   string
	name       string
	keepLogs   bool
}

func main() {
	// If the reader of our output exits, still clean up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once; its children end with it
	if err := command().ExecuteContext(ctx); err != nil {
		os.Exit(1) //nolint:gocritic // stop only restores signal handling
	}
}

func command() *cobra.Command {
	var o suite.Options
	var f flags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure schedulers side by side on an etcd and a kube-apiserver that come along",
		Long: `bench starts etcd and kube-apiserver, creates nodes that are mere objects, and runs one scheduler after the other on the
same pods. It writes tables to standard output, and to --out all raw figures, the tables and a plot. What is measured,
and how, is in docs/benchmarks.md. It needs Linux, listens on 127.0.0.1 only, and removes its temporary files.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), cmd.OutOrStdout(), &o, &f)
		},
	}
	flags := cmd.Flags()
	flags.IntSliceVar(&o.Nodes, "nodes", []int{100, 1000, 5000}, "numbers of nodes")
	flags.IntVar(&o.Pods, "pods", 5000, "pods of each throughput run")
	flags.IntVar(&o.SlowPods, "stock-gang-pods", 5000, "pods of each throughput run of stock-gang, at most --pods")
	flags.IntVar(&o.Runs, "runs", 3, "number of runs; the median counts")
	flags.StringSliceVar(&o.Modes, "modes", []string{report.First, report.While},
		"throughput: first (all pods exist when the scheduler starts), while (pods are created while it runs)")
	flags.StringSliceVar(&f.contenders, "contenders", contender.Names(),
		"what to compare; ours/gang-N and stock-gang-N go with any N")
	flags.StringSliceVar(&o.Scenarios, "scenarios",
		[]string{suite.Throughput, suite.Freed, suite.Waiting, suite.Footprint, suite.Preempt, suite.PreemptWaiting, suite.Topology},
		"what to measure")
	flags.IntVar(&o.Waiting, "waiting-pods", 50000, "scenario waiting: pods that wait, a multiple of 200")
	flags.IntVar(&o.Stream, "stream-pods", 2000, "scenarios waiting and preempt-waiting: pods that fit")
	flags.IntVar(&o.Preemptors, "preempt-pods", 500, "scenario preempt: pods that preempt others")
	flags.IntVar(&o.WaitingGangs, "waiting-gangs", 1000, "scenario preempt-waiting: gangs of 10 that wait and could preempt nothing")
	flags.IntVar(&o.Submissions, "submissions", 5000, "scenario submissions: Jobs that are submitted")
	flags.IntVar(&o.Repetitions, "repetitions", 20, "scenario freed: how many times capacity is freed")
	flags.DurationVar(&o.Timeout, "timeout", 3*time.Minute, "how long each run may take")
	flags.StringVar(&o.ProfileOf, "cpuprofile-of", "",
		"keep CPU and allocation profiles of the contenders whose names begin so, in <out>/profiles; they slow them down a little")
	flags.StringVar(&f.bin, "bin", "bin/bench", "directory of kube-scheduler, kubenexus-scheduler, kubenexus, plane and raw")
	flags.StringVar(&f.out, "out", "bench/results", "directory for results")
	flags.StringVar(&f.name, "name", "latest", "name of the results' files")
	flags.BoolVar(&f.keepLogs, "keep-logs", false, "keep the logs, in <out>/logs")
	return cmd
}

// run runs the benchmark and writes the results, even if the benchmark fails before its end.
func run(ctx context.Context, out io.Writer, o *suite.Options, f *flags) (err error) {
	for _, name := range f.contenders {
		c, err := contender.Parse(name)
		if err != nil {
			return err
		}
		o.Contenders = append(o.Contenders, c)
	}
	if err := o.Check(); err != nil {
		return err
	}
	o.Profiles = filepath.Join(f.out, "profiles")
	// Keep the path short: the path of a Unix socket below it may not exceed about 100 characters.
	if o.Env.Dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return fmt.Errorf("creating a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Env.Dir)) }()
	o.Env.Bin, o.Env.Logs = f.bin, filepath.Join(o.Env.Dir, "logs")
	if f.keepLogs {
		o.Env.Logs = filepath.Join(f.out, "logs")
	}
	if err := os.MkdirAll(o.Env.Logs, 0o755); err != nil {
		return fmt.Errorf("creating a directory for logs: %w", err)
	}

	// client-go logs every watch that the API server ends.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	result, err := suite.Run(ctx, o, out)
	if result.Empty() {
		return err
	}
	fmt.Fprint(out, result.Text())
	if written := result.Write(f.out, f.name); written != nil {
		return errors.Join(err, written)
	}
	fmt.Fprintf(out, "\nWritten to %s.json, .md and .svg\n", filepath.Join(f.out, f.name))
	return err
}
