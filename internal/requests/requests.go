// Package requests computes with what pods request and what nodes have.
package requests

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Request is what a pod requests: CPU in millicores, memory and ephemeral storage in bytes, and units of other resources.
type Request struct {
	cpu, memory, storage int64
	// Scalars are the other resources, by name.
	Scalars []Scalar
}

// Scalar is an amount of a resource other than CPU, memory and ephemeral storage.
type Scalar struct {
	Name     corev1.ResourceName
	Quantity int64
}

// Of returns what a pod requests.
func Of(info fwk.PodInfo) Request {
	takes := info.CalculateResource().Resource
	r := Request{cpu: takes.GetMilliCPU(), memory: takes.GetMemory(), storage: takes.GetEphemeralStorage()}
	for name, quantity := range takes.GetScalarResources() {
		if quantity > 0 {
			r.Scalars = append(r.Scalars, Scalar{Name: name, Quantity: quantity})
		}
	}
	slices.SortFunc(r.Scalars, func(a, b Scalar) int { return cmp.Compare(a.Name, b.Name) })
	return r
}

// From returns the request with these amounts. It is the reverse of Amounts.
func From(amounts []gang.Amount) Request {
	var r Request
	for _, a := range amounts {
		switch a.Resource {
		case string(corev1.ResourceCPU):
			r.cpu = a.Quantity
		case string(corev1.ResourceMemory):
			r.memory = a.Quantity
		case string(corev1.ResourceEphemeralStorage):
			r.storage = a.Quantity
		default:
			r.Scalars = append(r.Scalars, Scalar{Name: corev1.ResourceName(a.Resource), Quantity: a.Quantity})
		}
	}
	return r
}

// Amounts lists the resources of which the request is not zero.
func (r Request) Amounts() []gang.Amount {
	all := []gang.Amount{
		{Resource: string(corev1.ResourceCPU), Quantity: r.cpu},
		{Resource: string(corev1.ResourceMemory), Quantity: r.memory},
		{Resource: string(corev1.ResourceEphemeralStorage), Quantity: r.storage},
	}
	for _, s := range r.Scalars {
		all = append(all, gang.Amount{Resource: string(s.Name), Quantity: s.Quantity})
	}
	return slices.DeleteFunc(all, func(a gang.Amount) bool { return a.Quantity == 0 })
}

// Amount returns what the request is for a resource; 1 for the number of pods.
func (r *Request) Amount(name string) int64 {
	switch name {
	case string(corev1.ResourcePods):
		return 1
	case string(corev1.ResourceCPU):
		return r.cpu
	case string(corev1.ResourceMemory):
		return r.memory
	case string(corev1.ResourceEphemeralStorage):
		return r.storage
	}
	for _, s := range r.Scalars {
		if string(s.Name) == name {
			return s.Quantity
		}
	}
	return 0
}

// Least returns the smaller amount of each resource.
func (r Request) Least(o Request) Request {
	l := Request{cpu: min(r.cpu, o.cpu), memory: min(r.memory, o.memory), storage: min(r.storage, o.storage)}
	for _, s := range r.Scalars {
		for _, t := range o.Scalars {
			if s.Name == t.Name {
				l.Scalars = append(l.Scalars, Scalar{Name: s.Name, Quantity: min(s.Quantity, t.Quantity)})
			}
		}
	}
	return l
}

// Room returns how many more pods with this request the node can take at most, by its free resources alone. Resources other than CPU,
// memory and ephemeral storage never make it 0: upstream may be configured to ignore them, or a device driver may provide them, so only the
// filter can reject the node.
func (r *Request) Room(node fwk.NodeInfo) int {
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
	for _, s := range r.Scalars {
		free := has.GetScalarResources()[s.Name] - used.GetScalarResources()[s.Name]
		room = min(room, max(1, free/s.Quantity))
	}
	return int(room)
}

// RoomCounting returns the same, but also counts these resources exactly: a filter does.
func (r *Request) RoomCounting(node fwk.NodeInfo, counted []string) int {
	room := r.Room(node)
	for _, s := range r.Scalars {
		if slices.Contains(counted, string(s.Name)) {
			room = min(room, int(max(0, Free(node, string(s.Name)))/s.Quantity))
		}
	}
	return room
}

// Capacity returns how many pods with these amounts the node could hold if it were empty.
func Capacity(takes []gang.Amount, node fwk.NodeInfo) int {
	has := node.GetAllocatable()
	room := int64(has.GetAllowedPodNumber())
	for _, a := range takes {
		room = min(room, Amount(has, a.Resource)/a.Quantity)
	}
	return int(room)
}

// Free returns how much of a resource is free on the node.
func Free(node fwk.NodeInfo, name string) int64 {
	if name == string(corev1.ResourcePods) {
		return int64(node.GetAllocatable().GetAllowedPodNumber() - len(node.GetPods()))
	}
	return Amount(node.GetAllocatable(), name) - Amount(node.GetRequested(), name)
}

// Allocatable returns how much of a resource is allocatable on the node.
func Allocatable(node fwk.NodeInfo, name string) int64 { return Amount(node.GetAllocatable(), name) }

// Amount returns the amount of a resource: millicores of CPU, and units of all others.
func Amount(all fwk.Resource, name string) int64 {
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

// Quantity formats an amount for users: CPU in cores, memory and ephemeral storage in binary units.
func Quantity(name string, amount int64) string {
	switch name {
	case string(corev1.ResourceCPU):
		return strconv.FormatFloat(float64(amount)/1000, 'f', -1, 64)
	case string(corev1.ResourceMemory), string(corev1.ResourceEphemeralStorage):
		return resource.NewQuantity(amount, resource.BinarySI).String()
	}
	return strconv.FormatInt(amount, 10)
}
