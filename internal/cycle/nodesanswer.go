package cycle

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// resourcesMost is of how many resources an answer has amounts.
const resourcesMost = 16

// nodesAnswer is an answer about the nodes while it is made.
type nodesAnswer struct {
	answers.Nodes
	ledger *ledger.Ledger
	// numbers are the indexes of the gangs.
	numbers map[gang.Key]int
}

// Answer returns what the nodes have, and who uses it, with all gangs.
func (s *Seen) Answer() answers.Nodes {
	slices.SortFunc(s.nodes, func(a, b seenNode) int { return cmp.Compare(a.node.Name, b.node.Name) })
	labels := make([]map[string]string, len(s.nodes))
	for i := range s.nodes {
		labels[i] = s.nodes[i].node.Labels
	}
	a := nodesAnswer{ledger: s.ledger, numbers: map[gang.Key]int{}, Nodes: answers.Nodes{
		Resources: resourcesOf(s.nodes), TopologyKeys: topologyKeys(labels, s.ledger.TopologyKeys()), Gangs: []answers.GangOnNodes{},
		Items: make([]answers.Node, len(s.nodes)), At: s.at,
	}}
	aside := a.asides(s.placeholders)
	for i := range s.nodes {
		node := s.nodes[i].node
		has := a.zero()
		a.add(has, s.nodes[i].allocatable)
		inCores(has)
		a.Items[i] = answers.Node{
			Name: node.Name, Domains: make([]string, len(a.TopologyKeys)), Ready: ready(node), Unschedulable: node.Spec.Unschedulable,
			Allocatable: has, SetAside: aside[node.Name],
		}
		for k, key := range a.TopologyKeys {
			a.Items[i].Domains[k] = node.Labels[key]
		}
		a.addPods(&a.Items[i], s.nodes[i].pods)
	}
	return a.Nodes
}

// addPods counts what the pods on a node use.
func (a *nodesAnswer) addPods(node *answers.Node, pods []fwk.PodInfo) {
	uids := make([]types.UID, len(pods))
	for i, pod := range pods {
		uids[i] = pod.GetPod().UID
	}
	node.Used = a.zero()
	for i, key := range a.ledger.GangsOf(uids) {
		if slots.IsPlaceholder(pods[i].GetPod()) {
			continue
		}
		takes := pods[i].CalculateResource().Resource
		a.add(node.Used, takes)
		if key == (gang.Key{}) {
			continue
		}
		number := a.number(key)
		at := slices.IndexFunc(node.Gangs, func(g answers.GangOnNode) bool { return g.Gang == number })
		if at < 0 {
			at = len(node.Gangs)
			node.Gangs = append(node.Gangs, answers.GangOnNode{Gang: number, Uses: a.zero()})
		}
		node.Gangs[at].Pods++
		a.add(node.Gangs[at].Uses, takes)
	}
	inCores(node.Used)
	for i := range node.Gangs {
		inCores(node.Gangs[i].Uses)
	}
	slices.SortFunc(node.Gangs, func(a, b answers.GangOnNode) int { return cmp.Compare(a.Gang, b.Gang) })
}

// number returns the index of a gang, which may be new.
func (a *nodesAnswer) number(key gang.Key) int {
	number, known := a.numbers[key]
	if !known {
		number = len(a.Gangs)
		a.numbers[key] = number
		a.Gangs = append(a.Gangs, answers.GangOnNodes{Namespace: key.Namespace, Name: key.Name, Instance: key.Instance})
	}
	return number
}

// asides returns what is held or set aside, by node.
func (a *nodesAnswer) asides(placeholders []*corev1.Pod) map[string][]float64 {
	aside := map[string][]float64{}
	for _, pod := range placeholders {
		info, err := framework.NewPodInfo(pod)
		if err != nil {
			continue // the ledger has checked the affinity of placeholders
		}
		on := aside[pod.Spec.NodeName]
		if on == nil {
			on = a.zero()
			aside[pod.Spec.NodeName] = on
		}
		a.add(on, info.CalculateResource().Resource)
	}
	for _, on := range aside {
		inCores(on)
	}
	return aside
}

func (a *nodesAnswer) zero() []float64 { return make([]float64, len(a.Resources)) }

// add adds amounts. Those of CPU are in millicores until the sum is complete, so that there are no fractions that are not exact.
func (a *nodesAnswer) add(sum []float64, amounts fwk.Resource) {
	for i, name := range a.Resources {
		sum[i] += float64(requests.Amount(amounts, name))
	}
}

// inCores makes cores of the millicores of CPU, which is the first resource.
func inCores(sum []float64) { sum[0] /= 1000 }

// resourcesOf returns CPU, memory, and the extended resources that any node has, by name.
func resourcesOf(nodes []seenNode) []string {
	found := map[corev1.ResourceName]struct{}{}
	for i := range nodes {
		for name, amount := range nodes[i].allocatable.GetScalarResources() {
			if amount > 0 {
				found[name] = struct{}{}
			}
		}
	}
	names := []string{string(corev1.ResourceCPU), string(corev1.ResourceMemory)}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if v1helper.IsExtendedResourceName(name) && len(names) < resourcesMost {
			names = append(names, string(name))
		}
	}
	return names
}

// ready reports whether a node is ready. One without the condition Ready is: no kubelet reports for it.
func ready(node *corev1.Node) bool {
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
			return false
		}
	}
	return true
}
