package view

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/topology"
)

// whereabouts are what the gang and its roles ask of the topology of the nodes, and what the last plan found of it.
type whereabouts struct {
	rules topology.Rules
	parts []topology.Part
	// unmet is why the last plan does not fit, nil if the topology is not the reason.
	unmet *topology.Finding
}

// asked reports whether the gang or a role asks for anything.
func (w *whereabouts) asked() bool {
	return len(w.parts) > 0 || w.rules.Required != nil || len(w.rules.Preferred) > 0 || w.rules.Slice != nil || w.rules.Spread != nil
}

// find finds nodes for the members. The view then holds the best plan found, whether it fits or not.
func (v *view) find(classes []placement.Class, need int, strategy placement.Strategy) (placement.Plan, bool) {
	gang := placement.Gang{Classes: classes, Min: need, Strategy: strategy}
	r := topology.Find(v, topology.Request{Gang: gang, Rules: v.where.rules, Parts: v.where.parts})
	if !r.Fits {
		if less, some := v.where.withoutPreferred(); some {
			v.Reset()
			r = topology.Find(v, topology.Request{Gang: gang, Rules: less.rules, Parts: less.parts})
		}
	}
	v.inOrder(&r)
	v.where.unmet = r.Finding
	return r.Plan, r.Fits
}

// withoutPreferred returns the same rules without those that never keep a gang from starting. It returns false if there are none.
func (w *whereabouts) withoutPreferred() (whereabouts, bool) {
	less, some := whereabouts{rules: w.rules, parts: slices.Clone(w.parts)}, len(w.rules.Preferred) > 0
	less.rules.Preferred = nil
	for i := range less.parts {
		some = some || len(less.parts[i].Preferred) > 0
		less.parts[i].Preferred = nil
	}
	return less, some
}

// inOrder orders the nodes of each class by slices: the members of a class are in their order, and the last slice may be the smaller one.
func (v *view) inOrder(r *topology.Result) {
	slice, size := v.where.rules.Slice, v.where.rules.SliceSize
	if slice == nil || len(v.classes) > 1 || !v.classes[0].local {
		return
	}
	counts := map[int32]int{}
	for _, node := range r.Nodes[0] {
		counts[slice.Of[node]]++
	}
	slices.SortStableFunc(r.Nodes[0], func(a, b int) int {
		return cmp.Compare(counts[slice.Of[a]]%size, counts[slice.Of[b]]%size)
	})
}

// whereabouts returns what the task asks of the topology of the nodes.
func (p *Planner) whereabouts(v *view, task gang.Task) whereabouts {
	var w whereabouts
	if !task.Topology.Any() && !slices.ContainsFunc(task.Roles, func(r gang.RoleTask) bool { return r.Topology.Any() }) {
		return w
	}
	all := make([]int, len(v.classes))
	for i := range all {
		all[i] = i
	}
	if task.Topology.Any() {
		w.rules = p.rules(v, task.Topology, all, task.Running)
	}
	for _, role := range task.Roles {
		if !role.Topology.Any() {
			continue
		}
		part := topology.Part{Classes: slices.DeleteFunc(slices.Clone(all), func(c int) bool { return v.classes[c].role != role.Name })}
		if len(part.Classes) == 0 {
			continue
		}
		part.Rules = p.rules(v, role.Topology, part.Classes, slices.DeleteFunc(slices.Clone(task.Running), func(r gang.RunningMember) bool {
			return r.Role != role.Name
		}))
		w.parts = append(w.parts, part)
	}
	return w
}

// rules returns what is asked for members of these classes, in numbers.
func (p *Planner) rules(v *view, t gang.Topology, classes []int, running []gang.RunningMember) topology.Rules {
	if p.topology == nil {
		p.topology = topologies{}
	}
	var r topology.Rules
	if t.Required != "" {
		r.Required = p.topology.of(t.Required, v.snapshot)
	}
	for _, key := range t.Preferred {
		r.Preferred = append(r.Preferred, p.topology.of(key, v.snapshot))
	}
	if t.SliceRequired != "" {
		r.Slice, r.SliceSize = p.topology.of(t.SliceRequired, v.snapshot), t.SliceSize
	}
	if t.Spread != "" {
		r.Spread, r.Usable = p.topology.of(t.Spread, v.snapshot), v.usableBy(classes)
	}
	if len(running) > 0 {
		r.Running = v.runningOn(running)
	}
	return r
}

// usableBy returns which nodes members of any of these classes could use if they were empty.
func (v *view) usableBy(classes []int) []bool {
	usable := make([]bool, len(v.snapshot))
	counts := v.bounded && v.counted()
	for _, i := range classes {
		if v.stopped() {
			break
		}
		c := v.classes[i]
		pod, takes := c.info.GetPod(), c.Amounts()
		affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
		for n, node := range v.snapshot {
			usable[n] = usable[n] || c.excludes(node.Node()) == nil && admits(node.Node(), pod, affinity) &&
				(!counts || requests.Capacity(takes, node) > 0)
		}
	}
	return usable
}

// runningOn returns how many of these members run on each node.
func (v *view) runningOn(members []gang.RunningMember) []int32 {
	on := map[string]int32{}
	for _, m := range members {
		on[m.Node]++
	}
	counts := make([]int32, len(v.snapshot))
	for i, node := range v.snapshot {
		counts[i] = on[node.Node().Name]
	}
	return counts
}

// nodesOf returns the nodes of a domain.
func (v *view) nodesOf(l *topology.Level, number int) sets.Set[int] {
	nodes := sets.New[int]()
	for i, d := range l.Of {
		if int(d) == number {
			nodes.Insert(i)
		}
	}
	return nodes
}

// withRoles returns the role of each pod if any role asks for a topology of its own, otherwise nil: then roles do not matter.
func withRoles(task gang.Task) map[*corev1.Pod]string {
	if slices.ContainsFunc(task.Roles, func(r gang.RoleTask) bool { return r.Topology.Any() }) {
		return map[*corev1.Pod]string{}
	}
	return nil
}

// explain returns why the placement found is too small. The members of that placement must still be placed in the view.
func (v *view) explain(found placement.Plan, task gang.Task) gang.Finding {
	unmet := v.where.unmet
	if unmet == nil {
		return v.explainNodes(found, task)
	}
	if unmet.In != nil {
		all := v.inside
		defer func() { v.inside = all }()
		v.inside = v.nodesOf(unmet.In, unmet.Domain) // the reasons of other nodes would not say why this domain, the best, is too small
	}
	f := v.explainNodes(found, task)
	f.Topology = unmet.String()
	f.Shortage.Missing = 1
	if len(v.classes) == 1 && unmet.Rule == topology.Required && len(v.where.parts) == 0 {
		f.Shortage.Missing = max(1, unmet.Need-unmet.Fit)
	}
	if unmet.Rule == topology.Spread {
		f.TooLarge, f.Most = false, 0 // one domain is too small, and the others were not looked at
	}
	if required := v.where.rules.Required; f.TooLarge && required != nil {
		f.Most = min(v.mostIn(required), task.Need) // another domain may be larger
		f.TooLarge = f.Most < task.Need
	}
	return f
}

// mostIn returns how many members could fit at most in one domain if the nodes were empty.
func (v *view) mostIn(l *topology.Level) int {
	all := make([]int, len(l.Names))
	for _, c := range v.classes {
		if v.stopped() {
			break
		}
		pod, takes := c.info.GetPod(), c.Amounts()
		affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
		empty := make([]int, len(l.Names))
		for i, node := range v.snapshot {
			if d := l.Of[i]; d >= 0 && willAdmit(node.Node(), pod, affinity) {
				empty[d] += requests.Capacity(takes, node)
			}
		}
		for d := range all {
			all[d] += min(empty[d], len(c.pods))
		}
	}
	most := 0
	for _, n := range all {
		most = max(most, n)
	}
	return most
}
