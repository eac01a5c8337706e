package events

import (
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Entry describes the events of one reason for the reference.
type Entry struct {
	Reason string
	// Meaning says what happened, and Remedy what to do about it.
	Meaning, Remedy string
	// Examples are what such events are written from.
	Examples []gang.Explanation
}

// Reference describes every reason, in the order in which a gang may meet them.
func Reference() []Entry {
	return append(append(beforeTheStart(), ofTheStart()...), afterTheStart()...)
}

// training and spark are gangs for the examples.
func training() gang.Key {
	return gang.Key{Namespace: "default", Name: "training", Dialect: gang.Coscheduling().Name}
}

func spark() gang.Key {
	return gang.Key{Namespace: "default", Name: "spark-job-123", Dialect: gang.Coscheduling().Name}
}

func beforeTheStart() []Entry {
	return []Entry{{
		Reason:  ReasonIncomplete,
		Meaning: "Fewer pods exist than the gang needs, in all or of one role. Pods with scheduling gates do not count.",
		Remedy: "Look at what creates the pods (`kubectl describe job`), and at the namespace's quota (`kubectl describe quota`). " +
			"If the pod itself creates the others, [declare them](../lifecycle.md#creators).",
		Examples: []gang.Explanation{
			{Kind: gang.KindIncomplete, Gang: training(), Have: 3, Need: 4},
			{Kind: gang.KindIncomplete, Gang: spark(), Have: 11, Need: 11, Lacking: &gang.RoleCount{Role: "driver", Need: 1}},
		},
	}, {
		Reason:  ReasonInvalid,
		Meaning: "An annotation cannot be followed. The pod stays Pending, and does not count for any gang.",
		Remedy: "Correct the annotation that the event names; the pod need not be created again. The " +
			"[guard rails](../install.md#guard-rails) refuse most such pods when they are applied.",
		Examples: []gang.Explanation{{Kind: gang.KindInvalid, Gang: training(), Problem: badSize()}},
	}, {
		Reason: ReasonUnknown,
		Meaning: "A key of another scheduler, or `spec.schedulingGroup`, ties the pod to others, and none of our annotations does. " +
			"The pod stays Pending.",
		Remedy: "Set our annotations on all of these pods, remove the key, or set the plugin's argument `unknownGangs: Schedule`: " +
			"[keys of other schedulers](../keys.md).",
		Examples: []gang.Explanation{{Kind: gang.KindUnknown, Problem: foreignKey()}},
	}, {
		Reason:  ReasonDisagree,
		Meaning: "Members name different sizes or schedulers. No pending member starts until all say the same.",
		Remedy:  "Correct or delete the pods that are wrong.",
		Examples: []gang.Explanation{{Kind: gang.KindDisagree, Gang: training(), Claims: []gang.ClaimCount{
			{Claim: gang.Claim{MinAvailable: 4, Scheduler: "kubenexus-scheduler"}, Members: 3, Example: "training-0"},
			{Claim: gang.Claim{MinAvailable: 5, Scheduler: "kubenexus-scheduler"}, Members: 1, Example: "training-3"},
		}}},
	}, {
		Reason: ReasonUnplaced,
		Meaning: "The gang is complete, and there is no room for all that it needs. The event says how many fit, which resource the " +
			"others lack, and what the nodes say. The gang holds nothing, and is tried again when a change may be enough.",
		Remedy: "Wait, add nodes, or ask for less. If even the empty cluster could not hold the gang, waiting alone does not help. " +
			"If one namespace would reserve more than its share, lower the minimum or raise the argument `reservedShare`.",
		Examples: []gang.Explanation{
			{
				Kind: gang.KindUnplaced, Gang: training(), Have: 4, Need: 4, Fit: 3, Detail: "2 of 2 nodes: Insufficient cpu",
				Short: &gang.Shortfall{Members: 1, Resource: "cpu", Each: "2", Largest: "0.5"},
			},
			{
				Kind: gang.KindTooLarge, Gang: spark(), Have: 1, Need: 11, Declared: 10, Fit: 3, Most: 9,
				Detail: "3 of 3 nodes: Insufficient memory",
			},
			{Kind: gang.KindUntried, Gang: training(), Have: 4, Need: 4},
		},
	}, {
		Reason: ReasonTimedOut,
		Meaning: "The gang has not started within the time after which users are warned (`" + gang.TimeoutAnnotation + "`, or the " +
			"plugin's argument `timeout`). It goes on waiting: [warn after](../lifecycle.md#warn-after).",
		Remedy: "Act on the reason that the event repeats.",
		Examples: []gang.Explanation{{
			Kind: gang.KindTimedOut, Cause: gang.KindIncomplete, Gang: training(), Have: 3, Need: 4, Owner: "Job training",
			Waited: 10 * time.Second,
		}},
	}}
}

func ofTheStart() []Entry {
	return []Entry{{
		Reason:  ReasonNotBound,
		Meaning: "Every member had a node, and then none could be bound. The event has the API server's answer, if there was one.",
		Remedy: "Look at what refuses `pods/binding`: an admission policy, a webhook, or a right that is missing. Once it is gone, the " +
			"gang starts by itself.",
		Examples: []gang.Explanation{{
			Kind: gang.KindNotBound, Gang: training(), Have: 4, Need: 4, Culprit: "training-0", Detail: `pods "training-0" is forbidden`,
		}},
	}, {
		Reason:  ReasonReleased,
		Meaning: "All that the gang needs start together.",
		Remedy:  "Nothing. For a creator the event also says how much capacity is held for the members to come, and for how long.",
		Examples: []gang.Explanation{
			{Kind: gang.KindReleased, Gang: training(), Have: 4, Need: 4, Waited: 2 * time.Second},
			{Kind: gang.KindReleased, Gang: spark(), Have: 1, Need: 11, Declared: 10, Holds: 5 * time.Minute, Waited: 2 * time.Second},
		},
	}, {
		Reason:   ReasonUndeclared,
		Meaning:  "A creator, such as Spark's driver, started by itself: it does not say what the members that it creates will request.",
		Remedy:   "[Declare them](../lifecycle.md#creators), if the creator should start only where all of them fit.",
		Examples: []gang.Explanation{{Kind: gang.KindUndeclared, Gang: spark(), Need: 10}},
	}, {
		Reason:  ReasonExpired,
		Meaning: "Members that a creator declared did not come in time, and the capacity that was held for them is free again.",
		Remedy: "Look at the creator's log and at the namespace's quota. If the creator is slow, such as for large images, set a longer `" +
			gang.ReservationTimeoutAnnotation + "`.",
		Examples: []gang.Explanation{{Kind: gang.KindExpired, Gang: spark(), Declared: 3}},
	}}
}

func afterTheStart() []Entry {
	return []Entry{{
		Reason:  ReasonLost,
		Meaning: "A kubelet rejected a member (such as `OutOfcpu`: somebody else took the room). Its node is avoided for a minute.",
		Remedy:  "Look at who else places pods on that node: [beside the default scheduler](../install.md#beside-the-default-scheduler).",
		Examples: []gang.Explanation{{
			Kind: gang.KindLost, Gang: training(), Culprit: "training-2", Node: "node-1", Detail: "OutOfcpu",
		}},
	}, {
		Reason:  ReasonPartial,
		Meaning: "The gang runs with too few members, and the others do not fit.",
		Remedy:  "Make room. With `" + gang.OnPartialAnnotation + ": evict` such a gang is evicted, and starts again as a whole.",
		Examples: []gang.Explanation{{
			Kind: gang.KindPartial, Gang: training(), Have: 4, Running: 3, Need: 4, Waited: 10 * time.Second,
		}},
	}, {
		Reason:  ReasonRestarting,
		Meaning: "The pod waits until what runs of its gang is evicted; then all start together.",
		Remedy:  "Nothing.",
		Examples: []gang.Explanation{{
			Kind: gang.KindRestarting, Cause: gang.KindRestarted, Gang: training(), Have: 4, Running: 3, Need: 4,
		}},
	}, {
		Reason: ReasonEvicted,
		Meaning: "The pod was evicted, as the gang's `" + gang.RestartPolicyAnnotation + "` or `" + gang.OnPartialAnnotation +
			"` asks, so that all start together again.",
		Remedy: "Nothing, if that annotation is meant. Nothing creates bare pods again.",
		Examples: []gang.Explanation{
			{Kind: gang.KindRestarted, Gang: training(), Running: 3, Need: 4},
			{Kind: gang.KindEvicted, Gang: training(), Running: 3, Need: 4},
		},
	}, {
		Reason:  ReasonEvictionRefused,
		Meaning: "What runs of the gang is to be evicted, and the API refuses it. After three refusals the others join what runs.",
		Remedy:  "Let the disruption budget that the event names allow it, or leave it.",
		Examples: []gang.Explanation{{
			Kind: gang.KindEvictionRefused, Cause: gang.KindRestarted, Gang: training(), Have: 4, Running: 3, Need: 4,
			Detail: "the disruption budget training needs 3 healthy pods and has 3 currently",
		}},
	}}
}

// badSize is what is wrong with a size that is no number.
func badSize() error {
	ours := gang.Coscheduling()
	annotations := map[string]string{ours.GroupAnnotation: "training", ours.MinAvailableAnnotation: "four"}
	_, err := gang.Parse(nil, annotations, []gang.Dialect{ours})
	return err
}

// foreignKey is what is wrong with a key of another scheduler.
func foreignKey() error {
	unknown := gang.FindUnknown(map[string]string{"scheduling.x-k8s.io/pod-group": "training"}, nil, nil)
	unknown.Dialects = []gang.Dialect{gang.Coscheduling()}
	return unknown
}
