package view

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// team is the set of pods planned together: the gang's members, and placeholders for declared members that do not exist yet.
type team struct {
	// pods starts with the members that must be scheduled for the gang to start; required is their number.
	pods     []*corev1.Pod
	required int
	// roles are those of the pods, nil if they do not matter.
	roles map[*corev1.Pod]string
	// declared maps the placeholders to the names of their roles.
	declared map[*corev1.Pod]string
	// kept is how many members are deleted or gated by another plugin; lacks says that a role has too few members without them.
	kept  int
	lacks bool
}

// teamFor returns the existing members of the task that no other plugin gates, and the placeholders. held names a plugin that gates a
// member.
func (p *Planner) teamFor(ctx context.Context, task gang.Task) (t team, held string) {
	held = "another plugin"
	must := map[string]int{}
	for _, r := range task.Roles {
		must[r.Name] = r.Must
	}
	t.roles = withRoles(task)
	var optional []*corev1.Pod
	for i, ref := range task.Members {
		pod, err := p.Pods(ref)
		if err != nil || pod == nil {
			t.kept++
			continue // deleted a moment ago
		}
		if gate := p.gatedBy(ctx, pod); gate != "" {
			t.kept++
			held = gate
			continue
		}
		if t.roles != nil {
			t.roles[pod] = task.MemberRoles[i]
		}
		if len(task.Roles) > 0 && must[task.MemberRoles[i]] > 0 {
			must[task.MemberRoles[i]]--
			t.pods = append(t.pods, pod)
		} else {
			optional = append(optional, pod)
		}
	}
	t.addDeclared(task, must)
	t.required = len(t.pods)
	t.pods = append(t.pods, optional...)
	for _, missing := range must {
		t.lacks = t.lacks || missing > 0
	}
	return t, held
}

// addDeclared adds the placeholders, all of them required.
func (t *team) addDeclared(task gang.Task, must map[string]int) {
	t.declared = map[*corev1.Pod]string{}
	for _, r := range task.Roles {
		if r.Declared == 0 {
			continue
		}
		pod := slots.Placeholder(task.Gang.Namespace, r.Role)
		t.declared[pod] = r.Name
		if t.roles != nil {
			t.roles[pod] = r.Name
		}
		for range r.Declared {
			t.pods = append(t.pods, pod)
		}
		must[r.Name] -= r.Declared
	}
}
