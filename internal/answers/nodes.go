package answers

import (
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Paths of the questions about the order and the nodes. Users need the right to get the non-resource URLs.
const (
	OrderPath = Root + "/order"
	NodesPath = Root + "/nodes"
)

// Order is the gangs that are complete and wait, in the order in which the scheduler would take them.
type Order struct {
	Items []Turn `json:"items"`
	// At is when the question was answered.
	At time.Time `json:"at"`
}

// Turn is a gang that waits.
type Turn struct {
	Key gang.Key `json:"key"`
	// Queue is the queue in which it waits, empty if no queues are configured.
	Queue string `json:"queue,omitempty"`
	// Position is the number of gangs, and of pods without one, of its queue that go first. If no queues are configured, it is the number
	// of gangs that do.
	Position int `json:"position"`
	// SetAside is the capacity that is set aside for it because it was passed by for too long.
	SetAside *gang.SetAsideStatus `json:"setAside,omitempty"`
	// NextTry is when it is tried again even if nothing changes; missing if only a change leads to another attempt.
	NextTry time.Time `json:"nextTry,omitzero"`
	// Shortage is what the last plan lacked; missing if it waits for something else.
	Shortage gang.ShortageStatus `json:"shortage,omitzero"`
	// Reason says what it waits for, as its events do. Why is the same as an explanation, and not part of the JSON.
	Reason string            `json:"reason,omitempty"`
	Why    *gang.Explanation `json:"-"`
}

// Nodes are the nodes as the scheduler has them: what they have, and who uses it.
type Nodes struct {
	// Resources are the names of the resources of which the other lists have amounts: cores of CPU, bytes of memory, and units of the
	// extended resources that nodes have.
	Resources []string `json:"resources"`
	// TopologyKeys are the keys of node labels that say which nodes are close to each other, the widest first.
	TopologyKeys []string `json:"topologyKeys"`
	// Gangs are the gangs on the nodes that the asker may see.
	Gangs []GangOnNodes `json:"gangs"`
	// Items are the nodes, sorted by name.
	Items []Node `json:"items"`
	// At is when the nodes were read.
	At time.Time `json:"at"`
}

// GangOnNodes is a gang with members on nodes. Its instance tells it from others of its name.
type GangOnNodes struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Instance  string `json:"instance,omitempty"`
}

// Node is a node.
type Node struct {
	Name string `json:"name"`
	// Domains are the values of the labels that Nodes.TopologyKeys names; "" stands for none.
	Domains []string `json:"domains"`
	Ready   bool     `json:"ready"`
	// Unschedulable is true if the node is cordoned.
	Unschedulable bool      `json:"unschedulable,omitempty"`
	Allocatable   []float64 `json:"allocatable"`
	// Used is what pods request that run there, or are being bound.
	Used []float64 `json:"used"`
	// SetAside is what is held or set aside for gangs. Capacity is set aside on full nodes too, so that what frees up there is left alone.
	SetAside []float64 `json:"setAside,omitempty"`
	// Gangs are those of Nodes.Gangs that have pods there. What is used beyond that is of pods without a gang, of other schedulers, or of
	// gangs that the asker may not see.
	Gangs []GangOnNode `json:"gangs,omitempty"`
}

// GangOnNode is what a gang uses of a node.
type GangOnNode struct {
	// Gang is the index in Nodes.Gangs.
	Gang int       `json:"gang"`
	Pods int       `json:"pods"`
	Uses []float64 `json:"uses"`
}

// Keep removes the gangs for which yes returns false from the answer. What they use still counts.
func (n *Nodes) Keep(yes func(GangOnNodes) bool) {
	at, kept := make([]int, len(n.Gangs)), make([]GangOnNodes, 0, len(n.Gangs))
	for i := range n.Gangs {
		if at[i] = -1; yes(n.Gangs[i]) {
			at[i] = len(kept)
			kept = append(kept, n.Gangs[i])
		}
	}
	n.Gangs = kept
	for i := range n.Items {
		node := &n.Items[i]
		var some []GangOnNode
		for _, of := range node.Gangs {
			if of.Gang = at[of.Gang]; of.Gang >= 0 {
				some = append(some, of)
			}
		}
		node.Gangs = some
	}
}
