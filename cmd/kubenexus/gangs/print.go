package gangs

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// printer prints gangs; all says that they are of all namespaces.
type printer func(out io.Writer, gangs gangread.Gangs, all bool) error

//nolint:gochecknoglobals // a constant table
var printers = map[string]printer{"": asTable, "wide": asWideTable, "json": asJSON, "yaml": asYAML, "name": asNames}

// List is what -o json and -o yaml print.
type List struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	gangread.Gangs
}

func listOf(gangs gangread.Gangs) List {
	return List{APIVersion: "kubenexus.io/v1alpha1", Kind: "GangList", Gangs: gangs}
}

func asJSON(out io.Writer, gangs gangread.Gangs, _ bool) error {
	return document.JSON(out, listOf(gangs))
}

func asYAML(out io.Writer, gangs gangread.Gangs, _ bool) error {
	return document.YAML(out, listOf(gangs))
}

func asNames(out io.Writer, gangs gangread.Gangs, _ bool) error {
	for i := range gangs.Items {
		if _, err := fmt.Fprintln(out, "gang/"+gangs.Items[i].Key.Name); err != nil {
			return err
		}
	}
	return nil
}

func asTable(out io.Writer, gangs gangread.Gangs, all bool) error {
	return table(out, gangs, all, false)
}

func asWideTable(out io.Writer, gangs gangread.Gangs, all bool) error {
	return table(out, gangs, all, true)
}

// cell is a column of the table.
type cell struct {
	title string
	wide  bool
	text  func(g *gangread.Gang) string
}

//nolint:gochecknoglobals // a constant table
var cells = []cell{
	{"GANG", false, func(g *gangread.Gang) string { return g.Key.Name }},
	{"PODS", false, podsOf},
	{"STARTED", false, func(g *gangread.Gang) string { return strconv.Itoa(g.Needs.Running) }},
	{"PHASE", false, func(g *gangread.Gang) string { return string(g.Phase) }},
	{"QUEUE", false, func(g *gangread.Gang) string { return g.Queue }},
	{ageTitle, false, func(g *gangread.Gang) string { return words.Age(g.Created, g.At) }},
	{"POSITION", true, positionOf},
	{"SCHEDULER", true, func(g *gangread.Gang) string { return g.Scheduler }},
	{"ROLES", true, rolesOf},
	{"NODES", true, nodesOf},
	{"WHY", false, func(g *gangread.Gang) string { return g.Reason }},
}

// gap is how many spaces are between two columns, and ageTitle the title of the one that changes by itself.
const (
	gap      = 3
	ageTitle = "AGE"
)

// columnsOf returns the columns of a table.
func columnsOf(all, wide bool) []cell {
	var columns []cell
	if all {
		columns = append(columns, cell{"NAMESPACE", false, func(g *gangread.Gang) string { return g.Key.Namespace }})
	}
	for _, c := range cells {
		if wide || !c.wide {
			columns = append(columns, c)
		}
	}
	return columns
}

func table(out io.Writer, gangs gangread.Gangs, all, wide bool) error {
	columns := columnsOf(all, wide)
	aligned := tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.title
	}
	fmt.Fprintln(aligned, strings.Join(row, "\t"))
	for g := range gangs.Items {
		for i, c := range columns {
			row[i] = words.OrDash(words.OneLine(c.text(&gangs.Items[g])))
		}
		fmt.Fprintln(aligned, strings.Join(row, "\t"))
	}
	if err := aligned.Flush(); err != nil {
		return err
	}
	for _, pod := range gangs.Invalid {
		if err := printInvalid(out, pod); err != nil {
			return err
		}
	}
	return nil
}

func printInvalid(out io.Writer, pod gangread.InvalidPod) error {
	_, err := fmt.Fprintf(out, "Pod %s/%s is in no gang: %s\n", pod.Namespace, pod.Name, words.OneLine(pod.Reason))
	return err
}

// podsOf says how many pods count, of how many that have to start together.
func podsOf(g *gangread.Gang) string {
	if g.Needs.MinAvailable == 0 {
		return strconv.Itoa(g.Needs.Have)
	}
	return fmt.Sprintf("%d of %d", g.Needs.Have, g.Needs.MinAvailable)
}

// rolesOf says of each role how many pods count, of how many that it needs.
func rolesOf(g *gangread.Gang) string {
	texts := make([]string, len(g.Needs.Roles))
	for i, r := range g.Needs.Roles {
		texts[i] = fmt.Sprintf("%s=%d/%d", r.Name, r.Have, r.Min)
	}
	return strings.Join(texts, ",")
}

// positionOf says how many gangs of the queue go before a gang that waits.
func positionOf(g *gangread.Gang) string {
	if g.Position == nil {
		return ""
	}
	return strconv.Itoa(*g.Position)
}

// mostNodes is how many names of nodes a table shows.
const mostNodes = 3

func nodesOf(g *gangread.Gang) string {
	names := make([]string, 0, mostNodes)
	for i, node := range g.Nodes {
		if i == mostNodes {
			return strings.Join(names, ",") + fmt.Sprintf(" and %d more", len(g.Nodes)-mostNodes)
		}
		names = append(names, node.Name)
	}
	return strings.Join(names, ",")
}
