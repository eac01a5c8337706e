package gang

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Shape is what a pod that declares others has in common with them: its labels, and where it may run.
type Shape struct {
	Labels       map[string]string
	NodeSelector map[string]string
	Tolerations  []Toleration
	// Affinity is JSON, or empty.
	Affinity string
}

// Inherits says whether the declared members may run where the pod that declares them may. Those of Palantir's annotations, which
// have no words for it, do; those of RolesAnnotation say it themselves.
func (r *Roles) Inherits() bool { return r != nil && r.inherits }

// Inherit adds to what the pod declares what follows from the pod itself: where its executors may run, and the labels that Spark
// writes on them.
func (s *Spec) Inherit(from Shape) {
	app := from.Labels[sparkAppLabel]
	if s.Roles == nil || app == "" && !s.Roles.inherits {
		return
	}
	r := &Roles{list: slices.Clone(s.Roles.list), apart: s.Roles.apart, inherits: s.Roles.inherits}
	for i := range r.list {
		role := &r.list[i]
		if role.Leads {
			continue
		}
		if app != "" {
			role.Labels = sparkLabelsOf(*role, app)
		}
		if r.inherits {
			role.NodeSelector, role.Tolerations = from.NodeSelector, from.Tolerations
			if from.Affinity != "" {
				role.Affinity = json.RawMessage(from.Affinity)
			}
		}
	}
	if !r.inherits {
		from = Shape{}
	}
	r.text = fmt.Sprint(s.Roles.text, app, from.NodeSelector, from.Tolerations, from.Affinity)
	s.Roles = r
}

// sparkLabelsOf are the labels that the role declares, and those that Spark writes.
func sparkLabelsOf(role Role, app string) map[string]string {
	labels := map[string]string{sparkAppLabel: app}
	if role.Name == sparkExecutor {
		labels[sparkRoleLabel] = sparkExecutor
	}
	maps.Copy(labels, role.Labels)
	return labels
}

// Refuse says that what the pod declares of a role cannot be followed, for a reason that only an adapter can know.
func (r *Roles) Refuse(role Role, why error) *Problem {
	text := why.Error()
	if len(text) > shownReason {
		text = strings.ToValidUTF8(text[:shownReason], "") + "..."
	}
	return problem(RolesAnnotation, r.text, fmt.Sprintf("role %q: %s; write it as in the specification of a pod", role.Name, text))
}

// shownReason is how many bytes of a reason are told that repeats what the user wrote.
const shownReason = 256
