package gang

import (
	"encoding/json"
	"fmt"
)

// Role describes the members of a gang that do the same work.
type Role struct {
	Name string
	// Min is the number of members of the role that must be scheduled for any member of the gang to start.
	Min int32
	// Creates is true if the pods of this role create the others, so that the others do not exist before it runs.
	Creates bool
	// The remaining fields are those of a pod that does not exist yet. Quantities are written as in a container's resource requests.
	// Without requests such pods cannot be planned, and their creator starts on its own.
	Requests     map[string]string
	NodeSelector map[string]string
	Tolerations  []Toleration
	// Affinity and TopologySpreadConstraints are JSON of the Kubernetes types. The caller parses and validates them.
	Affinity                  json.RawMessage
	TopologySpreadConstraints json.RawMessage
	// Labels are the labels of such pods, for their own selectors and those of other pods.
	Labels map[string]string
	// Topology is where the members of the role have to be, besides what their gang asks for.
	Topology Topology
}

// Toleration is a pod's toleration, as in the Kubernetes API.
type Toleration struct {
	Key      string `json:"key,omitempty"`
	Operator string `json:"operator,omitempty"`
	Value    string `json:"value,omitempty"`
	Effect   string `json:"effect,omitempty"`
	// Seconds has an effect only when a pod runs.
	Seconds *int64 `json:"tolerationSeconds,omitempty"`
}

// Roles are the roles that a pod declares. They are immutable: members share them.
type Roles struct {
	// List has the roles in the order of their declaration.
	List []Role
	// Apart is the number of additional creators. They start on their own, because the pods that they create have no requests.
	Apart int
	// Inherits is true if the declared members have the node selector, tolerations and affinity of the pod that declares them.
	Inherits bool
	// Text is the text from which the roles were parsed: roles with the same text are equal.
	Text string
}

// NewRoles returns roles that do not come from a text.
func NewRoles(list ...Role) *Roles { return &Roles{List: list, Text: fmt.Sprint(list)} }

// All returns the roles in the order of their declaration.
func (r *Roles) All() []Role {
	if r == nil {
		return nil
	}
	return r.List
}

// Total is the sum of the roles' minimums and the additional creators.
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

// Named returns the role with this name, or nil.
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
