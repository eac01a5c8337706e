// Package top is the part of the kubenexus command that shows what a cluster does, live: its queues, the gangs that wait, and those that
// run.
package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

const (
	// pause is the shortest time between two frames, and stale the longest: ages grow even if nothing changes.
	pause = 500 * time.Millisecond
	stale = 5 * time.Second
	// restful is how many times longer than it takes to make a frame the pause is at least.
	restful = 3
)

// NewCommand returns the command that shows what a cluster does.
func NewCommand() *cobra.Command {
	options := cluster.NewOptions()
	var once bool
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch queues, waiting gangs and running gangs, live",
		Long: `top shows what the cluster does: how much of its CPU, its memory and each device pods request, the queues with their shares,
the gangs that wait in the order of their queues, and the gangs that run, the largest first. The mark in the bar of a queue is its
fair share.

On a terminal it fills the screen, and follows the cluster at most twice a second; q or Ctrl-C ends it. Elsewhere, or with --once, it
writes all of it once.

You need the right to list and watch the pods of all namespaces and the nodes. Without the right to read the ConfigMap that
configures the queues, all gangs are shown in one queue.

Exit codes: 0 if you ended it, or everything was written once; 1 if the cluster cannot be read.`,
		Example: `  # live
  kubenexus top

  # once, for a ticket
  kubenexus top > now.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			configMap, err := options.Queues()
			if err != nil {
				return err
			}
			client, _, err := options.Connect()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			w := watch{client: client, configMap: configMap, schedulers: options.Schedulers}
			if screen := screenOf(cmd.InOrStdin(), cmd.OutOrStdout()); screen != nil && !once {
				return w.live(ctx, screen)
			}
			return w.once(ctx, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&once, "once", false, "write everything once, on a terminal too")
	options.AddQueueFlag(flags)
	options.AddFlags(flags)
	return cmd
}

// watch makes frames of a cluster.
type watch struct {
	client     kubernetes.Interface
	configMap  types.NamespacedName
	schedulers []string
}

// once writes one frame.
func (w *watch) once(ctx context.Context, out io.Writer) error {
	nodes, err := gangread.ListNodes(ctx, w.client)
	if err != nil {
		return err
	}
	pods, err := gangread.List(ctx, w.client, metav1.NamespaceAll)
	if err != nil {
		return err
	}
	config, notes := w.queues(ctx)
	f := frameOf(gangread.Cluster{Pods: pods, Nodes: nodes, Queues: config, Schedulers: w.schedulers}, notes, time.Now())
	for _, line := range f.lines(0, 0) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			if errors.Is(err, syscall.EPIPE) {
				return nil
			}
			return err
		}
	}
	return nil
}

// queues returns the configuration of the queues, or the default queue alone with a note that says why.
func (w *watch) queues(ctx context.Context) (queue.Config, []string) {
	config, _, err := gangread.Queues(ctx, w.client, w.configMap)
	if err != nil {
		return queue.Config{Queues: []queue.Queue{queue.NewQueue(queue.Default)}}, []string{"The queues are not known: " + err.Error()}
	}
	return config, nil
}

// live shows frames until the user ends it.
func (w *watch) live(ctx context.Context, s *screen) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	live, err := gangread.Follow(ctx, w.client, metav1.NamespaceAll, true)
	if err != nil {
		return err
	}
	if err := live.Sync(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("reading the cluster: %w", err)
	}
	leave, err := s.enter(end)
	if err != nil {
		return err
	}
	defer leave()
	for {
		begin := time.Now()
		config, notes := w.queues(ctx)
		f := frameOf(gangread.Cluster{Pods: live.Pods(), Nodes: live.Nodes(), Queues: config, Schedulers: w.schedulers}, notes, begin)
		if err := s.draw(&f); err != nil {
			return fmt.Errorf("writing to the terminal: %w", err)
		}
		next := time.NewTimer(max(pause, restful*time.Since(begin)))
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-next.C:
		}
		again := time.NewTimer(stale)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case err := <-live.Failed():
			again.Stop()
			return fmt.Errorf("following the cluster: %w", err)
		case <-live.Changed():
		case <-again.C:
		}
		again.Stop()
	}
}

// screenOf returns the terminal that the command is used on, or nil.
func screenOf(in io.Reader, out io.Writer) *screen {
	from, isFile := in.(*os.File)
	to, alsoFile := out.(*os.File)
	if !isFile || !alsoFile || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return terminal(from, to)
}
