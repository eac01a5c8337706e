package gang

import (
	"encoding/json"
	"fmt"
)

// Role is what a gang says about those of its members that do the same.
type Role struct {
	Name string
	// Min is how many members of the role must be placed for any member of the gang to start.
	Min int32
	// Creates says that the pods of this role create the others, so the others do not exist before it runs.
	Creates bool
	// The rest is that of a pod that does not exist yet, as its specification has it. Quantities are as in a container's
	// resource requests. Without requests such pods have no shape, and their creator starts by itself.
	Requests     map[string]string
	NodeSelector map[string]string
	Tolerations  []Toleration
	// Affinity and TopologySpreadConstraints are JSON of Kubernetes' types, which is for the adapter to read and to check.
	Affinity                  json.RawMessage
	TopologySpreadConstraints json.RawMessage
	// Labels are those that the selectors of such pods, and of others, find on them.
	Labels map[string]string
}

// Toleration is one of a pod, as Kubernetes writes it.
type Toleration struct {
	Key      string `json:"key,omitempty"`
	Operator string `json:"operator,omitempty"`
	Value    string `json:"value,omitempty"`
	Effect   string `json:"effect,omitempty"`
	// Seconds matters only once a pod runs.
	Seconds *int64 `json:"tolerationSeconds,omitempty"`
}

// Roles are the roles that a pod declares. Nobody changes them once they were read: members share them.
type Roles struct {
	// List has the roles in the order in which they are declared.
	List []Role
	// Apart is how many creators there are besides, of which nothing else is known: what they create has no shape.
	Apart int
	// Inherits says that the declared members are like the pod that declares them in where they may run.
	Inherits bool
	// Text is what they were read from: roles with the same text are the same.
	Text string
}

// NewRoles returns roles that were not read from a text.
func NewRoles(list ...Role) *Roles { return &Roles{List: list, Text: fmt.Sprint(list)} }

// All returns the roles in the order in which they are declared.
func (r *Roles) All() []Role {
	if r == nil {
		return nil
	}
	return r.List
}

// Total is the sum of the minima.
func (r *Roles) Total() int {
	if r == nil {
		return 0
	}
	total := r.Apart
	for _, role := range r.All() {
		total += int(role.Min)
	}
	return total
}

// Creator returns the role whose pods create the others, or nil.
func (r *Roles) Creator() *Role {
	for i := range r.All() {
		if r.List[i].Creates {
			return &r.List[i]
		}
	}
	return nil
}

// Named returns the role of this name, or nil.
func (r *Roles) Named(name string) *Role {
	for i := range r.All() {
		if r.List[i].Name == name {
			return &r.List[i]
		}
	}
	return nil
}

func sameRoles(a, b *Roles) bool {
	return a == b || a != nil && b != nil && a.Text == b.Text
}
