package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// maxPools is the maximum number of pools. Pods beyond it count as pods that can use all nodes.
const maxPools = 10_000

// anyNode is the pool of everything that is not told apart.
const anyNode = 0

// maxKinds is how many kinds of members a gang may have to be told apart by its nodes.
const maxKinds = 16

// maxPairs bounds how many answers are remembered.
const maxPairs = 100_000

// pools numbers which nodes pods can use at all: by their node selector and affinity, tolerations, and what they request. Only strict
// queues need them.
type pools struct {
	index map[string]int
	// kinds are the kinds of pods of each pool: those of a gang's members.
	kinds [][]kindOfPod
	nodes map[string]*corev1.Node
	// shared are pairs of pools of which it is known whether they share a node. A change of a node clears it.
	shared map[[2]int]bool
}

// kindOfPod is what decides which nodes a pod can use.
type kindOfPod struct {
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
	requests    corev1.ResourceList
}

func newPools() pools {
	return pools{
		index: map[string]int{}, kinds: make([][]kindOfPod, 1), nodes: map[string]*corev1.Node{}, shared: map[[2]int]bool{},
	}
}

func (p *pools) add(node *corev1.Node) {
	p.nodes[node.Name] = node
	clear(p.shared)
}

func (p *pools) remove(name string) {
	delete(p.nodes, name)
	clear(p.shared)
}

// of returns the pool of a pod.
func (p *pools) of(pod *corev1.Pod) int {
	return p.pool(kindText(pod), func() []kindOfPod {
		return []kindOfPod{{
			affinity: nodeaffinity.GetRequiredNodeAffinity(pod), tolerations: pod.Spec.Tolerations, requests: requestsOf(pod),
		}}
	})
}

// union returns the pool of pods that start together: the nodes that any of them can use.
func (p *pools) union(all []int) int {
	slices.Sort(all)
	all = slices.Compact(all)
	switch {
	case len(all) == 1:
		return all[0]
	case len(all) == 0 || all[0] == anyNode || len(all) > maxKinds:
		return anyNode
	}
	return p.pool(fmt.Sprint(all), func() []kindOfPod {
		var kinds []kindOfPod
		for _, i := range all {
			kinds = append(kinds, p.kinds[i]...)
		}
		return kinds
	})
}

// pool returns the number of the pool with this text.
func (p *pools) pool(text string, kinds func() []kindOfPod) int {
	i, known := p.index[text]
	if !known && len(p.kinds) <= maxPools {
		i = len(p.kinds)
		p.index[text] = i
		p.kinds = append(p.kinds, kinds())
	}
	return i
}

// kindText is equal for pods that can use the same nodes.
func kindText(pod *corev1.Pod) string {
	var text strings.Builder
	fmt.Fprint(&text, pod.Spec.NodeSelector) // maps are printed in the order of their keys
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		text.WriteString(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.String())
	}
	for i := range pod.Spec.Tolerations {
		text.WriteString(pod.Spec.Tolerations[i].String())
	}
	requests := requestsOf(pod)
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		q := requests[name]
		text.WriteString(string(name) + "=" + q.String() + ";")
	}
	return text.String()
}

// meet reports whether there is a node that pods of both pools can use.
func (p *pools) meet(a, b int) bool {
	if a == b || a == anyNode || b == anyNode {
		return true
	}
	pair := [2]int{min(a, b), max(a, b)}
	meet, known := p.shared[pair]
	if !known {
		for _, node := range p.nodes {
			if p.canUse(a, node) && p.canUse(b, node) {
				meet = true
				break
			}
		}
		if len(p.shared) >= maxPairs {
			clear(p.shared)
		}
		p.shared[pair] = meet
	}
	return meet
}

func (p *pools) canUse(pool int, node *corev1.Node) bool {
	return slices.ContainsFunc(p.kinds[pool], func(k kindOfPod) bool { return k.canUse(node) })
}

// canUse reports whether such a pod could be on the node if the node were empty.
func (k *kindOfPod) canUse(node *corev1.Node) bool {
	if matches, err := k.affinity.Match(node); err != nil || !matches {
		return false
	}
	_, untolerated := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, k.tolerations,
		func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }, true)
	if untolerated {
		return false
	}
	for name, q := range k.requests {
		if has := node.Status.Allocatable[name]; q.Cmp(has) > 0 {
			return false
		}
	}
	return true
}
