package queueconfig

import (
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Document is a configuration in which nothing is left out, in the form in which Parse reads it.
type Document struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Queues     []Resolved `json:"queues"`
}

// Resolved is a queue of a Document: what it states, and what it has from its parent or by default.
type Resolved struct {
	Name       string            `json:"name"`
	Weight     float64           `json:"weight"`
	Priority   int32             `json:"priority"`
	Guarantee  map[string]string `json:"guarantee,omitempty"`
	Limit      map[string]string `json:"limit,omitempty"`
	Order      string            `json:"order"`
	MaxWait    string            `json:"maxWait"`
	Preemption Preemption        `json:"preemption"`
	Namespaces []string          `json:"namespaces,omitempty"`
	Queues     []Resolved        `json:"queues,omitempty"`
}

// Preemption is the preemption of a Resolved queue.
type Preemption struct {
	WithinQueue string `json:"withinQueue"`
	Reclaim     string `json:"reclaim"`
	MinRuntime  string `json:"minRuntime"`
}

// NewDocument returns a configuration that Parse returned as a document, which Parse reads as the same configuration.
func NewDocument(config queue.Config) Document {
	return Document{APIVersion: APIVersion, Kind: Kind, Queues: resolved(config.Queues)}
}

func resolved(queues []queue.Queue) []Resolved {
	var all []Resolved
	for i := range queues {
		q := &queues[i]
		all = append(all, Resolved{
			Name: q.Name, Weight: q.Weight, Priority: q.Priority,
			Guarantee: quantities(q.Guarantee), Limit: quantities(q.Limit),
			Order: orders[q.Order], MaxWait: duration(q.MaxWait),
			Preemption: Preemption{
				WithinQueue: withins[q.Preemption.WithinQueue], Reclaim: reclaims[q.Preemption.Reclaim],
				MinRuntime: duration(q.Preemption.MinRuntime),
			},
			Namespaces: q.Namespaces, Queues: resolved(q.Queues),
		})
	}
	return all
}

func quantities(amounts queue.Amounts) map[string]string {
	quantities := map[string]string{}
	for name, amount := range amounts {
		quantities[name] = Quantity(name, amount)
	}
	return quantities
}

// duration writes a time as people do: 10m, not 10m0s.
func duration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if rest, ends := strings.CutSuffix(text, zero); ends {
			text = rest + zero[:1]
		}
	}
	return text
}
