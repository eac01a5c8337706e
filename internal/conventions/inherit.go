package conventions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Shape is what declared pods inherit from the pod that declares them: its labels, and the constraints on its nodes.
type Shape struct {
	Labels       map[string]string
	NodeSelector map[string]string
	Tolerations  []gang.Toleration
	// Affinity is JSON of a Kubernetes affinity, or empty.
	Affinity string
}

// Inherit completes the declared roles from the pod itself: the constraints on the executors' nodes, and the labels that Spark sets
// on them.
func Inherit(s *gang.Spec, from Shape) {
	app := from.Labels[sparkAppLabel]
	if s.Roles == nil || app == "" && !s.Roles.Inherits {
		return
	}
	r := &gang.Roles{List: slices.Clone(s.Roles.List), Apart: s.Roles.Apart, Inherits: s.Roles.Inherits}
	for i := range r.List {
		role := &r.List[i]
		if role.Creates {
			continue
		}
		if app != "" {
			role.Labels = sparkLabelsOf(*role, app)
		}
		if r.Inherits {
			role.NodeSelector, role.Tolerations = from.NodeSelector, from.Tolerations
			if from.Affinity != "" {
				role.Affinity = json.RawMessage(from.Affinity)
			}
		}
	}
	if !r.Inherits {
		from = Shape{}
	}
	r.Text = fmt.Sprint(s.Roles.Text, app, from.NodeSelector, from.Tolerations, from.Affinity)
	s.Roles = r
}

// RefuseRole returns the Problem of a declared role that the caller found to be invalid, for the reason why.
func RefuseRole(r *gang.Roles, role gang.Role, why error) *Problem {
	text := why.Error()
	if len(text) > shownReason {
		text = strings.ToValidUTF8(text[:shownReason], "") + "..."
	}
	return problem(RolesAnnotation, r.Text, fmt.Sprintf("role %q: %s; write it as in the specification of a pod", role.Name, text))
}

// shownReason is the maximum number of bytes of a reason that a Problem shows: the reason may quote the user's text.
const shownReason = 256
