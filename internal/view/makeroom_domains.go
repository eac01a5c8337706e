package view

import (
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// This file counts how many members of a class fit where host ports, or affinity between pods, decide too. What it does not know for sure
// does not count: whether a namespace that is selected by its labels is the one of a pod, or what members of other classes do.

// most returns how many members of a class fit at most.
func (c *tally) most(i int, p preempt.Problem) int {
	class := c.classes[i]
	if class.rejected != nil {
		return 0
	}
	room := c.rooms(i, p)
	if c.asks(class, names.NodePorts) {
		c.limitByPorts(class, room)
	}
	most := math.MaxInt
	if c.asks(class, names.PodTopologySpread) {
		most = c.evenly(i, p, room)
	}
	if !c.asks(class, names.InterPodAffinity) {
		return min(most, sum(room))
	}
	c.keepFromStaying(class, room)
	most = min(most, c.beside(class, room))
	for _, term := range class.info.GetRequiredAntiAffinityTerms() {
		if surely(&term, class.info.GetPod()) {
			most = min(most, c.oneEach(term.TopologyKey, room))
		}
	}
	return most
}

// rooms returns how many members of a class fit on each node by what is free there.
func (c *tally) rooms(class int, p preempt.Problem) []int {
	room := make([]int, len(c.snapshot))
	for node := range room {
		if !p.Usable(class, node) {
			continue
		}
		room[node] = p.Classes[class].Members
		for d, ask := range p.Classes[class].Ask {
			if ask > 0 {
				room[node] = min(room[node], int(max(0, c.free[node][d])/ask))
			}
		}
	}
	return room
}

func sum(room []int) int {
	all := 0
	for _, fit := range room {
		all += fit
	}
	return all
}

// limitByPorts leaves room for one member on each node, and for none where a pod stays that uses a port of it.
func (c *tally) limitByPorts(of *class, room []int) {
	ports := fwk.HostPortInfo{}
	for _, port := range util.GetHostPorts(of.info.GetPod()) {
		ports.Add(port.HostIP, string(port.Protocol), port.HostPort)
	}
	for node := range room {
		room[node] = min(room[node], 1)
	}
	for node, info := range c.staying {
		if room[node] == 0 || len(c.snapshot[node].GetUsedPorts()) == 0 {
			continue
		}
		for _, port := range util.GetHostPorts(info.GetPod()) {
			if ports.CheckConflict(port.HostIP, string(port.Protocol), port.HostPort) {
				room[node] = 0
			}
		}
	}
}

// domains are values of node labels, by key.
type domains map[string]map[string]struct{}

func (d domains) has(key, value string) bool {
	_, has := d[key][value]
	return has
}

func (d domains) add(key, value string) {
	if d[key] == nil {
		d[key] = map[string]struct{}{}
	}
	d[key][value] = struct{}{}
}

// with reports whether the node is in one of the domains.
func (d domains) with(node *corev1.Node) bool {
	for key, values := range d {
		if value, ok := node.Labels[key]; ok {
			if _, in := values[value]; in {
				return true
			}
		}
	}
	return false
}

// keepFromStaying leaves no room in domains with pods that stay and that repel the class, or that it repels.
func (c *tally) keepFromStaying(of *class, room []int) {
	own, repelled := of.info.GetRequiredAntiAffinityTerms(), domains{}
	note := func(term *fwk.AffinityTerm, node *corev1.Node, pod *corev1.Pod) {
		value, ok := node.Labels[term.TopologyKey]
		if ok && !repelled.has(term.TopologyKey, value) && surely(term, pod) {
			repelled.add(term.TopologyKey, value)
		}
	}
	for at, info := range c.staying {
		node := c.snapshot[at].Node()
		for k := range own {
			note(&own[k], node, info.GetPod())
		}
		theirs := info.GetRequiredAntiAffinityTerms()
		for k := range theirs {
			note(&theirs[k], node, of.info.GetPod())
		}
	}
	if len(repelled) == 0 {
		return
	}
	for node := range room {
		if room[node] > 0 && repelled.with(c.snapshot[node].Node()) {
			room[node] = 0
		}
	}
}

// oneEach returns for how many members there is room with one in each domain of the key. Nodes without the label belong to no domain.
func (c *tally) oneEach(key string, room []int) int {
	all, known := 0, map[string]struct{}{}
	for node, fit := range room {
		if fit == 0 {
			continue
		}
		value, ok := c.snapshot[node].Node().Labels[key]
		if !ok {
			all += fit
			continue
		}
		known[value] = struct{}{}
	}
	return all + len(known)
}

// beside returns for how many members there is room where pods run that the class has to be beside. If only its own members are, the first
// of them decides the domain, unless others run already.
func (c *tally) beside(of *class, room []int) int {
	terms := of.info.GetRequiredAffinityTerms()
	if len(terms) == 0 {
		return sum(room)
	}
	for node := range room {
		for k := range terms {
			if _, ok := c.snapshot[node].Node().Labels[terms[k].TopologyKey]; !ok {
				room[node] = 0
			}
		}
	}
	if slices.ContainsFunc(c.classes, func(other *class) bool { return other != of && perhaps(terms, other.info.GetPod()) }) {
		return sum(room)
	}
	open := c.domainsWith(terms)
	if !perhaps(terms, of.info.GetPod()) {
		for node := range room {
			for k := range terms {
				if key := terms[k].TopologyKey; !open.has(key, c.snapshot[node].Node().Labels[key]) {
					room[node] = 0
				}
			}
		}
		return sum(room)
	}
	most := sum(room)
	for k := range terms {
		most = min(most, c.together(terms[k].TopologyKey, open, room))
	}
	return most
}

// together returns for how many members there is room in one domain of the key, or in all that are open already.
func (c *tally) together(key string, open domains, room []int) int {
	inOpen, largest, in := 0, 0, map[string]int{}
	for node, fit := range room {
		if fit == 0 {
			continue
		}
		value := c.snapshot[node].Node().Labels[key]
		in[value] += fit
		largest = max(largest, in[value])
		if open.has(key, value) {
			inOpen += fit
		}
	}
	return max(inOpen, largest)
}

// domainsWith returns the domains with pods that may be those that the terms select.
func (c *tally) domainsWith(terms []fwk.AffinityTerm) domains {
	open := domains{}
	for _, node := range c.snapshot {
		known := true
		for k := range terms {
			value, ok := node.Node().Labels[terms[k].TopologyKey]
			known = known && (!ok || open.has(terms[k].TopologyKey, value))
		}
		if known || !slices.ContainsFunc(node.GetPods(), func(info fwk.PodInfo) bool { return perhaps(terms, info.GetPod()) }) {
			continue
		}
		for k := range terms {
			if value, ok := node.Node().Labels[terms[k].TopologyKey]; ok {
				open.add(terms[k].TopologyKey, value)
			}
		}
	}
	return open
}

// surely reports whether the term selects the pod whatever labels its namespace has.
func surely(term *fwk.AffinityTerm, pod *corev1.Pod) bool {
	return term.Namespaces.Has(pod.Namespace) && term.Selector.Matches(labels.Set(pod.Labels))
}

// perhaps reports whether all terms may select the pod.
func perhaps(terms []fwk.AffinityTerm, pod *corev1.Pod) bool {
	for k := range terms {
		term := &terms[k]
		_, selects := term.NamespaceSelector.Requirements()
		if !selects && !term.Namespaces.Has(pod.Namespace) || !term.Selector.Matches(labels.Set(pod.Labels)) {
			return false
		}
	}
	return true
}
