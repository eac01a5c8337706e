package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// askFor is how long the scheduler may take to answer. It takes 5 seconds at most for a question while it schedules pods.
const askFor = 8 * time.Second

// Scheduler answers what only the scheduler knows.
type Scheduler interface {
	Gangs(ctx context.Context, namespace, name string) (answers.Gangs, error)
	Queues(ctx context.Context) (answers.Queues, error)
	WhatIf(ctx context.Context, question answers.WhatIf) (answers.Forecast, error)
}

// said is what the scheduler says of a gang; nothing of it is known if it does not answer.
type said struct {
	gang *answers.Gang
	// forecast is what would happen if the gang were tried now, nil if it does not wait. queues are nil if none are configured.
	forecast *answers.Forecast
	queues   *answers.Queues
	leftOut  []string
}

// askAbout asks the scheduler about a gang.
func askAbout(ctx context.Context, scheduler Scheduler, key gang.Key) said {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	gangs, err := scheduler.Gangs(ctx, key.Namespace, key.Name)
	if err != nil {
		return said{leftOut: []string{"what the scheduler itself says of it: " + err.Error()}}
	}
	at := slices.IndexFunc(gangs.Items, func(g answers.Gang) bool { return g.Key == key })
	if at < 0 {
		return said{leftOut: []string{"what the scheduler itself says of it: it knows no such gang"}}
	}
	s := said{gang: &gangs.Items[at]}
	var questions sync.WaitGroup
	var queuesErr, forecastErr error
	if s.gang.Queue != "" {
		questions.Go(func() {
			var queues answers.Queues
			if queues, queuesErr = scheduler.Queues(ctx); queuesErr == nil {
				s.queues = &queues
			}
		})
	}
	if s.gang.Phase == gang.Ready {
		questions.Go(func() {
			var forecast answers.Forecast
			if forecast, forecastErr = scheduler.WhatIf(ctx, answers.WhatIf{Gang: key.String()}); forecastErr == nil {
				s.forecast = &forecast
			}
		})
	}
	questions.Wait()
	if queuesErr != nil {
		s.leftOut = append(s.leftOut, "what the scheduler says of the queues: "+queuesErr.Error())
	}
	if forecastErr != nil {
		s.leftOut = append(s.leftOut, "what would happen if it were tried now: "+forecastErr.Error())
	}
	return s
}

// scheduler tells what the scheduler itself says.
func (p *page) scheduler() {
	g := p.story.Now
	if g == nil {
		return
	}
	lines := []string{"phase " + string(g.Phase)}
	if g.Attempts > 0 {
		lines[0] += fmt.Sprintf(", after %s", words.Count(g.Attempts, "attempt"))
	}
	if !g.NextTry.IsZero() {
		lines[0] += fmt.Sprintf(", tried again in about %s", g.NextTry.Sub(g.At).Round(time.Second))
	}
	if g.Reason != p.story.Why && g.Reason != "" {
		lines = append(lines, g.Reason)
	}
	if aside := g.SetAside; aside != nil {
		text := fmt.Sprintf("capacity is set aside for %d of %s", aside.Held, words.Count(aside.Of, "pod"))
		if !aside.StartsAt.IsZero() {
			text += fmt.Sprintf("; it starts in about %s", aside.StartsAt.Sub(g.At).Round(time.Second))
		}
		if aside.After != "" {
			text += ", when " + aside.After + " ends"
		}
		lines = append(lines, text)
	}
	if awaits := g.Awaits; awaits != nil {
		lines = append(lines, fmt.Sprintf("%s on %s were preempted for it, and have not ended",
			words.Count(awaits.Pods, "pod"), words.Count(awaits.Nodes, "node")))
	}
	p.section("What the scheduler says", append(lines, slots(g.Slots)...))
}

// slots says where capacity is held for members that do not exist yet.
func slots(held []gang.SlotStatus) []string {
	on := map[string]int{}
	for i := range held {
		on[held[i].Role+" on "+held[i].Node]++
	}
	var lines []string
	for where, n := range on {
		lines = append(lines, fmt.Sprintf("holds %s for %s", words.Count(n, "slot"), where))
	}
	return firstLines(lines)
}

// firstLines sorts lines, and keeps the first ones.
func firstLines(lines []string) []string {
	slices.Sort(lines)
	if rest := len(lines) - mostLines; rest > 0 {
		lines = append(lines[:mostLines], "and "+more(rest, "line"))
	}
	return lines
}

// forecast tells what would happen if the gang were tried now.
func (p *page) forecast() {
	f := p.story.Next
	if f == nil {
		return
	}
	lines := Summary(f)
	var nodes, victims []string
	for _, node := range f.Nodes[:min(len(f.Nodes), mostLines)] {
		nodes = append(nodes, fmt.Sprintf("%s (%d)", node.Name, node.Pods))
	}
	if rest := len(f.Nodes) - mostLines; rest > 0 {
		nodes = append(nodes, more(rest, "node"))
	}
	for i := range f.Victims[:min(len(f.Victims), mostLines)] {
		victims = append(victims, f.Victims[i].Namespace+"/"+f.Victims[i].Name)
	}
	if rest := len(f.Victims) + f.HiddenVictims - len(victims); rest > 0 && len(victims) > 0 {
		victims = append(victims, more(rest, "pod"))
	} else if rest > 0 {
		victims = append(victims, words.Count(rest, "pod")+" that you may not see")
	}
	if len(nodes) > 0 {
		lines = append(lines, "Nodes: "+strings.Join(nodes, ", "))
	}
	if len(victims) > 0 {
		lines = append(lines, "Preempted: "+strings.Join(victims, ", "))
	}
	p.section("What would happen if it were tried now", lines)
}
