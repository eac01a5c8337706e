package view

import (
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/topology"
)

// maxLevels is how many label keys are remembered. Pods name the keys, so without a bound they could make the planner remember any number.
const maxLevels = 16

// topologies are the topology domains of the nodes, by label key. Reading a label of every node for each plan would take longer than to
// plan a small gang, so they are kept until the nodes change.
type topologies map[string]*domainsOf

// domainsOf is the domains of one label key.
type domainsOf struct {
	topology.Level
	// nodes are those that the domains were read from.
	nodes []*corev1.Node
	// index has the number of each domain by its name.
	index map[string]int32
}

// of returns the domains of the nodes. Nodes without the label belong to none. What it returns is valid until the next call.
func (d topologies) of(key string, nodes []fwk.NodeInfo) *topology.Level {
	l := d[key]
	if l == nil {
		if len(d) >= maxLevels {
			clear(d)
		}
		l = &domainsOf{Level: topology.Level{Key: key}}
		d[key] = l
	}
	l.update(nodes)
	return &l.Level
}

// update reads the labels of the nodes that changed.
func (l *domainsOf) update(nodes []fwk.NodeInfo) {
	if len(l.nodes) != len(nodes) || len(l.Names) > 2*len(nodes) { // names of domains that are gone are only dropped here
		*l = domainsOf{
			Level: topology.Level{Key: l.Key, Of: make([]int32, len(nodes))},
			nodes: make([]*corev1.Node, len(nodes)), index: map[string]int32{},
		}
	}
	for i, info := range nodes {
		if node := info.Node(); l.nodes[i] != node {
			l.nodes[i], l.Of[i] = node, l.domain(node)
		}
	}
}

// domain returns the number of a node's domain, -1 if it has none.
func (l *domainsOf) domain(node *corev1.Node) int32 {
	name, labelled := node.Labels[l.Key]
	if !labelled {
		return -1
	}
	number, known := l.index[name]
	if !known {
		number = int32(len(l.Names)) //nolint:gosec // there are at most a few for each node
		l.index[name] = number
		l.Names = append(l.Names, name)
	}
	return number
}
