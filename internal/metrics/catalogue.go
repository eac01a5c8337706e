package metrics

import (
	"fmt"
	"slices"
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
		"Attempts to schedule a gang, by result: success, all members that it needs were scheduled together and the first was bound; " +
			"failure, there was no plan, the plan failed, or no member could be bound. A timeout is not an attempt.",
		[]string{"status"},
	}
	waitTime = entry{
		"kubenexus_gang_wait_time_seconds", "gauge",
		"Time since the first pod of the gang was created; once the gang runs, the time until it started " +
			"(no series if this process did not see the start).",
		[]string{"pod_group"},
	}
	size = entry{
		"kubenexus_gang_size", "gauge",
		"Members of the gang that exist and have not finished.",
		[]string{"pod_group"},
	}
	hidden = entry{
		"kubenexus_gangs_without_series", "gauge",
		"Gangs without series of their own: at most 1,000 have them, those that have waited longest first.",
		nil,
	}
	gangs = entry{
		"kubenexus_gangs", "gauge",
		"Gangs by phase: Incomplete, Disagreeing, Ready (complete, waiting for free capacity), Placing (being scheduled), " +
			"Running, Unbound (no size given).",
		[]string{"phase"},
	}
	longest = entry{
		"kubenexus_gangs_longest_wait_seconds", "gauge",
		"Longest time since the first pod of a gang was created, by phase of the gang; 0 if no gang is in that phase.",
		[]string{"phase"},
	}
	partial = entry{
		"kubenexus_gangs_partial", "gauge",
		"Gangs that run with fewer members than they need while other members are pending. Above 0 for short times only.",
		nil,
	}
	waiting = entry{
		"kubenexus_gang_members_waiting", "gauge",
		"Pending members of gangs. They are parked outside the scheduling queue, so scheduler_pending_pods does not count them.",
		nil,
	}
	reserved = entry{
		"kubenexus_reserved_places", "gauge",
		"Slots that are reserved for members that creators declared and that do not exist yet.",
		nil,
	}
	reservations = entry{
		"kubenexus_reservations", "gauge",
		"Gangs that have reserved slots.",
		nil,
	}
	planDuration = entry{
		"kubenexus_gang_plan_duration_seconds", "histogram",
		"Latency of planning a gang, by whether the gang fits.",
		[]string{"result"},
	}
	planMembers = entry{
		"kubenexus_gang_plan_members", "histogram",
		"Members in a plan, including declared ones.",
		nil,
	}
	attemptsToStart = entry{
		"kubenexus_gang_attempts_until_started", "histogram",
		"Attempts until the first member of a gang was bound.",
		nil,
	}
	completeToStart = entry{
		"kubenexus_gang_complete_to_started_seconds", "histogram",
		"Time from when enough members of a gang existed until their binding began, for gangs that were bound.",
		nil,
	}
	lost = entry{
		"kubenexus_gang_members_lost_total", "counter",
		"Members of gangs that a kubelet rejected, such as when another scheduler took the capacity.",
		nil,
	}
)

// catalogue lists every metric, in the order of the documentation.
func catalogue() []entry {
	return slices.Concat([]entry{
		attempts, waitTime, size, hidden, gangs, longest, partial, waiting, reserved, reservations,
		planDuration, planMembers, attemptsToStart, completeToStart, lost, queuesValid,
	}, ofPreemption(), ofQueues(), ofDevices())
}

// Markdown renders the catalogue for docs/reference/metrics.md.
func Markdown() string {
	var text strings.Builder
	text.WriteString(`# Metrics

On ` + "`https://:10259/metrics`" + `, next to the metrics of kube-scheduler. This page is generated from the code:
` + "`make reference`" + `.

The series of a gang (label ` + "`pod_group`" + `: namespace/name) are removed with the gang. At most 1,000 gangs have series of their own.

Queues have series (label ` + "`queue`" + `) while queues are configured: at most 1,000 queues, the first of the configuration, for at most
16 resources, those that a guarantee or a limit names first. Amounts are in the base unit of the resource: cores, bytes, or a number.
Only queues without children have gangs; what a queue with children uses and has waiting includes that of its children.

Devices are extended resources that device plugins publish, such as ` + "`nvidia.com/gpu`" + `: at most 16 of them have
series. The label ` + "`key`" + ` is that of a node label, or empty for the whole cluster: ` + "`kubernetes.io/hostname`" + `, and what
gangs asked for in their topology within an hour, at most 8 others. See
[how large a gang could start now](../workloads/gpu.md#for-platform-teams).

| metric | type | labels | what it is |
| --- | --- | --- | --- |
`)
	for _, e := range catalogue() {
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", e.Name, e.Type, strings.Join(e.Labels, ", "), e.Help)
	}
	return text.String()
}
