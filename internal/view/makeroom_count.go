package view

import (
	"iter"
	"math"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// This file says no by counting, before anything is searched: most gangs that wait could not start whatever they preempt. Counting assumes
// that all goes that may go, each pod for itself, so it never says no where a search finds victims.

// tally is what is free when all that may go is gone.
type tally struct {
	*view
	// names are the resources that count, and free what is free of them, by node. Without names, what is free does not decide.
	names []string
	free  [][]int64
	// before is what is free of each before units go, and takes what each unit takes of it; only if there are rules between queues.
	before, takes [][]int64
	// staying yields pods that stay whatever is preempted, and their nodes.
	staying iter.Seq2[int, fwk.PodInfo]
}

// newTally returns a tally of which only what is free now is known.
func (v *view) newTally() *tally {
	c := &tally{view: v}
	if v.bounded && v.counted() {
		c.names = resourcesOf(v.classes)
	}
	c.free = v.freeNow(c.names)
	return c
}

// freeNow returns what is free of these resources, by node, beside the pods that are nominated there.
func (v *view) freeNow(names []string) [][]int64 {
	free := rows(len(v.snapshot), len(names))
	for i, node := range v.snapshot {
		for d, name := range names {
			free[i][d] = requests.Free(node, name)
		}
		for _, info := range v.nominated(v.classes[0].info.GetPod(), node) {
			addTo(free[i], vectorOf(requests.Of(info), names), -1)
		}
	}
	return free
}

// gone adds what a pod requests to what is free on its node.
func (c *tally) gone(node int, takes *requests.Request) {
	for d, name := range c.names {
		c.free[node][d] += takes.Amount(name)
	}
}

// countStanding counts without what may go while only priorities decide.
func (v *view) countStanding(p *Planner, r *RoomRequest) *tally {
	p.stand(v.snapshot)
	c, may := v.newTally(), newEligible(r, p.Ledger)
	for i, node := range v.snapshot {
		pods, chosen := p.standings.on(i, node), r.Chosen[node.Node().Name]
		for k := range pods {
			if s := &pods[k]; r.leaves(s, chosen) || may.mayGo(s) {
				c.gone(i, &s.takes)
			}
		}
	}
	may.note()
	c.staying = func(yield func(int, fwk.PodInfo) bool) {
		for i, node := range v.snapshot {
			pods, chosen := p.standings.on(i, node), r.Chosen[node.Node().Name]
			for k := range pods {
				if s := &pods[k]; !r.leaves(s, chosen) && !may.mayGo(s) && !yield(i, s.PodInfo) {
					return
				}
			}
		}
	}
	return c
}

// countUnits counts without what may go by the rules between queues.
func (v *view) countUnits(of candidates) *tally {
	c, goes := v.newTally(), make([]bool, len(of.pods))
	for _, l := range of.leaving {
		takes := requests.Of(l.info)
		c.gone(l.node, &takes)
	}
	c.before, c.takes = rows(len(c.free), len(c.names)), rows(len(of.units), len(c.names))
	for i, free := range c.free {
		copy(c.before[i], free)
	}
	for i := range of.units {
		for _, at := range of.units[i].Pods {
			goes[at] = true
			takes := requests.Of(of.infos[at])
			for d, name := range c.names {
				amount := takes.Amount(name)
				c.takes[i][d] += amount
				c.free[of.nodes[at]][d] += amount
			}
		}
	}
	c.staying = func(yield func(int, fwk.PodInfo) bool) {
		for at, info := range of.infos {
			if !goes[at] && !yield(of.nodes[at], info) {
				return
			}
		}
	}
	return c
}

// hopeless reports whether fewer members fit than the gang needs, even if each class had the cluster for itself. lacks is what the units
// would not free of each bound.
func (c *tally) hopeless(need int, lacks []int64) bool {
	p := preempt.Problem{Need: need, Free: c.free, Usable: c.usableNodes(), Classes: c.classesInNumbers(c.names), Lacks: lacks}
	if !preempt.Hopeful(p) {
		return true
	}
	more := func(class *class) bool {
		return c.asks(class, names.NodePorts, names.InterPodAffinity, names.PodTopologySpread)
	}
	if !slices.ContainsFunc(c.classes, more) {
		return false
	}
	most := 0
	for i, class := range c.classes {
		fit := c.most(i, p)
		if fit < class.must {
			return true
		}
		most += min(len(class.pods), fit)
	}
	return most < need
}

// beyond reports whether the gang needs more of a resource than is free and so much more. It counts the least that any member requests.
func (c *tally) beyond(need int, more []int64) bool {
	usable, classes, free := c.usableNodes(), c.classesInNumbers(c.names), make([]int64, len(c.names))
	for node, before := range c.before {
		for i := range classes {
			if !usable(i, node) {
				continue
			}
			for d := range free {
				free[d] += max(0, before[d])
			}
			break
		}
	}
	for d, most := range more {
		least := classes[0].Ask[d]
		for i := range classes {
			least = min(least, classes[i].Ask[d])
		}
		if most < math.MaxInt64 && int64(need)*least > free[d]+most {
			return true
		}
	}
	return false
}

// classesInNumbers describes the classes to the search.
func (v *view) classesInNumbers(names []string) []preempt.Class {
	classes := make([]preempt.Class, len(v.classes))
	for i, c := range v.classes {
		classes[i] = preempt.Class{Members: len(c.pods), Must: c.must, Ask: vectorOf(c.Request, names)}
	}
	return classes
}
