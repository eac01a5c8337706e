// Package queues is the part of the kubenexus command that looks at queues.
package queues

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/bars"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// NewCommand returns the command that shows queues, with those below it.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "queues",
		Aliases: []string{"queue"},
		Short:   "Show what queues use and may use, and check their configuration",
		Long:    showLong,
		Example: `  # the queues, with what they use
  kubenexus queues

  # all resources, and the fair share of each
  kubenexus queues -o wide

  # for a script
  kubenexus queues -o json`,
	}
	show := shower{cluster: cluster.NewOptions()}
	show.addTo(cmd)
	cmd.AddCommand(newCheck())
	return cmd
}

// newCheck returns the command that checks a configuration.
func newCheck() *cobra.Command {
	var file, output string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with a configuration of queues, or what it means",
		Long: `check reads a configuration of queues as the scheduler does, and says what is wrong with it: each problem on a line of its
own, with the path of its field. If nothing is wrong it shows the queues, with what they inherit from their parents and what
they have by default.

It takes queues.yaml alone, or a manifest with the ConfigMap that has it:

  apiVersion: v1
  kind: ConfigMap
  metadata:
    name: kubenexus-queues
    namespace: kube-system
  data:
    queues.yaml: |
      apiVersion: kubenexus.io/v1alpha1
      kind: QueueConfiguration
      queues:
      - name: research
        weight: 3
        guarantee: {nvidia.com/gpu: "16"}
      - name: batch

Exit codes: 0 if nothing is wrong; 1 if something is, or the file cannot be read.`,
		Example: `  # a file, before it is applied
  kubenexus queues check -f queues.yaml

  # what is in the cluster
  kubectl -n kube-system get configmap kubenexus-queues -o yaml | kubenexus queues check -f -

  # what the chart makes
  helm template charts/kubenexus -f values.yaml --show-only templates/queues.yaml | kubenexus queues check -f -

  # the configuration with nothing left out
  kubenexus queues check -f queues.yaml -o yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			show, known := map[string]func(io.Writer, string, queue.Config) error{"": asTable, "json": asJSON, "yaml": asYAML}[output]
			if !known {
				return fmt.Errorf("--output is %q: it can be json or yaml", output)
			}
			text, err := read(file, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return check(cmd.OutOrStdout(), file, text, show)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "filename", "f", "", "the file with queues.yaml, or with a manifest of its ConfigMap; - for standard input")
	flags.StringVarP(&output, "output", "o", "", "print the configuration with nothing left out, as json or yaml")
	cobra.CheckErr(cmd.MarkFlagRequired("filename"))
	return cmd
}

// maxFile is how many bytes of a file are read: more than a ConfigMap can have.
const maxFile = 4 << 20

// read returns the text of a file, or of standard input for -.
func read(file string, stdin io.Reader) ([]byte, error) {
	from := stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close() //nolint:errcheck // closing a file that was only read
		from = opened
	}
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", file, err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", file, maxFile)
	}
	return text, nil
}

// check prints what is wrong with a configuration, or else shows it.
func check(w io.Writer, file string, text []byte, show func(io.Writer, string, queue.Config) error) error {
	text, err := unwrap(text)
	var config queue.Config
	if err == nil {
		config, err = queueconfig.Parse(text)
	}
	if err == nil {
		return show(w, file, config)
	}
	problems, refused := errors.AsType[queueconfig.Problems](err)
	if !refused {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, problem := range problems.Lines() {
		fmt.Fprintf(w, "%s: %s\n", file, problem)
	}
	return fmt.Errorf("%s: the scheduler would refuse it, and keep the configuration that it has", file)
}

// asTable prints the tree of queues.
func asTable(w io.Writer, file string, config queue.Config) error {
	all := rows(nil, queueconfig.NewDocument(config).Queues, "")
	counted := fmt.Sprintf("%d queues", len(all))
	if len(all) == 1 {
		counted = "1 queue"
	}
	fmt.Fprintf(w, "%s: %s, no problems\n\n", file, counted)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NAME\tWEIGHT\tPRIORITY\tGUARANTEE\tLIMIT\tORDER\tMAX WAIT\tNAMESPACES")
	for _, row := range all {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// rows adds a row for each queue: those below it follow, indented.
func rows(all [][]string, queues []queueconfig.Resolved, indent string) [][]string {
	for i := range queues {
		q := &queues[i]
		namespaces := "all"
		if len(q.Namespaces) > 0 {
			namespaces = strings.Join(q.Namespaces, ", ")
		}
		all = append(all, []string{
			indent + q.Name, fmt.Sprint(q.Weight), fmt.Sprint(q.Priority), bars.Amounts(q.Guarantee, nil),
			bars.Amounts(q.Limit, nil), q.Order, q.MaxWait, namespaces,
		})
		all = rows(all, q.Queues, indent+"  ")
	}
	return all
}

func asJSON(w io.Writer, _ string, config queue.Config) error {
	return document.JSON(w, queueconfig.NewDocument(config))
}

func asYAML(w io.Writer, _ string, config queue.Config) error {
	return document.YAML(w, queueconfig.NewDocument(config))
}
