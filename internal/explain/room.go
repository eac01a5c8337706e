package explain

import (
	"cmp"
	"runtime"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// kinds are the resources that the waiting pods ask for, by the place of their amounts. The first is the number of pods.
type kinds []corev1.ResourceName

const (
	// mostAsks limits how many different pod shapes of a gang are counted, and mostKinds how many resources.
	mostAsks  = 16
	mostKinds = 32
)

// ask is what each of some waiting pods asks for.
type ask struct {
	// example is one of the pods.
	example *corev1.Pod
	amounts []int64
	pods    int
}

// place is a node with what is free on it.
type place struct {
	node *corev1.Node
	free []int64
}

// fit is whether a node takes a pod: how many more of them, and else why not.
type fit struct {
	place *place
	// takes is how many more pods the node takes.
	takes int
	// taint is a taint that the pod does not tolerate, nil if there is none. Cordoned and elsewhere say that the node is marked as
	// unschedulable, and that it is none of those that the pod selects.
	taint               *corev1.Taint
	cordoned, elsewhere bool
}

// admitted reports whether only the capacity of the node limits how many pods it takes.
func (f *fit) admitted() bool { return f.taint == nil && !f.cordoned && !f.elsewhere }

// kindsOf returns the resources that the pods ask for.
func kindsOf(pods []*corev1.Pod) kinds {
	all := kinds{corev1.ResourcePods}
	for _, pod := range pods {
		for name, quantity := range requestsOf(pod) {
			if !quantity.IsZero() && len(all) < mostKinds && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.SortFunc(all[1:], func(a, b corev1.ResourceName) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	return all
}

// rank puts what users look at first first.
func rank(name corev1.ResourceName) int {
	order := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}
	if at := slices.Index(order, name); at >= 0 {
		return at
	}
	return len(order)
}

func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true})
}

// amountsOf returns the amounts of a list: millicores of CPU, and units of all else.
func (k kinds) amountsOf(list corev1.ResourceList) []int64 {
	amounts := make([]int64, len(k))
	for i, name := range k {
		if quantity, has := list[name]; has {
			amounts[i] = amountOf(name, quantity)
		}
	}
	return amounts
}

func amountOf(name corev1.ResourceName, quantity resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return quantity.MilliValue()
	}
	return quantity.Value()
}

// asksOf groups waiting pods by what they ask for. Those that are most come first. Others is how many pods are in no group, because there
// are too many.
func asksOf(pods []*corev1.Pod, k kinds) (asks []ask, others int) {
	for _, pod := range pods {
		amounts := k.amountsOf(requestsOf(pod))
		amounts[0] = 1
		i := slices.IndexFunc(asks, func(a ask) bool { return slices.Equal(a.amounts, amounts) && alike(a.example, pod) })
		switch {
		case i < 0 && len(asks) == mostAsks:
			others++
			continue
		case i < 0:
			i, asks = len(asks), append(asks, ask{example: pod, amounts: amounts})
		}
		asks[i].pods++
	}
	slices.SortStableFunc(asks, func(a, b ask) int { return cmp.Compare(b.pods, a.pods) })
	return asks, others
}

// alike reports whether taints and labels of nodes mean the same for two pods.
func alike(a, b *corev1.Pod) bool {
	return a == b || equality.Semantic.DeepEqual(a.Spec.NodeSelector, b.Spec.NodeSelector) &&
		equality.Semantic.DeepEqual(a.Spec.Tolerations, b.Spec.Tolerations) &&
		equality.Semantic.DeepEqual(nodeAffinity(a), nodeAffinity(b))
}

func nodeAffinity(pod *corev1.Pod) *corev1.NodeAffinity {
	if pod.Spec.Affinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity
}

// placesOf returns the nodes with what is free on them, by what the pods on them request. The pods are counted by as many goroutines as
// there are processors: in a large cluster nothing else takes as long.
func placesOf(nodes []*corev1.Node, pods []*corev1.Pod, k kinds) []place {
	places, byName := make([]place, len(nodes)), make(map[string]int, len(nodes))
	for i, node := range nodes {
		places[i] = place{node: node, free: k.amountsOf(node.Status.Allocatable)}
		byName[node.Name] = i
	}
	parts := make([][]int64, min(runtime.GOMAXPROCS(0), len(pods)/fewPods+1))
	var counting sync.WaitGroup
	for n := range parts {
		counting.Go(func() {
			parts[n] = k.usedBy(pods[n*len(pods)/len(parts):(n+1)*len(pods)/len(parts)], byName)
		})
	}
	counting.Wait()
	for _, used := range parts {
		for i := range places {
			for r := range k {
				places[i].free[r] -= used[i*len(k)+r]
			}
		}
	}
	return places
}

// fewPods is how many pods are not worth a goroutine.
const fewPods = 1000

// usedBy returns what the pods use of each node, one node after the other.
func (k kinds) usedBy(pods []*corev1.Pod, nodes map[string]int) []int64 {
	all := make([]int64, len(nodes)*len(k))
	reused := corev1.ResourceList{} // with a list for each of the pods of a large cluster, most of the time goes into making lists
	for _, pod := range pods {
		at, known := nodes[pod.Spec.NodeName]
		if !known || gangread.Ended(pod) {
			continue
		}
		used := all[at*len(k) : (at+1)*len(k)]
		used[0]++
		if onlyContainers(pod) {
			k.addContainers(used, pod)
			continue
		}
		requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true, Reuse: reused})
		for i, name := range k[1:] {
			if quantity, has := requests[name]; has {
				used[i+1] += amountOf(name, quantity)
			}
		}
	}
	return all
}

// onlyContainers reports whether a pod requests the sum of what its containers request, and nothing else decides.
func onlyContainers(pod *corev1.Pod) bool {
	return len(pod.Spec.InitContainers) == 0 && len(pod.Spec.Overhead) == 0 && pod.Spec.Resources == nil &&
		!resourcehelper.IsPodResizeInfeasible(pod)
}

// addContainers adds what the containers of a pod request: the highest of what is specified, allocated and actuated, which differ while a
// pod is being resized. It is what resourcehelper.PodRequests returns for such pods, for some of the resources and without a list: most
// pods of a large cluster are counted here.
func (k kinds) addContainers(used []int64, pod *corev1.Pod) {
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		var allocated, actuated corev1.ResourceList
		for s := range pod.Status.ContainerStatuses {
			if status := &pod.Status.ContainerStatuses[s]; status.Name == c.Name && status.Resources != nil {
				allocated, actuated = status.AllocatedResources, status.Resources.Requests
			}
		}
		for n, name := range k[1:] {
			most := amountIn(c.Resources.Requests, name)
			if allocated != nil || actuated != nil {
				most = max(most, amountIn(allocated, name), amountIn(actuated, name))
			}
			used[n+1] += most
		}
	}
}

func amountIn(list corev1.ResourceList, name corev1.ResourceName) int64 {
	if quantity, has := list[name]; has {
		return amountOf(name, quantity)
	}
	return 0
}

// on returns whether the nodes take the pods.
func (a *ask) on(places []place) []fit {
	fits := make([]fit, len(places))
	affinity := nodeaffinity.GetRequiredNodeAffinity(a.example)
	for i := range places {
		p := &places[i]
		fits[i] = a.admission(p, affinity)
		if fits[i].admitted() {
			fits[i].takes = a.roomIn(p.free)
		}
	}
	return fits
}

// admission returns whether the taints and labels of a node admit the pod.
func (a *ask) admission(p *place, affinity nodeaffinity.RequiredNodeAffinity) fit {
	f := fit{place: p}
	tolerations := a.example.Spec.Tolerations
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	if p.node.Spec.Unschedulable && !corev1helpers.TolerationsTolerateTaint(klog.Background(), tolerations, &cordon, true) {
		f.cordoned = true
		return f
	}
	taint, untolerated := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), p.node.Spec.Taints, tolerations,
		func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }, true)
	if untolerated {
		f.taint = &taint
		return f
	}
	matches, err := affinity.Match(p.node)
	f.elsewhere = err != nil || !matches
	return f
}

// roomIn returns how many more of the pods so much free capacity takes.
func (a *ask) roomIn(free []int64) int {
	room := free[0]
	for i, each := range a.amounts {
		if each > 0 {
			room = min(room, max(0, free[i])/each)
		}
	}
	return int(max(0, room))
}

// lacks returns the resources of which there is too little for one more pod, by their places in kinds.
func (a *ask) lacks(free []int64) []int {
	var lacking []int
	for i, each := range a.amounts {
		if each > 0 && free[i] < each {
			lacking = append(lacking, i)
		}
	}
	return lacking
}
