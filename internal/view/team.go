package view

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// team are the pods that are planned together: those of a gang's members, and placeholders for members that do not exist yet.
type team struct {
	// pods begin with those that the gang cannot do without: required of them.
	pods     []*corev1.Pod
	required int
	// declared are the roles of the placeholders.
	declared map[*corev1.Pod]string
	// kept is how many members another plugin keeps out of the queue; lacks says that a role has too few members without them.
	kept  int
	lacks bool
}

// teamFor returns the pods of the task that exist and that no other plugin keeps out of the queue, and the placeholders; held is a
// plugin that keeps one.
func (p *Planner) teamFor(ctx context.Context, task gang.Task) (t team, held string) {
	held = "another plugin"
	must := map[string]int{}
	for _, r := range task.Roles {
		must[r.Name] = r.Must
	}
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

// addDeclared adds placeholders, which are required all.
func (t *team) addDeclared(task gang.Task, must map[string]int) {
	t.declared = map[*corev1.Pod]string{}
	for _, r := range task.Roles {
		if r.Declared == 0 {
			continue
		}
		pod := slots.Placeholder(task.Gang.Namespace, r.Role)
		t.declared[pod] = r.Name
		for range r.Declared {
			t.pods = append(t.pods, pod)
		}
		must[r.Name] -= r.Declared
	}
}
