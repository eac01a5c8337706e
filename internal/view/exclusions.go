package view

import (
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Exclusions are the nodes on which a Reserve plugin failed for a member, by the member's UID.
type Exclusions map[types.UID]sets.Set[string]

// Add excludes a node for a pod.
func (e Exclusions) Add(pod types.UID, node string) {
	if e[pod] == nil {
		e[pod] = sets.New[string]()
	}
	e[pod].Insert(node)
}

// apply excludes the nodes for the classes of these members.
func (e Exclusions) apply(classes []*class) {
	if len(e) == 0 {
		return
	}
	for _, c := range classes {
		for _, pod := range c.pods {
			c.excluded = c.excluded.Union(e[pod.UID])
		}
	}
}
