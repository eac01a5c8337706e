package whatif

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/explain"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// most is how many nodes and victims are listed as text.
const most = 40

type printer func(io.Writer, *answers.Forecast) error

//nolint:gochecknoglobals // a constant table
var printers = map[string]printer{"": asText, "json": asJSON, "yaml": asYAML}

// printerOf returns the way to print an answer, by the value of --output.
func printerOf(output string) (printer, error) {
	show, known := printers[output]
	if !known {
		return nil, fmt.Errorf("--output is %q: it can be json or yaml", output)
	}
	return show, nil
}

func asJSON(w io.Writer, f *answers.Forecast) error {
	return document.JSON(w, f)
}

func asYAML(w io.Writer, f *answers.Forecast) error {
	return document.YAML(w, f)
}

// asText prints the answer for people: first what would happen, then where, then who would have to go.
func asText(w io.Writer, f *answers.Forecast) error {
	for _, line := range explain.Summary(f) {
		fmt.Fprintln(w, line)
	}
	if f.Outcome != answers.Rejected {
		fmt.Fprintf(w, "Pods: %d of %d would have a node", f.Placed, f.Pods)
		if f.MinAvailable > 0 {
			fmt.Fprintf(w, "; %d have to start together", f.MinAvailable)
		}
		fmt.Fprintln(w, ".")
	}
	for _, d := range f.Domains {
		fmt.Fprintf(w, "All of them in %s %s.\n", d.Key, d.Name)
	}
	if len(f.Nodes) > 0 {
		fmt.Fprintln(w)
		if err := nodes(w, f.Nodes); err != nil {
			return err
		}
	}
	return victims(w, f)
}

func nodes(w io.Writer, all []answers.NodeShare) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NODE\tPODS")
	for i, node := range all {
		if i == most {
			fmt.Fprintf(table, "... and %s\n", words.Count(len(all)-most, "more node"))
			break
		}
		fmt.Fprintf(table, "%s\t%d\n", node.Name, node.Pods)
	}
	return table.Flush()
}

// victims prints who would have to go.
func victims(w io.Writer, f *answers.Forecast) error {
	if len(f.Victims)+f.HiddenVictims == 0 {
		return nil
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if len(f.Victims) > 0 {
		fmt.Fprintln(table, "PREEMPTED\tGANG\tNODE\tPRIORITY\tREASON")
	}
	for i := range f.Victims {
		if i == most {
			fmt.Fprintf(table, "... and %s\n", words.Count(len(f.Victims)-most, "more pod"))
			break
		}
		v := &f.Victims[i]
		fmt.Fprintf(table, "%s/%s\t%s\t%s\t%d\t%s\n", v.Namespace, v.Name, words.OrDash(v.Gang), v.Node, v.Priority, v.Reason)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if f.HiddenVictims > 0 {
		fmt.Fprintf(w, "%s would be preempted in namespaces that you may not see.\n", words.Count(f.HiddenVictims, "pod"))
	}
	if f.BudgetsBroken > 0 {
		fmt.Fprintf(w, "%s more than PodDisruptionBudgets allow.\n", words.Count(f.BudgetsBroken, "disruption"))
	}
	return nil
}
