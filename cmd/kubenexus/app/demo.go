package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/internal/demo"
	"github.com/kubenexus/kubenexus-scheduler/internal/demo/view"
)

// newDemo returns the command that shows gangs start.
func newDemo() *cobra.Command {
	var gpus int
	o := demo.Options{Command: commandLine, Execute: Execute}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch gangs wait and start, on a control plane that comes along",
		Long: `demo starts etcd, kube-apiserver, controllers, simulated nodes and the scheduler, and applies manifests. It shows how
many of its pods each gang has, which pods wait and why, and when a gang was released.

Everything except the nodes is real. A pod that is bound to a node counts as running; its containers are not started.
A pod with the annotation demo.kubenexus.io/run-for: "5s" ends after that time, so that Jobs complete.

Without -f it applies the manifests in examples/ step by step, and checks each step through the API:
  1. a gang with two of its three pods waits; when the third is created, all start
  2. a Spark job of 11 pods starts at once
  3. a Job's pods start together, and complete
  4. a gang that does not fit waits and holds nothing, until there are more nodes
  5. a gang that asks for one rack gets one, on new nodes with GPUs
  6. a gang of one team uses what is free, until another team takes back what its queue is guaranteed
Twice it shows what a kubenexus command prints then.

With -f it applies your manifests, of any kind, and ends when all pods have a node, or when some wait and nothing
changes anymore; it then prints which pods wait and why. Pods must name kubenexus-scheduler or batch-scheduler.

With --page it serves the web page of kubenexus serve for its cluster, prints the address and a token that may see everything,
and keeps running at the end until Ctrl-C.

It needs no privileges, listens on 127.0.0.1 only, and removes its files when it ends.

Exit codes: 0 if every step succeeded, or if your manifests were applied and nothing changes anymore, even if pods
wait; 1 if not, with the reason; 130 if you stopped it (Ctrl-C).`,
		Example: `  # all steps, in less than a minute
  kubenexus demo

  # all steps, and the web page to see them in a browser
  kubenexus demo --page

  # your own manifests, on ten nodes with 8 GPUs each
  kubenexus demo -f job.yaml -f queue/ --nodes 10 --node-cpu 64 --node-gpus 8

  # from a pipe, and keep the cluster running for kubectl
  helm template my-chart | kubenexus demo -f - --keep`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkStory(cmd, &o); err != nil {
				return err
			}
			if gpus > 0 {
				o.Shape.Extended = map[string]string{"nvidia.com/gpu": strconv.Itoa(gpus)}
			}
			o.Keep = o.Keep || o.Page
			return runDemo(cmd, &o)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.Files, "filename", "f", nil,
		"manifests to apply instead of the steps: a file, a directory, a URL, or - for standard input; repeatable")
	flags.IntVar(&o.Nodes, "nodes", demo.DefaultNodes, "number of nodes (only with -f, like the next four flags)")
	flags.StringVar(&o.Shape.CPU, "node-cpu", demo.DefaultCPU, "CPU of each node")
	flags.StringVar(&o.Shape.Memory, "node-memory", "32Gi", "memory of each node")
	flags.IntVar(&o.Shape.Pods, "node-pods", 110, "pods that each node can run")
	flags.IntVar(&gpus, "node-gpus", 0, "GPUs of each node (nvidia.com/gpu)")
	flags.BoolVar(&o.Keep, "keep", false, "keep everything running at the end, for kubectl, until Ctrl-C")
	flags.BoolVar(&o.Page, "page", false, "serve the web page, and keep everything running at the end, until Ctrl-C")
	flags.DurationVar(&o.Timeout, "timeout", 2*time.Minute, "how long it may take, not counting --keep and --page")
	return cmd
}

// checkStory refuses flags that the story does not go with.
func checkStory(cmd *cobra.Command, o *demo.Options) error {
	if len(o.Files) > 0 {
		return nil
	}
	for _, name := range []string{"nodes", "node-cpu", "node-memory", "node-pods", "node-gpus"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s goes with -f: the story has its own %d nodes with %s CPU, or it would go another way",
				name, demo.DefaultNodes, demo.DefaultCPU)
		}
	}
	return nil
}

func runDemo(cmd *cobra.Command, o *demo.Options) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	err := demo.Run(ctx, *o, view.ForOutput(cmd.OutOrStdout()))
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errInterrupted, err)
	}
	return err
}

// commandLine returns what the user types to run the demo with these arguments.
func commandLine(args string) string {
	self, err := os.Executable()
	if err == nil && strings.Contains(filepath.Dir(self), "go-build") {
		return fmt.Sprintf("make demo ARGS='%s'", args) // it was started by go run
	}
	return "kubenexus demo " + args
}
