// Package gangs is the part of the kubenexus command that shows the gangs of a cluster. It reads pods only, so everybody may use it who may
// list pods.
package gangs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// options are what the user asks for.
type options struct {
	cluster *cluster.Options
	all     bool
	output  string
}

// NewCommand returns the command that shows gangs.
func NewCommand() *cobra.Command {
	o := options{cluster: cluster.NewOptions()}
	cmd := &cobra.Command{
		Use:     "gangs [NAME...]",
		Aliases: []string{"gang"},
		Short:   "Show which gangs run or wait, and why",
		Long: `gangs shows the gangs of a namespace, or of all with -A: how many pods each has and needs, how many of them have a node, its
phase, its age, and why it waits. It reads the pods of the cluster and nothing else; you need the right to list pods.

PODS are the pods that count, of how many have to start together. WHY is what the scheduler says on the waiting pods.

Phases:
  Incomplete   there are fewer pods than have to start together
  Ready        all of them exist, and wait for capacity or for their turn
  Running      the gang was started; pods that are created later join it
  Disagreeing  pods say different things, such as how many have to start together: none of them starts
  Unbound      no pod says how many have to start together: each starts on its own

Gangs of which all pods have ended are not shown. Below the table are the pods that belong to no gang because their
annotations cannot be followed.

Exit codes: 0 if the gangs were shown; 1 if not, or if a gang that you named does not exist.`,
		Example: `  # the gangs of the namespace of your kubeconfig
  kubenexus gangs

  # all gangs that you may see, with their nodes
  kubenexus gangs -A -o wide

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
	flags.StringVarP(&o.output, "output", "o", "", "one of wide, json, yaml and name; without it, a table")
	o.cluster.AddFlags(flags)
	return cmd
}

func (o *options) run(ctx context.Context, out, problems io.Writer, names []string) error {
	show, known := printers[o.output]
	if !known {
		return fmt.Errorf("--output is %q: it can be wide, json, yaml or name", o.output)
	}
	client, namespace, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	where := "namespace " + namespace
	if o.all {
		namespace, where = metav1.NamespaceAll, "any namespace"
	}
	pods, err := gangread.List(ctx, client, namespace)
	if err != nil {
		return err
	}
	now := time.Now()
	gangs, err := named(gangread.Among(pods, o.cluster.Schedulers, now), names, where)
	if err != nil {
		return err
	}
	if len(gangs.Items)+len(gangs.Invalid) == 0 && (o.output == "" || o.output == "wide") {
		_, err := fmt.Fprintf(problems, "No gangs found in %s.\n", where)
		return err
	}
	return show(out, gangs, o.all)
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
		return gangread.Gangs{}, fmt.Errorf("no gang %s runs or waits in %s (kubenexus gangs -A shows all)", strings.Join(missing, ", "), where)
	}
	gangs.Items = slices.DeleteFunc(gangs.Items, func(g gangread.Gang) bool { return !slices.Contains(names, g.Key.Name) })
	gangs.Invalid = nil
	return gangs, nil
}
