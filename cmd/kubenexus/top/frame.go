package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/bars"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// frame is the cluster at one moment.
type frame struct {
	at          time.Time
	nodes, pods int
	// totals are how much of each resource pods request, of how much the nodes have.
	totals []total
	queues answers.Queues
	// waiting are the gangs that wait, in the order in which they go; running are the others, the largest first.
	waiting, running []gangread.Gang
	// notes say what is missing, and why.
	notes []string
}

type total struct {
	name           string
	used, capacity float64
	// text says both for people.
	text string
}

// frameOf returns the frame of what was read. The configuration of the queues is that of c.
func frameOf(c gangread.Cluster, notes []string, now time.Time) frame {
	f := frame{at: now, nodes: len(c.Nodes), pods: len(c.Pods), totals: totalsOf(c.Nodes, c.Pods), notes: notes}
	standings := gangread.Stand(c, now)
	f.queues = standings.Queues()
	gangs := gangread.Among(c.Pods, c.Schedulers, now).Items
	standings.Place(gangs)
	for i := range gangs {
		if gangs[i].Phase == gang.Running || gangs[i].Phase == gang.Unbound {
			f.running = append(f.running, gangs[i])
		} else {
			f.waiting = append(f.waiting, gangs[i])
		}
	}
	slices.SortStableFunc(f.running, func(a, b gangread.Gang) int { return cmp.Compare(b.Needs.Running, a.Needs.Running) })
	f.sortWaiting()
	return f
}

// sortWaiting puts first what goes first in its queue, and of the heads of several queues that of the queue that has the least of its fair
// share. Gangs that are not complete come last.
func (f *frame) sortWaiting() {
	served := map[string]float64{}
	for i := range f.queues.Items {
		q := &f.queues.Items[i]
		served[q.Name] = q.Share
		if fair := bars.Dominant(q.FairShare, f.queues.Capacity); fair > 0 {
			served[q.Name] = q.Share / fair
		}
	}
	place := func(g *gangread.Gang) int {
		if g.Position == nil {
			return f.pods // after all that have one
		}
		return *g.Position
	}
	slices.SortStableFunc(f.waiting, func(a, b gangread.Gang) int {
		return cmp.Or(cmp.Compare(place(&a), place(&b)), cmp.Compare(served[a.Queue], served[b.Queue]), a.Created.Compare(b.Created))
	})
}

// totalsOf adds up what nodes have and what the pods on them request.
func totalsOf(nodes []*corev1.Node, pods []*corev1.Pod) []total {
	has, used := corev1.ResourceList{}, corev1.ResourceList{}
	known := make(map[string]bool, len(nodes))
	for _, node := range nodes {
		known[node.Name] = true
		for name, quantity := range node.Status.Allocatable {
			if name == corev1.ResourceCPU || name == corev1.ResourceMemory || strings.Contains(string(name), "/") {
				sum := has[name]
				sum.Add(quantity)
				has[name] = sum
			}
		}
	}
	reused := corev1.ResourceList{}
	for _, pod := range pods {
		if !known[pod.Spec.NodeName] || gangread.Ended(pod) {
			continue
		}
		requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true, Reuse: reused})
		for name, quantity := range requests {
			if _, counts := has[name]; counts {
				sum := used[name]
				sum.Add(quantity)
				used[name] = sum
			}
		}
	}
	texts := map[string]string{}
	for name, quantity := range has {
		texts[string(name)] = quantity.String()
	}
	var totals []total
	for _, name := range bars.Names(texts) {
		capacity, uses := has[corev1.ResourceName(name)], used[corev1.ResourceName(name)]
		if capacity.IsZero() {
			continue
		}
		totals = append(totals, total{
			name: name, used: uses.AsApproximateFloat64(), capacity: capacity.AsApproximateFloat64(),
			text: bars.Rounded(name, uses.String()) + " of " + bars.Rounded(name, capacity.String()),
		})
	}
	return totals
}

// section is a part of a frame: a title, the titles of columns, and rows.
type section struct {
	title string
	rows  [][]string
}

// lines draws the frame. With a width and a height, it is cut to that; without, nothing is left out.
func (f *frame) lines(width, height int) []string {
	lines := []string{
		fmt.Sprintf("KubeNexus  %s  %s, %s", f.at.Format(time.TimeOnly), words.Count(f.nodes, "node"), words.Count(f.pods, "pod")),
	}
	lines = append(lines, f.notes...)
	rows := make([][]string, len(f.totals))
	for i, t := range f.totals {
		rows[i] = []string{t.name, bars.Draw(t.used/t.capacity, 0), fmt.Sprintf("%3.0f%%", 100*t.used/t.capacity), t.text}
	}
	sections := []section{{"", rows}, {"QUEUES", f.queueRows()}, f.waitingRows(), f.runningRows()}
	left := height - len(lines)
	for i, s := range sections {
		most := len(s.rows)
		if height > 0 {
			most = max(2, left/(len(sections)-i)-2) // what one section does not need is for those that follow
		}
		drawn := s.draw(most)
		left -= len(drawn)
		lines = append(lines, drawn...)
	}
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	for i := range lines {
		lines[i] = cut(words.OneLine(lines[i]), width)
	}
	return lines
}

// draw aligns the rows below the title, and leaves out those beyond most.
func (s *section) draw(most int) []string {
	lines := []string{""}
	if s.title != "" {
		lines = append(lines, s.title)
	}
	hidden := len(s.rows) - most
	shown := s.rows
	if hidden > 0 {
		shown = s.rows[:most-1]
		hidden++
	}
	var widths []int
	for _, row := range shown {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	for _, row := range shown {
		var line strings.Builder
		for i, text := range row {
			line.WriteString(text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	if hidden > 0 {
		lines = append(lines, fmt.Sprintf("... and %d more", hidden))
	}
	return lines
}

func (f *frame) queueRows() [][]string {
	rows := [][]string{{"QUEUE", "SHARE", "WAITING", "HEAD", "USES"}}
	shown := bars.Shown(f.queues, false)
	for i := range f.queues.Items {
		q := &f.queues.Items[i]
		rows = append(rows, []string{
			strings.Repeat("  ", q.Depth) + q.Name, bars.Of(q, f.queues.Capacity), fmt.Sprint(q.Waiting),
			words.OrDash(words.Age(q.OldestAt, f.at)), bars.Amounts(q.Uses, shown),
		})
	}
	return rows
}

func (f *frame) waitingRows() section {
	if len(f.waiting) == 0 {
		return section{"No gang waits.", nil}
	}
	rows := [][]string{{"GANG", "QUEUE", "PODS", "PHASE", "AGE", "WHY"}}
	for i := range f.waiting {
		g := &f.waiting[i]
		rows = append(rows, []string{
			g.Key.String(), words.OrDash(g.Queue), fmt.Sprintf("%d of %d", g.Needs.Have, g.Needs.MinAvailable), string(g.Phase),
			words.OrDash(words.Age(g.Created, f.at)), words.OrDash(g.Reason),
		})
	}
	return section{fmt.Sprintf("WAITING (%d), in the order of each queue", len(f.waiting)), rows}
}

func (f *frame) runningRows() section {
	if len(f.running) == 0 {
		return section{"No gang runs.", nil}
	}
	rows := [][]string{{"GANG", "QUEUE", "PODS", "NODES", "AGE"}}
	for i := range f.running {
		g := &f.running[i]
		rows = append(rows, []string{
			g.Key.String(), words.OrDash(g.Queue), fmt.Sprint(g.Needs.Running), fmt.Sprint(len(g.Nodes)),
			words.OrDash(words.Age(g.Created, f.at)),
		})
	}
	return section{fmt.Sprintf("RUNNING (%d), the largest first", len(f.running)), rows}
}

// cut shortens a line that is too wide, so that the terminal does not break it. A width of 0 shortens nothing.
func cut(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:max(0, width-1)]) + "…"
}
