package queue

// Resource is a resource that queues share.
type Resource struct {
	Name string
	// Total is what the cluster has of it: the allocatable of the nodes that count.
	Total int64
}

// Capacity returns the resources that have a number, by their numbers: those that the configuration or a node names.
func (t *Tree) Capacity() []Resource {
	all := make([]Resource, t.resources.Len())
	for i := range all {
		all[i] = Resource{Name: t.resources.Name(i), Total: t.total.Get(i)}
	}
	return all
}
