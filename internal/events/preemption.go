package events

import (
	"fmt"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// ofPreemption says what a preemptor waits for, or names the preemptor of a pod.
func ofPreemption(name string, e gang.Explanation) string {
	if e.Kind == gang.KindPreempted {
		return preempted(name, e)
	}
	return preempting(name, e)
}

// preempting says what a gang waits for that preempted others.
func preempting(name string, e gang.Explanation) string {
	var a gang.AwaitsWhy
	if e.Awaits != nil {
		a = *e.Awaits
	}
	if a.Pods == 0 {
		return name + " is retried: the pods that were preempted for it are gone, and their capacity is held for it"
	}
	nodes := "1 node"
	if a.Nodes != 1 {
		nodes = fmt.Sprintf("%d nodes", a.Nodes)
	}
	return fmt.Sprintf("%s waits for %s to end on %s; the capacity is held for it", name, pods(a.Pods), nodes)
}

// preempted names the preemptor of a pod, and says why it may preempt the pod.
func preempted(name string, e gang.Explanation) string {
	var by gang.ByWhy
	if e.By != nil {
		by = *e.By
	}
	text := fmt.Sprintf("%s was preempted by %s (%s", name, by.Taker, by.Reason)
	switch {
	case by.Whole:
		text = fmt.Sprintf("%s was preempted as a whole by %s (%s", name, by.Taker, by.Reason)
	case by.Surplus:
		text = fmt.Sprintf("a pod of %s beyond its min-available was preempted by %s (%s", name, by.Taker, by.Reason)
	}
	if s := by.Shares; s != nil {
		return fmt.Sprintf("%s: the share of queue %s goes from %s to %s, that of queue %s from %s to %s)",
			text, s.Taker, percent(s.TakerBefore), percent(s.TakerAfter), s.Giver, percent(s.GiverBefore), percent(s.GiverAfter))
	}
	return fmt.Sprintf("%s: its priority %d is higher than %d)", text, by.Priority, by.Own)
}

// PreemptedBy reports whether the note of an event of ReasonPreempted names this preemptor, such as "gang a/b".
func PreemptedBy(note, taker string) bool { return strings.Contains(note, " by "+taker+" (") }

// percent writes a share.
func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// makingRoom describes preemption.
func makingRoom() []Entry {
	return []Entry{{
		Reason: ReasonPreempting,
		Meaning: "The gang did not fit, and pods were preempted for it. It waits for them to end, and starts then. More nodes do not " +
			"help, and an autoscaler does not act on this.",
		Remedy: "Nothing. A victim that has not ended 2 minutes after its grace period is no longer waited for.",
		Examples: []gang.Explanation{{
			Kind: gang.KindPreempting, Gang: training(), Have: 4, Need: 4, Awaits: &gang.AwaitsWhy{Pods: 4, Nodes: 2},
		}, {
			Kind: gang.KindPreempting, Gang: training(), Have: 4, Need: 4, Awaits: &gang.AwaitsWhy{},
		}},
	}, {
		Reason: ReasonPreempted,
		Meaning: "The pod was preempted, so that a gang or pod with a higher priority, or of a queue with less than its share, can " +
			"start. It ends with its grace period. A gang goes as a whole, or loses only pods beyond its min-available.",
		Remedy: "Let its controller create it again, or use a higher PriorityClass. " +
			"[Preemption](../concepts/preemption.md) has the rules.",
		Examples: []gang.Explanation{
			{Kind: gang.KindPreempted, Gang: spark(), By: &gang.ByWhy{
				Taker: "gang " + training().String(), Priority: 1000, Reason: gang.PreemptInQueue, Whole: true,
			}},
			{Kind: gang.KindPreempted, Gang: spark(), By: &gang.ByWhy{
				Taker: "gang " + training().String(), Priority: 1000, Reason: gang.PreemptInQueue, Surplus: true,
			}},
			{Kind: gang.KindPreempted, Gang: spark(), By: &gang.ByWhy{
				Taker: "gang " + training().String(), Reason: gang.PreemptReclaim, Whole: true,
				Shares: &gang.SharesWhy{
					Taker: "research", Giver: "production", TakerBefore: 0.1, TakerAfter: 0.225, GiverBefore: 0.625, GiverAfter: 0.5,
				},
			}},
		},
	}}
}
