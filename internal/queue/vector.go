package queue

import (
	"maps"
	"slices"
)

// Resources numbers the resources that were ever named, so that amounts are vectors. It only grows: vectors stay valid when the tree is
// replaced. It is not safe for concurrent use.
type Resources struct {
	index map[string]int
	names []string
}

// NewResources returns an empty numbering.
func NewResources() *Resources { return &Resources{index: map[string]int{}} }

func (r *Resources) clone() *Resources {
	return &Resources{index: maps.Clone(r.index), names: slices.Clone(r.names)}
}

// Index returns the number of a resource, which may be new.
func (r *Resources) Index(name string) int {
	i, known := r.index[name]
	if !known {
		i = len(r.names)
		r.index[name] = i
		r.names = append(r.names, name)
	}
	return i
}

// Lookup returns the number of a resource that has one.
func (r *Resources) Lookup(name string) (int, bool) {
	i, known := r.index[name]
	return i, known
}

// Name returns the name of a resource.
func (r *Resources) Name(i int) string { return r.names[i] }

// Len returns how many resources there are.
func (r *Resources) Len() int { return len(r.names) }

// Vector returns amounts as a vector.
func (r *Resources) Vector(amounts Amounts) Vector {
	var v Vector
	for name, amount := range amounts {
		v.Set(r.Index(name), amount)
	}
	return v
}

// Vector has an amount for each resource, by the number of the resource. Those beyond its end are 0.
type Vector []int64

// Get returns the amount of a resource.
func (v Vector) Get(i int) int64 {
	if i >= len(v) {
		return 0
	}
	return v[i]
}

// Set sets the amount of a resource.
func (v *Vector) Set(i int, amount int64) {
	if i >= len(*v) {
		*v = append(*v, make(Vector, i+1-len(*v))...)
	}
	(*v)[i] = amount
}

// Add adds by times the amounts of o.
func (v *Vector) Add(o Vector, by int64) {
	if len(o) > len(*v) {
		*v = append(*v, make(Vector, len(o)-len(*v))...)
	}
	for i, amount := range o {
		(*v)[i] += by * amount
	}
}

// Clone returns a copy.
func (v Vector) Clone() Vector { return slices.Clone(v) }
