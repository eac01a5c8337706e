package explain

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// mostLines is how many nodes, domains and roles the text lists.
const mostLines = 8

// Text prints a story for people.
func Text(out io.Writer, s *Story) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := &page{w: w, story: s}
	p.head()
	p.section("Why it waits", oneOrNone(s.Why))
	p.scheduler()
	p.forecast()
	p.history()
	p.where()
	p.capacity()
	p.section("What would help, any of it", s.Help)
	p.section("Not told", s.LeftOut)
	return w.Flush()
}

// page is a story that is being written.
type page struct {
	w     *tabwriter.Writer
	story *Story
}

func (p *page) line(title, text string) {
	if text != "" {
		fmt.Fprintf(p.w, "%s:\t%s\n", title, words.OneLine(text))
	}
}

// title begins a new part. The columns of one part do not depend on those of another.
func (p *page) title(text string) {
	p.w.Flush() //nolint:errcheck // the last Flush returns the error
	fmt.Fprintf(p.w, "\n%s:\n", text)
}

func (p *page) section(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.title(title)
	for _, line := range lines {
		fmt.Fprintf(p.w, "  %s\n", words.OneLine(line))
	}
}

func oneOrNone(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func (p *page) head() {
	s := p.story
	if pod := s.Pod; pod != nil {
		p.line("Pod", pod.Namespace+"/"+pod.Name)
		p.line("Status", pod.Phase)
		p.line("Node", words.OrDash(pod.Node))
		p.line("Role", pod.Role)
		if s.Gang == nil {
			p.line("Gang", "none")
		} else if pod.Why != s.Why {
			p.line("Pod waits", pod.Why)
		}
		p.line("Invalid", pod.Problem)
	}
	if s.Gang == nil {
		p.line("Scheduler", s.Pod.Scheduler)
	} else {
		p.gang(s.Gang)
	}
	p.line("Priority", fmt.Sprint(s.Priority))
	p.line("Owner", s.Owner)
}

func (p *page) gang(g *gangread.Gang) {
	p.line("Gang", g.Key.String())
	p.line("Phase", string(g.Phase))
	p.line("Age", words.Age(g.Created, g.At))
	needs := fmt.Sprintf("%d exist, %d have started", g.Needs.Have, g.Needs.Running)
	if g.Needs.MinAvailable > 0 {
		needs = fmt.Sprintf("needs %d to start together; %s", g.Needs.MinAvailable, needs)
	}
	p.line("Pods", needs)
	for _, r := range g.Needs.Roles[:min(len(g.Needs.Roles), mostLines)] {
		p.line("  "+r.Name, fmt.Sprintf("needs %d; %d exist, %d have started", r.Min, r.Have, r.Running))
	}
	queue := g.Queue
	if g.Position != nil && *g.Position == 0 {
		queue += " (it goes first)"
	} else if g.Position != nil {
		queue += fmt.Sprintf(" (%s first)", goes(*g.Position))
	}
	p.line("Queue", queue)
	for _, line := range p.story.Understood.lines() {
		p.line(line[0], line[1])
	}
	p.line("Scheduler", g.Scheduler)
}

func goes(n int) string {
	if n == 1 {
		return "1 gang goes"
	}
	return fmt.Sprintf("%d gangs go", n)
}

func (p *page) history() {
	s := p.story
	if len(s.History) == 0 {
		return
	}
	p.title("History")
	for i := range s.History {
		if s.Forgotten > 0 && i == firstMoments {
			fmt.Fprintf(p.w, "  ...\tand %d more moments\n", s.Forgotten)
		}
		m := &s.History[i]
		at := words.Age(m.At, s.At) + " ago"
		if m.Until.Sub(m.At) >= 1e9 {
			at = words.Age(m.At, s.At) + " to " + words.Age(m.Until, s.At) + " ago"
		}
		what := m.What
		if m.Reason != "" {
			what = m.Reason + ": " + what
		}
		var often []string
		if m.Pods > 1 {
			often = append(often, fmt.Sprintf("on %d pods", m.Pods))
		}
		if m.Times > 1 {
			often = append(often, fmt.Sprintf("%d times", m.Times))
		}
		if len(often) > 0 {
			what += " (" + strings.Join(often, ", ") + ")"
		}
		fmt.Fprintf(p.w, "  %s\t%s\n", at, words.OneLine(what))
	}
}

// where tells where the pods of the gang are.
func (p *page) where() {
	s := p.story
	if s.Gang == nil || len(s.Gang.Nodes) == 0 {
		return
	}
	p.title("Where its pods are")
	nodes := s.Gang.Nodes
	for _, n := range nodes[:min(len(nodes), mostLines)] {
		fmt.Fprintf(p.w, "  node %s\t%s\n", n.Name, words.Count(n.Members, "pod"))
	}
	if rest := nodes[min(len(nodes), mostLines):]; len(rest) > 0 {
		fmt.Fprintf(p.w, "  and %s\t%s\n", more(len(rest), "node"), words.Count(membersOn(rest), "pod"))
	}
	domains := s.Topology
	for _, d := range domains[:min(len(domains), mostLines)] {
		fmt.Fprintf(p.w, "  %s %s\t%s\n", d.Key, words.OneLine(d.Name), words.Count(d.Pods, "pod"))
	}
	if rest := len(domains) - mostLines; rest > 0 {
		fmt.Fprintf(p.w, "  and %s\n", more(rest, "domain"))
	}
}

func membersOn(nodes []gang.NodeStatus) int {
	n := 0
	for i := range nodes {
		n += nodes[i].Members
	}
	return n
}

// capacity tells which nodes take the pods that wait.
func (p *page) capacity() {
	c := p.story.Capacity
	if c == nil {
		return
	}
	in := ""
	if c.Within != nil {
		in = fmt.Sprintf(" in one %s; the best is %s", c.Within.Key, c.Within.Name)
	}
	p.section("What fits now", []string{fmt.Sprintf("%d of the %s that %s to start together%s", c.Fit, words.Count(c.Needed, "waiting pod"),
		agree(c.Needed, "has", "have"), in)})
	for i := range c.Asks[:min(len(c.Asks), mostLines)] {
		a := &c.Asks[i]
		asks := listed(a.Requests)
		if asks == "" {
			asks = "nothing"
		}
		p.title(fmt.Sprintf("Nodes for %s, each of which asks for %s", words.Count(a.Pods, "waiting pod"), asks))
		fmt.Fprintln(p.w, "  NODE\tTAKES\tFREE\tWHY NO MORE")
		for n := range a.Nodes {
			nodes := &a.Nodes[n]
			fmt.Fprintf(p.w, "  %s\t%d\t%s\t%s\n", names(nodes), nodes.Takes, words.OrDash(listed(nodes.Free)),
				words.OneLine(words.OrDash(strings.Join(nodes.Why, "; "))))
		}
		if a.MoreNodes > 0 {
			fmt.Fprintf(p.w, "  and %s with less\n", more(a.MoreNodes, "node"))
		}
	}
	if len(c.Uncounted) > 0 {
		p.section("Not counted, though they decide too", []string{strings.Join(c.Uncounted, ", ")})
	}
}

func names(n *EqualNodes) string {
	text := strings.Join(n.Names, ", ")
	if rest := n.Count - len(n.Names); rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

func agree(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
