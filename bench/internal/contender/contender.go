// Package contender has the schedulers to compare, and runs each as a process.
package contender

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
)

// Contender is a scheduler and the kind of pods that it schedules.
type Contender struct {
	Name string
	// Gang is the size of its gangs; 0 for single pods.
	Gang int
	kind kind
	// queues is true if it has queues configured.
	queues bool
	// preempts is true if its gangs preempt others as a whole, which upstream has a feature gate for.
	preempts bool
	// topology is true if its gangs each ask for one rack.
	topology bool
	// asked is true if it is asked questions while it schedules.
	asked bool
}

type kind int

const (
	raw kind = iota
	stock
	stockGang
	ours
)

// Stock is the name of the contender that the others are compared with.
const Stock = "stock"

// stockGangSize is the default size of upstream's gangs.
const stockGangSize = 100

// Names returns the contenders to compare by default.
func Names() []string {
	return []string{"raw", Stock, "stock-gang", "ours/plain", "ours/gang-10", "ours/gang-100", "ours/gang-1000"}
}

// Parse returns the contender with this name. Any size may follow ours/gang-, ours-queues/gang- and stock-gang-.
func Parse(name string) (Contender, error) {
	switch name {
	case "raw":
		return Contender{Name: name, kind: raw}, nil
	case Stock:
		return Contender{Name: name, kind: stock}, nil
	case "stock-gang":
		return Contender{Name: name, kind: stockGang, Gang: stockGangSize}, nil
	case "ours/plain":
		return Contender{Name: name, kind: ours}, nil
	case "ours-queues/plain":
		return Contender{Name: name, kind: ours, queues: true}, nil
	}
	for prefix, of := range map[string]Contender{
		"ours/gang-": {kind: ours}, "ours-queues/gang-": {kind: ours, queues: true}, "stock-gang-": {kind: stockGang},
	} {
		text, found := strings.CutPrefix(name, prefix)
		if size, err := strconv.Atoi(text); found && err == nil && size > 0 {
			of.Name, of.Gang = name, size
			return of, nil
		}
	}
	return Contender{}, fmt.Errorf("no contender is called %q; there are %s", name, strings.Join(Names(), ", "))
}

// NeedsPodGroups reports whether the API server must serve PodGroups.
func (c *Contender) NeedsPodGroups() bool { return c.kind == stockGang }

// AsWhole returns upstream's gang scheduling with one more feature gate, WorkloadAwarePreemption. Without it, a gang preempts others pod by
// pod.
func (c *Contender) AsWhole() Contender {
	whole := *c
	whole.Name, whole.preempts = c.Name+"+preemption", true
	return whole
}

// InRacks returns the same scheduler with gangs that each ask for one rack. Upstream has a feature gate for that.
func (c *Contender) InRacks() Contender {
	inRacks := *c
	inRacks.Name, inRacks.topology = c.Name+"+topology", true
	return inRacks
}

// OneRack reports whether its gangs each ask for one rack.
func (c *Contender) OneRack() bool { return c.topology }

// Answers reports whether it answers questions.
func (c *Contender) Answers() bool { return c.kind == ours }

// WithQuestions returns the same scheduler, which is asked questions while it schedules.
func (c *Contender) WithQuestions() Contender {
	asked := *c
	asked.Name, asked.asked = c.Name+"+questions", true
	return asked
}

// Asked reports whether it is asked questions while it schedules.
func (c *Contender) Asked() bool { return c.asked }

// Gangs reports whether its pods are in gangs.
func (c *Contender) Gangs() bool { return c.Gang > 0 }

// Schedules reports whether it is a scheduler, which writes events and serves profiles.
func (c *Contender) Schedules() bool { return c.kind != raw }

// Like reports whether both are the same scheduler with the same kind of pods, whatever the size of the gangs.
func (c *Contender) Like(other *Contender) bool {
	return c.kind == other.kind && c.queues == other.queues && c.Gangs() == other.Gangs()
}

// Slow says that it gets fewer pods, because a run would take too long.
func (c *Contender) Slow() bool { return c.kind == stockGang }

// SchedulerName returns the spec.schedulerName of its pods.
func (c *Contender) SchedulerName() string {
	return map[kind]string{
		raw: "raw", stock: "default-scheduler", stockGang: "default-scheduler", ours: "kubenexus-scheduler",
	}[c.kind]
}

// Style returns how its pods are marked as members of a group.
func (c *Contender) Style() load.Style {
	if !c.Gangs() {
		return load.Plain
	}
	return c.GangStyle()
}

// GangStyle returns how gangs that its scheduler knows are marked, whether or not its own pods are in gangs. A scheduler that knows none
// gets plain pods.
func (c *Contender) GangStyle() load.Style {
	switch c.kind {
	case stockGang:
		return load.PodGroups
	case ours:
		return load.Annotations
	default:
		return load.Plain
	}
}
