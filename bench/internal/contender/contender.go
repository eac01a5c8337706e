// Package contender knows the schedulers that are compared, and how to run each as a process.
package contender

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
)

// Contender is a scheduler and the kind of pods that it gets.
type Contender struct {
	Name string
	// Gang is how many pods start together; 0 for single pods.
	Gang int
	kind kind
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

// stockGangSize is the size of upstream's gangs.
const stockGangSize = 100

// Names are those that are compared if nothing else is asked for.
func Names() []string {
	return []string{"raw", Stock, "stock-gang", "ours/plain", "ours/gang-10", "ours/gang-100", "ours/gang-1000"}
}

// Parse returns the contender of that name. Any size can follow ours/gang- and stock-gang-.
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
	}
	for prefix, kind := range map[string]kind{"ours/gang-": ours, "stock-gang-": stockGang} {
		text, found := strings.CutPrefix(name, prefix)
		if size, err := strconv.Atoi(text); found && err == nil && size > 0 {
			return Contender{Name: name, kind: kind, Gang: size}, nil
		}
	}
	return Contender{}, fmt.Errorf("no contender is called %q; there are %s", name, strings.Join(Names(), ", "))
}

// NeedsPodGroups says whether the API server has to serve pod groups.
func (c *Contender) NeedsPodGroups() bool { return c.kind == stockGang }

// Gangs says whether it starts pods together.
func (c *Contender) Gangs() bool { return c.Gang > 0 }

// Schedules says whether it is a scheduler: one that writes events, and that can be asked for profiles.
func (c *Contender) Schedules() bool { return c.kind != raw }

// Like says whether both are the same scheduler with the same kind of pods, whatever the size of the gangs.
func (c *Contender) Like(other *Contender) bool {
	return c.kind == other.kind && c.Gangs() == other.Gangs()
}

// Slow says that it gets fewer pods, or it would not end.
func (c *Contender) Slow() bool { return c.kind == stockGang }

// SchedulerName is what its pods have as spec.schedulerName.
func (c *Contender) SchedulerName() string {
	return map[kind]string{
		raw: "raw", stock: "default-scheduler", stockGang: "default-scheduler", ours: "kubenexus-scheduler",
	}[c.kind]
}

// Style is how pods say which of them belong together.
func (c *Contender) Style() load.Style {
	switch {
	case !c.Gangs():
		return load.Plain
	case c.kind == stockGang:
		return load.PodGroups
	default:
		return load.Annotations
	}
}
