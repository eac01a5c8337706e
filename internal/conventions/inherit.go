package conventions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Shape is what a pod that declares others has in common with them: its labels, and where it may run.
type Shape struct {
	Labels       map[string]string
	NodeSelector map[string]string
	Tolerations  []gang.Toleration
	// Affinity is JSON, or empty.
	Affinity string
}

// Inherit adds to what the pod declares what follows from the pod itself: where its executors may run, and the labels that Spark
// writes on them.
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

// RefuseRole says that what the pod declares of a role cannot be followed, for a reason that only an adapter can know.
func RefuseRole(r *gang.Roles, role gang.Role, why error) *Problem {
	text := why.Error()
	if len(text) > shownReason {
		text = strings.ToValidUTF8(text[:shownReason], "") + "..."
	}
	return problem(RolesAnnotation, r.Text, fmt.Sprintf("role %q: %s; write it as in the specification of a pod", role.Name, text))
}

// shownReason is how many bytes of a reason are told that repeats what the user wrote.
const shownReason = 256
