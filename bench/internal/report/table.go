package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

// table is a table with a heading and notes.
type table struct {
	heading string
	columns []string
	rows    [][]string
	notes   []string
}

// tables returns all tables of the result.
func (r *Result) tables() []table {
	var all []table
	for _, mode := range []string{First, While} {
		for _, nodes := range r.Settings.Nodes {
			if found := r.throughput(mode, nodes); len(found) > 0 {
				all = append(all, r.throughputTable(mode, nodes, found))
			}
		}
	}
	if len(r.Freed) > 0 {
		all = append(all, r.freedTable())
	}
	if len(r.Waiting) > 0 {
		all = append(all, r.waitingTable())
	}
	for _, nodes := range r.Settings.Nodes {
		found := groups(r.Footprint, func(f *Footprint) string { return f.Contender }, func(f *Footprint) bool { return f.Nodes == nodes })
		if len(found) > 0 {
			all = append(all, footprintTable(found))
		}
	}
	for _, nodes := range r.Settings.Nodes {
		found := groups(r.Preempt, func(p *Preempt) string { return p.Contender }, func(p *Preempt) bool { return p.Nodes == nodes })
		if len(found) > 0 {
			all = append(all, preemptTable(found))
		}
	}
	if len(r.PreemptWaiting) > 0 {
		all = append(all, r.preemptWaitingTable())
	}
	if len(r.Topology) > 0 {
		all = append(all, r.topologyTable())
	}
	if len(r.Questions) > 0 {
		all = append(all, r.questionsTable())
	}
	if len(r.Submissions) > 0 {
		all = append(all, r.submissionsTable())
	}
	return all
}

func (r *Result) throughputTable(mode string, nodes int, found []group[Run]) table {
	t := table{
		heading: fmt.Sprintf("%d nodes, all pods exist when the scheduler starts; clock from its exec", nodes),
		columns: []string{
			"contender", "pods", "pods/s", "x stock", "first to last bind s", "to last event s", "CPU-s/1000", "x stock",
			"peak RSS MB", "x stock", "anon MB", "gang p50/p99 ms",
		},
	}
	if mode == While {
		t.heading = fmt.Sprintf("%d nodes, pods are created while the scheduler runs; clock from the first creation", nodes)
		t.columns = slices.Insert(t.columns, 2, "created/s")
	}
	var base *group[Run]
	for i := range found {
		if found[i].contender == contender.Stock {
			base = &found[i]
		}
	}
	for i := range found {
		row, notes := throughputRow(&found[i], base)
		if mode == While {
			created := found[i].spread(func(r *Run) float64 { return float64(r.Pods) / max(r.Created, 1e-9) })
			row = slices.Insert(row, 2, fmt.Sprintf("%.0f", created.Median))
		}
		t.rows = append(t.rows, row)
		t.notes = append(t.notes, notes...)
	}
	if at := slices.IndexFunc(found, func(g group[Run]) bool { return g.runs[0].Pods < r.Settings.Pods }); at >= 0 {
		t.notes = append(t.notes, fmt.Sprintf("%s gets fewer pods (%d), so that it ends in time.",
			found[at].contender, found[at].runs[0].Pods))
	}
	return t
}

// These figures are compared with those of stock.
func perSecond(r *Run) float64 { return r.PerSecond }
func cpuPer(r *Run) float64    { return r.CPUPer }
func peakRSS(r *Run) float64   { return float64(r.PeakRSS) / 1e6 }

func throughputRow(g, base *group[Run]) (row, notes []string) {
	pods, mark := fmt.Sprint(g.runs[0].Pods), ""
	for i := range g.runs {
		run := &g.runs[i]
		if run.Incomplete != "" {
			mark = "*"
			notes = append(notes, incompleteNote(g.contender, run.Run, run.Bound, run.Pods, run.Incomplete))
		} else if run.Events > 0 && run.Events < run.Bound {
			notes = append(notes, fmt.Sprintf("%s, run %d: %d of %d events were lost",
				g.contender, run.Run, run.Bound-run.Events, run.Bound))
		}
	}
	gang := "-"
	if p99 := g.spread(func(r *Run) float64 { return r.GangP99 * 1000 }); p99.Max > 0 {
		gang = fmt.Sprintf("%.0f / %.0f", g.spread(func(r *Run) float64 { return r.GangP50 * 1000 }).Median, p99.Median)
	}
	event := "-"
	if to := g.spread(func(r *Run) float64 { return r.ToLastEvent }); to.Max > 0 {
		event = format(to, 2)
	}
	row = []string{
		g.contender, pods + mark,
		format(g.spread(perSecond), 0), ratio(g, base, perSecond),
		format(g.spread(func(r *Run) float64 { return r.ToLast - r.ToFirst }), 2), event,
		format(g.spread(cpuPer), 2), ratio(g, base, cpuPer),
		format(g.spread(peakRSS), 0), ratio(g, base, peakRSS),
		format(g.spread(func(r *Run) float64 { return float64(r.PeakAnon) / 1e6 }), 0), gang,
	}
	return row, notes
}

// format writes a median and, if there is more than one figure, the range.
func format(s stats.Spread, digits int) string {
	if s.Min == s.Max {
		return fmt.Sprintf("%.*f", digits, s.Median)
	}
	return fmt.Sprintf("%.*f (%.*f..%.*f)", digits, s.Median, digits, s.Min, digits, s.Max)
}

// ratio compares the medians of a figure.
func ratio[R any](g, base *group[R], figure func(*R) float64) string {
	if base == nil || base.spread(figure).Median == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", g.spread(figure).Median/base.spread(figure).Median)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (r *Result) freedTable() table {
	found := groups(r.Freed, func(f *Freed) string { return f.Contender }, func(*Freed) bool { return true })
	t := table{
		heading: fmt.Sprintf("%d nodes are full and gangs of %d wait: from a gang's end to the next one bound",
			r.Freed[0].Nodes, r.Freed[0].Size),
		columns: []string{"contender", "times", "p50 ms", "p99 ms"},
	}
	for i := range found {
		times := 0
		for _, run := range found[i].runs {
			times += len(run.Took)
			if run.Incomplete != "" {
				t.notes = append(t.notes, fmt.Sprintf("* %s, run %d: after %d times: %s",
					run.Contender, run.Run, len(run.Took), firstLine(run.Incomplete)))
			}
		}
		quantile := func(q float64) string {
			return format(found[i].spread(func(f *Freed) float64 { return stats.Quantile(f.Took, q) * 1000 }), 0)
		}
		t.rows = append(t.rows, []string{found[i].contender, fmt.Sprint(times), quantile(0.5), quantile(0.99)})
	}
	return t
}

func (r *Result) waitingTable() table {
	t := table{
		heading: fmt.Sprintf("%d nodes, a stream of %d pods in gangs of 100 that fit, beside others that wait for free capacity",
			r.Waiting[0].Nodes, r.Waiting[0].Pods),
		columns: []string{"contender", "waiting", "pods/s", "loss", "CPU-s/1000", "peak RSS MB", "settled after s"},
	}
	all := func(*Waiting) bool { return true }
	for _, contender := range groups(r.Waiting, func(w *Waiting) string { return w.Contender }, all) {
		speed := func(w *Waiting) float64 { return w.PerSecond }
		free := 0.0
		for _, g := range groups(contender.runs, func(w *Waiting) string { return fmt.Sprint(w.Waiting) }, all) {
			loss := "-"
			if g.contender == "0" {
				free = g.spread(speed).Median
			} else if free > 0 {
				loss = fmt.Sprintf("%.0f %%", 100*(1-g.spread(speed).Median/free))
			}
			t.rows = append(t.rows, []string{
				contender.contender, g.contender, format(g.spread(speed), 0), loss,
				format(g.spread(func(w *Waiting) float64 { return w.CPUPer }), 2),
				format(g.spread(func(w *Waiting) float64 { return float64(w.PeakRSS) / 1e6 }), 0),
				format(g.spread(func(w *Waiting) float64 { return w.Settle }), 1),
			})
		}
		t.notes = append(t.notes, waitingNotes(contender.runs)...)
	}
	return t
}

// waitingNotes returns what to know about incomplete runs.
func waitingNotes(runs []Waiting) []string {
	var notes []string
	for _, run := range runs {
		if run.Incomplete != "" {
			name := fmt.Sprintf("%s with %d waiting", run.Contender, run.Waiting)
			notes = append(notes, incompleteNote(name, run.Run, run.Bound, run.Pods, run.Incomplete))
		}
	}
	return notes
}

// text writes the table for a terminal.
func (t *table) text(b *strings.Builder) {
	widths := make([]int, len(t.columns))
	for _, row := range append([][]string{t.columns}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(b, "\n%s\n", t.heading)
	for _, row := range append([][]string{t.columns}, t.rows...) {
		for i, cell := range row {
			if i == 0 {
				fmt.Fprintf(b, "  %-*s", widths[i], cell)
			} else {
				fmt.Fprintf(b, "  %*s", widths[i], cell)
			}
		}
		b.WriteByte('\n')
	}
	for _, note := range t.notes {
		fmt.Fprintf(b, "  %s\n", note)
	}
}

// markdown writes the table for a document.
func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n| %s |\n|", t.heading, strings.Join(t.columns, " | "))
	for i := range t.columns {
		if i == 0 {
			b.WriteString(" --- |")
		} else {
			b.WriteString(" ---: |")
		}
	}
	b.WriteByte('\n')
	for _, row := range t.rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
	if len(t.notes) > 0 {
		b.WriteByte('\n')
	}
	for _, note := range t.notes {
		fmt.Fprintf(b, "- %s\n", strings.TrimPrefix(note, "* "))
	}
}
