// Package gangs is the part of the kubenexus command that shows the gangs of a cluster. It reads pods, so everybody may use it who may
// list pods, and the queues from those who may read them.
package gangs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// options are what the user asks for.
type options struct {
	cluster *cluster.Options
	all     bool
	output  string
	follow  bool
}

// NewCommand returns the command that shows gangs.
func NewCommand() *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:     "gangs [NAME...]",
		Aliases: []string{"gang"},
		Short:   "Show which gangs run or wait, and why",
		Long: `gangs shows the gangs of a namespace, or of all with -A: how many pods each has and needs, how many of them have a node, its
phase, its age, and why it waits. It reads the pods of the cluster; you need the right to list them, and for -w to watch them. If
queues are configured and you may read their ConfigMap, the queue is the one that the gang is in even if its pods name none, and
-o wide has the number of gangs that go before it there, if you may list the pods of all namespaces.

PODS are the pods that count, of how many have to start together. WHY is what the scheduler says on the waiting pods.

Phases:
  Incomplete   there are fewer pods than have to start together
  Ready        all of them exist, and wait for capacity or for their turn
  Running      the gang was started; pods that are created later join it
  Disagreeing  pods say different things, such as how many have to start together: none of them starts
  Unbound      no pod says how many have to start together: each starts on its own

Gangs of which all pods have ended are not shown. Below the table are the pods that belong to no gang because their
annotations cannot be followed.

With -w, a gang whose pods have all ended is shown once more with the phase Ended, and one whose pods are gone with Deleted. With
-o json and -o yaml, each gang is a document of its own.

Exit codes: 0 if the gangs were shown, also if you end -w; 1 if not, or if a gang that you named does not exist.`,
		Example: `  # the gangs of the namespace of your kubeconfig
  kubenexus gangs

  # all gangs that you may see, with their nodes
  kubenexus gangs -A -o wide

  # the gangs, and a line for each that changes
  kubenexus gangs -w

  # one gang, with its pods, for a script
  kubenexus gangs spark-job-123 -n team-a -o json

  # the names of all gangs
  kubenexus gangs -o name`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), names)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.all, "all-namespaces", "A", false, "show the gangs of all namespaces")
	flags.BoolVarP(&o.follow, "watch", "w", false, "after the gangs, show each that changes, until you press Ctrl-C")
	flags.StringVarP(&o.output, "output", "o", "", "one of wide, json, yaml and name; without it, a table")
	o.cluster.AddQueueFlag(flags)
	o.cluster.AddFlags(flags)
	return cmd
}

func (o *options) run(ctx context.Context, out, problems io.Writer, names []string) error {
	show, known := printers[o.output]
	if !known {
		return fmt.Errorf("--output is %q: it can be wide, json, yaml or name", o.output)
	}
	t, err := o.target(ctx)
	if err != nil {
		return err
	}
	if o.follow {
		return o.watch(ctx, out, t, names)
	}
	pods, err := gangread.List(ctx, t.client, t.namespace)
	if err != nil {
		return err
	}
	now := time.Now()
	everywhere, all := o.everywhere(ctx, t, pods)
	gangs, err := named(t.place(gangread.Among(pods, o.cluster.Schedulers, now), everywhere, all, now), names, t.where)
	if err != nil {
		return err
	}
	if len(gangs.Items)+len(gangs.Invalid) == 0 && (o.output == "" || o.output == "wide") {
		_, err := fmt.Fprintf(problems, "No gangs found in %s.\n", t.where)
		return err
	}
	return show(out, gangs, o.all)
}

// target is where to look for gangs.
type target struct {
	client kubernetes.Interface
	// namespace is metav1.NamespaceAll for all of them; where says the same in words.
	namespace, where string
	// queues is the configuration of the queues, nil if there is none or the user may not read it.
	queues     *queue.Config
	schedulers []string
}

func (o *options) target(ctx context.Context) (*target, error) {
	configMap, err := o.cluster.Queues()
	if err != nil {
		return nil, err
	}
	client, namespace, err := o.cluster.Connect()
	if err != nil {
		return nil, err
	}
	t := &target{client: client, namespace: namespace, where: "namespace " + namespace, schedulers: o.cluster.Schedulers}
	if o.all {
		t.namespace, t.where = metav1.NamespaceAll, "any namespace"
	}
	if config, configured, err := gangread.Queues(ctx, client, configMap); configured && err == nil {
		t.queues = &config
	}
	return t, nil
}

// everywhere returns the pods of all namespaces if they are needed to tell the positions of gangs and may be read, or else the pods. all
// says whether they are those of all namespaces.
func (o *options) everywhere(ctx context.Context, t *target, pods []*corev1.Pod) (everywhere []*corev1.Pod, all bool) {
	if t.namespace == metav1.NamespaceAll {
		return pods, true
	}
	if t.queues == nil || o.output == "" || o.output == "name" {
		return pods, false
	}
	everywhere, err := gangread.List(ctx, t.client, metav1.NamespaceAll)
	if err != nil {
		return pods, false // the user may not: there are no positions then
	}
	return everywhere, true
}

// place adds the queues of the gangs, if they are known, and their positions if these are the pods of all namespaces.
func (t *target) place(gangs gangread.Gangs, pods []*corev1.Pod, all bool, now time.Time) gangread.Gangs {
	if t.queues == nil {
		return gangs
	}
	gangread.Stand(gangread.Cluster{Pods: pods, Queues: *t.queues, Schedulers: t.schedulers}, now).Place(gangs.Items)
	if all {
		return gangs
	}
	for i := range gangs.Items {
		gangs.Items[i].Position = nil // gangs of other namespaces may go first
	}
	return gangs
}

// named returns the gangs with these names, or all if there are none. Each name must be that of a gang.
func named(gangs gangread.Gangs, names []string, where string) (gangread.Gangs, error) {
	if len(names) == 0 {
		return gangs, nil
	}
	var missing []string
	for _, name := range names {
		if !slices.ContainsFunc(gangs.Items, func(g gangread.Gang) bool { return g.Key.Name == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return gangread.Gangs{}, fmt.Errorf("no gang %s runs or waits in %s (kubenexus gangs -A shows all)",
			strings.Join(missing, ", "), where)
	}
	return only(gangs, names), nil
}

// only returns the gangs with these names.
func only(gangs gangread.Gangs, names []string) gangread.Gangs {
	gangs.Items = slices.DeleteFunc(gangs.Items, func(g gangread.Gang) bool { return !slices.Contains(names, g.Key.Name) })
	gangs.Invalid = nil
	return gangs
}
