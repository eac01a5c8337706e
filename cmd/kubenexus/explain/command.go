// Package explain is the part of the kubenexus command that tells all that is known of one gang or pod: what it is, what happened to it,
// why it waits, what would happen now, and what would help. It reads the API server, and asks the scheduler if it can be reached.
package explain

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// printer prints a story.
type printer func(out io.Writer, s *Story) error

// printers are the ways to print a story, by the value of --output.
//
//nolint:gochecknoglobals // a constant table
var printers = map[string]printer{"": asText, "json": asJSON, "yaml": asYAML}

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
	cmd.AddCommand(newOf("gang", "kubenexus explain gang spark-job-123 -n team-a", (*options).gang),
		newOf("pod", "kubenexus explain pod spark-job-123-exec-4 -o json", (*options).pod))
	return cmd
}

// options are what the user asks for.
type options struct {
	cluster   *cluster.Options
	scheduler cluster.SchedulerOptions
	output    string
}

// newOf returns the command that explains one kind of things.
func newOf(what, example string, find func(*options, context.Context, reader, string) (Story, error)) *cobra.Command {
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
			story, err := find(&o, cmd.Context(), r, args[0])
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

func (o *options) reader() (reader, error) {
	configMap, err := o.cluster.Queues()
	if err != nil {
		return reader{}, err
	}
	scheduler, err := o.cluster.Scheduler(o.scheduler)
	if err != nil {
		return reader{}, err
	}
	client, namespace, err := o.cluster.Connect()
	return reader{client: client, scheduler: scheduler, namespace: namespace, configMap: configMap}, err
}

// gang tells the story of a gang.
func (o *options) gang(ctx context.Context, r reader, name string) (Story, error) {
	found, err := r.cluster(ctx)
	if err != nil {
		return Story{}, err
	}
	now := time.Now()
	gangs := gangread.Among(found.pods, o.cluster.Schedulers, now)
	at := slices.IndexFunc(gangs.Items, func(g gangread.Gang) bool { return g.Key.Name == name })
	if at < 0 {
		return Story{}, fmt.Errorf("no gang %s runs or waits in namespace %s (kubenexus gangs -A shows all)", name, r.namespace)
	}
	return o.finish(ctx, r, found, nil, &gangs.Items[at], now), nil
}

// pod tells the story of a pod, and of its gang if it has one.
func (o *options) pod(ctx context.Context, r reader, name string) (Story, error) {
	pod, err := r.client.CoreV1().Pods(r.namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return Story{}, fmt.Errorf("there is no pod %s in namespace %s", name, r.namespace)
	case err != nil:
		return Story{}, fmt.Errorf("reading pod %s: %w", name, err)
	}
	found, err := r.cluster(ctx)
	if err != nil {
		return Story{}, err
	}
	now := time.Now()
	gangs := gangread.Among(found.pods, o.cluster.Schedulers, now)
	for i := range gangs.Items {
		for m := range gangs.Items[i].Members {
			if gangs.Items[i].Members[m].UID == string(pod.UID) {
				return o.finish(ctx, r, found, pod, &gangs.Items[i], now), nil
			}
		}
	}
	return o.finish(ctx, r, found, pod, nil, now), nil
}

// finish reads what the gang or the pod needs besides the cluster, asks the scheduler, and tells the story.
func (o *options) finish(ctx context.Context, r reader, found read, pod *corev1.Pod, of *gangread.Gang, now time.Time) Story {
	pods, taker := []*corev1.Pod{pod}, ""
	if of != nil {
		pods, taker = membersOf(of, found.pods), takerOf(of.Key)
	}
	var others sync.WaitGroup
	if of != nil {
		others.Go(func() { found.inQueue(ctx, r.scheduler, of, o.cluster.Schedulers, now) })
	}
	happened, leftOut := r.events(ctx, pods, taker)
	others.Wait()
	if found.queuesLeftOut != "" && found.uses == nil {
		found.leave(found.queuesLeftOut)
	}
	found.happened, found.leftOut = happened, slices.Concat(found.leftOut, leftOut, found.said.leftOut)
	return tell(found, pod, of, o.cluster.Schedulers, now)
}

// inQueue asks the scheduler about the gang. Its queue, and its position there, are what the scheduler says. If it does not answer, they
// are computed from the cluster, with the scheduler's rules: in a large cluster that takes a while.
func (f *read) inQueue(ctx context.Context, scheduler asker, of *gangread.Gang, schedulers []string, now time.Time) {
	f.said = askAbout(ctx, scheduler, of.Key)
	if f.said.gang != nil && (f.said.gang.Queue == "" || f.said.queues != nil) {
		f.uses = f.said.queues
		of.Queue, of.Position = cmp.Or(f.said.gang.Queue, of.Queue), f.said.gang.Position
		return
	}
	if f.queues == nil || !f.allPods || !f.nodesKnown {
		return
	}
	standings := gangread.Stand(gangread.Cluster{Pods: f.everywhere, Nodes: f.nodes, Queues: *f.queues, Schedulers: schedulers}, now)
	f.uses = new(standings.Queues())
	if name, position := standings.Of(of.Key); name != "" {
		of.Queue, of.Position = name, position
	}
}

func asJSON(out io.Writer, s *Story) error {
	return document.JSON(out, s)
}

func asYAML(out io.Writer, s *Story) error {
	return document.YAML(out, s)
}
