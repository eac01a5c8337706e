package metrics

import (
	"fmt"
	"strings"
)

// entry describes a metric.
type entry struct {
	Name, Type, Help string
	Labels           []string
}

//nolint:gochecknoglobals // a table that is never changed
var (
	attempts = entry{
		"kubenexus_gang_scheduling_attempts_total", "counter",
		"Attempts to start a gang, each counted once when it ends: success, all that it needs were placed together and the first was " +
			"bound; failure, there was no plan, it broke, or none could be bound. A timeout is no attempt.",
		[]string{"status"},
	}
	waitTime = entry{
		"kubenexus_gang_wait_time_seconds", "gauge",
		"How long the gang has waited since its first pod was created, or, once it runs, had waited until it started " +
			"(none if this process did not see that).",
		[]string{"pod_group"},
	}
	size = entry{
		"kubenexus_gang_size", "gauge",
		"Members of the gang that exist and have not ended.",
		[]string{"pod_group"},
	}
	hidden = entry{
		"kubenexus_gangs_without_series", "gauge",
		"Gangs beyond the 1,000 that have series of their own (those that wait longest come first).",
		nil,
	}
	gangs = entry{
		"kubenexus_gangs", "gauge",
		"Gangs by phase: Incomplete, Disagreeing, Ready (complete, waiting for room), Placing, Running, Unbound (no size given).",
		[]string{"phase"},
	}
	longest = entry{
		"kubenexus_gangs_longest_wait_seconds", "gauge",
		"By phase, how long the gang that waits longest has waited since its first pod was created; 0 if there is none.",
		[]string{"phase"},
	}
	partial = entry{
		"kubenexus_gangs_partial", "gauge",
		"Gangs that run with fewer members than they need while others wait to join. Should be 0 but for moments.",
		nil,
	}
	waiting = entry{
		"kubenexus_gang_members_waiting", "gauge",
		"Pending members of gangs. They are kept out of the scheduling queue, so scheduler_pending_pods does not count them.",
		nil,
	}
	reserved = entry{
		"kubenexus_reserved_places", "gauge",
		"Places that are held for members that leaders declared and that do not exist yet.",
		nil,
	}
	reservations = entry{
		"kubenexus_reservations", "gauge",
		"Gangs that hold places.",
		nil,
	}
	planDuration = entry{
		"kubenexus_gang_plan_duration_seconds", "histogram",
		"How long it took to plan a gang, by whether it fits.",
		[]string{"result"},
	}
	planMembers = entry{
		"kubenexus_gang_plan_members", "histogram",
		"Members for which a plan was made, declared ones included.",
		nil,
	}
	attemptsToStart = entry{
		"kubenexus_gang_attempts_until_started", "histogram",
		"Attempts that a gang needed until its first member was bound.",
		nil,
	}
	completeToStart = entry{
		"kubenexus_gang_complete_to_started_seconds", "histogram",
		"Time from when enough members of a gang existed until they were let go to be bound, if one of them was.",
		nil,
	}
	lost = entry{
		"kubenexus_gang_members_lost_total", "counter",
		"Members of gangs that a kubelet rejected, as when another scheduler took the room.",
		nil,
	}
)

// catalogue lists every metric, in the order of the documentation.
func catalogue() []entry {
	return []entry{
		attempts, waitTime, size, hidden, gangs, longest, partial, waiting, reserved, reservations,
		planDuration, planMembers, attemptsToStart, completeToStart, lost,
	}
}

// Markdown renders the catalogue for docs/reference/metrics.md.
func Markdown() string {
	var text strings.Builder
	text.WriteString(`# Metrics

On ` + "`https://:10259/metrics`" + `, beside the upstream scheduler's. This page is generated from the code:
` + "`make reference`" + `.

Series of a gang (label ` + "`pod_group`" + `: namespace/name) end with it. At most 1,000 gangs have series of their own.

| metric | type | labels | what it is |
| --- | --- | --- | --- |
`)
	for _, e := range catalogue() {
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", e.Name, e.Type, strings.Join(e.Labels, ", "), e.Help)
	}
	return text.String()
}
