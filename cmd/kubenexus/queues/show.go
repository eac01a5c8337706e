package queues

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/bars"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// List is what -o json and -o yaml print.
type List struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	answers.Queues
}

// printer prints queues as they are at a time.
type printer func(out io.Writer, all answers.Queues, now time.Time) error

// printers are the ways to print queues, by the value of --output.
//
//nolint:gochecknoglobals // a constant table
var printers = map[string]printer{
	"":     func(out io.Writer, all answers.Queues, now time.Time) error { return treeOf(out, all, now, false) },
	"wide": func(out io.Writer, all answers.Queues, now time.Time) error { return treeOf(out, all, now, true) },
	"json": func(out io.Writer, all answers.Queues, _ time.Time) error { return document.JSON(out, listOf(all)) },
	"yaml": func(out io.Writer, all answers.Queues, _ time.Time) error { return document.YAML(out, listOf(all)) },
	"name": func(out io.Writer, all answers.Queues, _ time.Time) error {
		for i := range all.Items {
			if _, err := fmt.Fprintln(out, "queue/"+all.Items[i].Name); err != nil {
				return err
			}
		}
		return nil
	},
}

func listOf(all answers.Queues) List {
	return List{APIVersion: "kubenexus.io/v1alpha1", Kind: "QueueList", Queues: all}
}

// shower shows the queues of a cluster.
type shower struct {
	cluster *cluster.Options
	output  string
}

func (s *shower) run(ctx context.Context, out, notes io.Writer) error {
	show, known := printers[s.output]
	if !known {
		return fmt.Errorf("--output is %q: it can be wide, json, yaml or name", s.output)
	}
	configMap, err := s.cluster.Queues()
	if err != nil {
		return err
	}
	client, _, err := s.cluster.Connect()
	if err != nil {
		return err
	}
	config, configured, err := gangread.Queues(ctx, client, configMap)
	if problems, bad := errors.AsType[queueconfig.Problems](err); bad {
		for _, problem := range problems.Lines() {
			fmt.Fprintf(notes, "%s: %s\n", configMap, problem)
		}
		return fmt.Errorf("the scheduler refuses ConfigMap %s, and keeps the configuration before it: correct the fields above", configMap)
	}
	if err != nil {
		return err
	}
	if !configured {
		fmt.Fprintf(notes, "No queues are configured: there is no ConfigMap %s. All gangs are in one queue, default.\n", configMap)
	}
	nodes, err := gangread.ListNodes(ctx, client)
	if err != nil {
		return err
	}
	pods, err := gangread.List(ctx, client, metav1.NamespaceAll)
	if err != nil {
		return err
	}
	now := time.Now()
	all := gangread.Stand(gangread.Cluster{Pods: pods, Nodes: nodes, Queues: config, Schedulers: s.cluster.Schedulers}, now)
	return show(out, all.Queues(), now)
}

// treeOf prints the queues, those below another indented.
func treeOf(out io.Writer, all answers.Queues, now time.Time, wide bool) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	titles := []string{"QUEUE", "SHARE", "WAITING", "HEAD", "USES", "GUARANTEE", "LIMIT"}
	if wide {
		titles = append(titles, "FAIR SHARE", "WEIGHT")
	}
	fmt.Fprintln(table, strings.Join(titles, "\t"))
	shown := bars.Shown(all, wide)
	for i := range all.Items {
		q := &all.Items[i]
		row := []string{
			strings.Repeat("  ", q.Depth) + q.Name, bars.Of(q, all.Capacity), fmt.Sprint(q.Waiting),
			words.OrDash(words.Age(q.OldestAt, now)), bars.Amounts(q.Uses, shown), bars.Amounts(q.Guarantee, nil),
			bars.Amounts(q.Limit, nil),
		}
		if wide {
			row = append(row, bars.Amounts(q.FairShare, shown), fmt.Sprint(q.Weight))
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

const showLong = `queues shows the queues as a tree: what each uses, what it is guaranteed and limited to, how many gangs wait in it
and in those below it, and since when the first of them does. Gangs are counted as the scheduler counts them; a pod without a gang
counts as one.

SHARE is the part of the cluster that the queue uses, of the resource of which it uses the most. The mark ` + bars.Mark + ` in the bar is
its fair share: what it could use now if every queue used what it may.

It reads the ConfigMap that configures the queues, the pods and the nodes; you need the right to get the first and to list the
others. Capacity that the scheduler holds for gangs, and pods that are just being bound, do not show.

Exit codes: 0 if the queues were shown; 1 if not, or if the scheduler refuses the configuration.`

// addTo makes a command show queues.
func (s *shower) addTo(cmd *cobra.Command) {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return s.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.output, "output", "o", "", "one of wide, json, yaml and name; without it, a table")
	s.cluster.AddQueueFlag(flags)
	s.cluster.AddFlags(flags)
}
