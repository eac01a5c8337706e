package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// queuesName is the ConfigMap that the scheduler may read.
const queuesName = queueconfig.DefaultName

// queues judges the configuration of the queues.
func queues(f *Facts) []Finding {
	if problems, invalid := errors.AsType[queueconfig.Problems](f.Queues.Err); invalid {
		var all []Finding
		for _, problem := range problems.Lines() {
			all = append(all, Finding{
				Check: checkQueues, Level: Problem, Text: fmt.Sprintf("ConfigMap %s: %s", f.QueuesName, problem),
				Remedy: "correct it; until then the scheduler keeps the configuration before it; kubenexus queues check -f shows the same",
			})
		}
		return all
	}
	switch {
	case f.Queues.Err != nil:
		return []Finding{unread(checkQueues, "ConfigMap "+f.QueuesName, f.Queues.Err)}
	case !f.Queues.Value.Configured:
		return []Finding{{
			Check: checkQueues, Level: Info, Text: fmt.Sprintf("there is no ConfigMap %s, so all gangs share one queue", f.QueuesName),
			Remedy: "see docs/concepts/queues.md, if teams share the cluster",
		}}
	}
	return []Finding{{Check: checkQueues, Level: OK, Text: fmt.Sprintf("ConfigMap %s is valid", f.QueuesName)}}
}

// groups says which PodGroups of other schedulers there are.
func groups(f *Facts) []Finding {
	var all []Finding
	for _, g := range f.Groups {
		switch {
		case g.Count.Err != nil:
			all = append(all, unread(checkGroups, "the PodGroups of "+g.Product, g.Count.Err))
		case g.Count.Value > 0:
			all = append(all, Finding{
				Check: checkGroups, Level: Info, Text: fmt.Sprintf("there are %s of %s, which this scheduler does not read",
					events.Count(g.Count.Value, "PodGroup"), g.Product),
				Remedy: "if their pods are to be scheduled by this scheduler, convert their manifests: kubenexus convert (docs/moving.md)",
			})
		}
	}
	return all
}

// priorities says whether gangs can have different priorities.
func priorities(f *Facts) []Finding {
	if f.Priorities.Err != nil {
		return []Finding{unread(checkPriorities, "the PriorityClasses", f.Priorities.Err)}
	}
	var names []string
	for i := range f.Priorities.Value {
		if name := f.Priorities.Value[i].Name; !strings.HasPrefix(name, "system-") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return []Finding{{
			Check: checkPriorities, Level: Info, Text: "there are no PriorityClasses but those of the system, so all gangs have the " +
				"same priority",
			Remedy: "make PriorityClasses, if some gangs are more important than others (docs/concepts/preemption.md)",
		}}
	}
	slices.Sort(names)
	return []Finding{{
		Check: checkPriorities, Level: OK, Text: fmt.Sprintf("there are %d PriorityClasses: %s", len(names), named(names)), Objects: names,
	}}
}

// guardRails says whether the policies that reject bad annotations are installed.
func guardRails(f *Facts) []Finding {
	for _, read := range []Read[[]string]{f.Policies, f.Bound} {
		if read.Err != nil {
			return []Finding{unread(checkGuardRails, "the ValidatingAdmissionPolicies", read.Err)}
		}
	}
	var bound, unbound []string
	for _, name := range f.Policies.Value {
		switch {
		case !isGuardRail(name):
		case slices.Contains(f.Bound.Value, name):
			bound = append(bound, name)
		default:
			unbound = append(unbound, name)
		}
	}
	var all []Finding
	if len(unbound) > 0 {
		all = append(all, Finding{
			Check: checkGuardRails, Level: Warning, Objects: unbound,
			Text:   "these policies are not bound, so they reject nothing: " + named(unbound),
			Remedy: "apply config/guard-rails.yaml again (docs/install.md)",
		})
	}
	if len(bound) > 0 {
		return append(all, Finding{
			Check: checkGuardRails, Level: OK, Text: events.Count(len(bound), "guard rail") + " installed",
			Objects: bound,
		})
	}
	return append(all, Finding{
		Check: checkGuardRails, Level: Info,
		Text:   "no guard rails are installed, so pods with annotations that cannot be followed are created, and wait",
		Remedy: "apply config/guard-rails.yaml, if they should be rejected instead (docs/install.md)",
	})
}

// isGuardRail reports whether a policy is one of this project's: they are named so, also by the chart.
func isGuardRail(name string) bool {
	for _, part := range [...]string{"gang-annotations-in-", "queues-in-", "reservation"} {
		if strings.Contains(name, "kubenexus") && strings.Contains(name, part) {
			return true
		}
	}
	return false
}
