package coscheduling

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// request is what a pod takes of a node: millicores, bytes, bytes, and units of other resources.
type request struct {
	cpu, memory, storage int64
	scalars              []scalar
}

type scalar struct {
	name     corev1.ResourceName
	quantity int64
}

func requestOf(info fwk.PodInfo) request {
	takes := info.CalculateResource().Resource
	r := request{cpu: takes.GetMilliCPU(), memory: takes.GetMemory(), storage: takes.GetEphemeralStorage()}
	for name, quantity := range takes.GetScalarResources() {
		if quantity > 0 {
			r.scalars = append(r.scalars, scalar{name: name, quantity: quantity})
		}
	}
	slices.SortFunc(r.scalars, func(a, b scalar) int { return cmp.Compare(a.name, b.name) })
	return r
}

// requestFrom is the reverse of amounts.
func requestFrom(amounts []gang.Amount) request {
	var r request
	for _, a := range amounts {
		switch a.Resource {
		case string(corev1.ResourceCPU):
			r.cpu = a.Quantity
		case string(corev1.ResourceMemory):
			r.memory = a.Quantity
		case string(corev1.ResourceEphemeralStorage):
			r.storage = a.Quantity
		default:
			r.scalars = append(r.scalars, scalar{name: corev1.ResourceName(a.Resource), quantity: a.Quantity})
		}
	}
	return r
}

// amounts lists the resources that the request takes any of.
func (r request) amounts() []gang.Amount {
	all := []gang.Amount{
		{Resource: string(corev1.ResourceCPU), Quantity: r.cpu},
		{Resource: string(corev1.ResourceMemory), Quantity: r.memory},
		{Resource: string(corev1.ResourceEphemeralStorage), Quantity: r.storage},
	}
	for _, s := range r.scalars {
		all = append(all, gang.Amount{Resource: string(s.name), Quantity: s.quantity})
	}
	return slices.DeleteFunc(all, func(a gang.Amount) bool { return a.Quantity == 0 })
}

// least is the least that either request takes of each resource.
func (r request) least(o request) request {
	l := request{cpu: min(r.cpu, o.cpu), memory: min(r.memory, o.memory), storage: min(r.storage, o.storage)}
	for _, s := range r.scalars {
		for _, t := range o.scalars {
			if s.name == t.name {
				l.scalars = append(l.scalars, scalar{name: s.name, quantity: min(s.quantity, t.quantity)})
			}
		}
	}
	return l
}

// room is how many more pods with this request the node could take by resources alone, at most. Resources other than cpu,
// memory and storage make it 1 at least: upstream may be told to ignore them, or find them with a device driver, so only
// its filter can say no.
func (r *request) room(node fwk.NodeInfo) int {
	has, used := node.GetAllocatable(), node.GetRequested()
	room := int64(has.GetAllowedPodNumber() - len(node.GetPods()))
	if r.cpu > 0 {
		room = min(room, (has.GetMilliCPU()-used.GetMilliCPU())/r.cpu)
	}
	if r.memory > 0 {
		room = min(room, (has.GetMemory()-used.GetMemory())/r.memory)
	}
	if r.storage > 0 {
		room = min(room, (has.GetEphemeralStorage()-used.GetEphemeralStorage())/r.storage)
	}
	if room <= 0 {
		return 0
	}
	for _, s := range r.scalars {
		free := has.GetScalarResources()[s.name] - used.GetScalarResources()[s.name]
		room = min(room, max(1, free/s.quantity))
	}
	return int(room)
}

// capacity is how many pods that take these amounts the node could hold if it were empty.
func capacity(takes []gang.Amount, node fwk.NodeInfo) int {
	has := node.GetAllocatable()
	room := int64(has.GetAllowedPodNumber())
	for _, a := range takes {
		room = min(room, amountOf(has, a.Resource)/a.Quantity)
	}
	return int(room)
}

// free is how much of a resource is left on the node.
func free(node fwk.NodeInfo, name string) int64 {
	if name == string(corev1.ResourcePods) {
		return int64(node.GetAllocatable().GetAllowedPodNumber() - len(node.GetPods()))
	}
	return amountOf(node.GetAllocatable(), name) - amountOf(node.GetRequested(), name)
}

func allocatable(node fwk.NodeInfo, name string) int64 { return amountOf(node.GetAllocatable(), name) }

func amountOf(all fwk.Resource, name string) int64 {
	switch name {
	case string(corev1.ResourceCPU):
		return all.GetMilliCPU()
	case string(corev1.ResourceMemory):
		return all.GetMemory()
	case string(corev1.ResourceEphemeralStorage):
		return all.GetEphemeralStorage()
	}
	return all.GetScalarResources()[corev1.ResourceName(name)]
}

// quantity writes an amount of a resource as people do: cores of cpu, binary units of memory and storage.
func quantity(name string, amount int64) string {
	switch name {
	case string(corev1.ResourceCPU):
		return strconv.FormatFloat(float64(amount)/1000, 'f', -1, 64)
	case string(corev1.ResourceMemory), string(corev1.ResourceEphemeralStorage):
		return resource.NewQuantity(amount, resource.BinarySI).String()
	}
	return strconv.FormatInt(amount, 10)
}
