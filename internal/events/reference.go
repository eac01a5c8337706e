package events

import (
	"slices"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
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
	return slices.Concat(ofMembers(), inTheQueue(), beforeTheStart(), makingRoom(), ofTheStart(), afterTheStart())
}

// training and spark are gangs for the examples.
func training() gang.Key {
	return gang.Key{Namespace: "default", Name: "training", Convention: conventions.Coscheduling().Name}
}

func spark() gang.Key {
	return gang.Key{Namespace: "default", Name: "spark-job-123", Convention: conventions.Coscheduling().Name}
}

func ofMembers() []Entry {
	return []Entry{{
		Reason:  ReasonIncomplete,
		Meaning: "Fewer pods exist than the gang needs, in total or in one role. Pods with scheduling gates do not count.",
		Remedy: "Check what creates the pods (`kubectl describe job`) and the namespace's quota (`kubectl describe quota`). " +
			"If the pod itself creates the others, [declare them](../lifecycle.md#creators).",
		Examples: []gang.Explanation{
			{Kind: gang.KindIncomplete, Gang: training(), Have: 3, Need: 4},
			{Kind: gang.KindIncomplete, Gang: spark(), Have: 11, Need: 11, Lacking: &gang.RoleCount{Role: "driver", Need: 1}},
		},
	}, {
		Reason:  ReasonInvalid,
		Meaning: "The scheduler cannot use an annotation of the pod. The pod stays Pending and does not count for any gang.",
		Remedy: "Correct the annotation that the event names; you do not have to recreate the pod. The " +
			"[guard rails](../install.md#guard-rails) reject most such pods when they are created.",
		Examples: []gang.Explanation{{Kind: gang.KindInvalid, Gang: training(), Problem: badSize()}},
	}, {
		Reason: ReasonUnknown,
		Meaning: "A key of another scheduler, or `spec.schedulingGroup`, ties the pod to others, but none of our annotations does. " +
			"The pod stays Pending.",
		Remedy: "Set our annotations on all of these pods, remove the key, or set the plugin's argument `unknownGangs: Schedule`: " +
			"[keys of other schedulers](../keys.md).",
		Examples: []gang.Explanation{{Kind: gang.KindUnknown, Problem: foreignKey()}},
	}, {
		Reason: ReasonDisagree,
		Meaning: "Members name different sizes, schedulers or queues, or contradict each other in `" + conventions.PreemptibleAnnotation +
			"`, in `" + conventions.ExpectedRuntimeAnnotation + "` or in their [topology](../concepts/topology.md). No pending member " +
			"starts until all agree. In a gang that runs, the running members are right, and only those that differ wait.",
		Remedy:   "Correct or delete the pods that are wrong.",
		Examples: disagreements(),
	}}
}

func beforeTheStart() []Entry {
	return []Entry{{
		Reason: ReasonUnplaced,
		Meaning: "The gang is complete, but not all the pods that it needs fit. The event says how many fit, which resource the others " +
			"lack, and why nodes were rejected. The gang reserves nothing and is retried when a change in the cluster may help. " +
			"If it was passed by for too long, capacity is set aside for it, and the event says how much.",
		Remedy: "Wait, add nodes, or request less. If even an empty cluster could not hold the gang, waiting does not help. " +
			"If the namespace would reserve more than its share, lower the minimum or raise the argument `reservedShare`.",
		Examples: []gang.Explanation{
			{
				Kind: gang.KindUnplaced, Gang: training(), Have: 4, Need: 4, Fit: 3, Detail: "2 of 2 nodes: Insufficient cpu",
				Short: &gang.Shortfall{Members: 1, Resource: "cpu", Each: "2", Largest: "0.5"},
			},
			{
				Kind: gang.KindTooLarge, Gang: spark(), Have: 1, Need: 11, Declared: 10, Fit: 3, Most: 9,
				Detail: "3 of 3 nodes: Insufficient memory",
			},
			passedBy(),
			{Kind: gang.KindUntried, Gang: training(), Have: 4, Need: 4},
		},
	}, {
		Reason: ReasonSetAside,
		Meaning: "A pod without a gang does not fit and was passed by for too long, so capacity is set aside for it as it frees up. " +
			"The event says when the pod starts, if that is known. For a gang, its `" + ReasonUnplaced + "` says the same.",
		Remedy: "Nothing. Other pods use what is set aside only if they end before, as far as `kubenexus.io/expected-runtime` of their " +
			"gang or their own `spec.activeDeadlineSeconds` says.",
		Examples: []gang.Explanation{{
			Kind: gang.KindSetAside, Gang: training(), Waited: 10 * time.Minute,
			SetAside: &gang.SetAsideWhy{Held: 0, Of: 1, In: 12 * time.Minute, After: "pod default/other"},
		}},
	}, {
		Reason: ReasonTimedOut,
		Meaning: "The gang did not start within the time to warn after (`" + conventions.TimeoutAnnotation + "`, or the plugin's " +
			"argument `timeout`). It keeps waiting: [warn after](../lifecycle.md#warn-after).",
		Remedy: "Act on the reason that the event gives.",
		Examples: []gang.Explanation{{
			Kind: gang.KindTimedOut, Cause: gang.KindIncomplete, Gang: training(), Have: 3, Need: 4, Owner: "Job training",
			Waited: 10 * time.Second,
		}},
	}}
}

func disagreements() []gang.Explanation {
	return []gang.Explanation{
		{Kind: gang.KindDisagree, Gang: training(), Claims: []gang.ClaimCount{
			{Claim: gang.Claim{MinAvailable: 4, Scheduler: "kubenexus-scheduler"}, Members: 3, Example: "training-0"},
			{Claim: gang.Claim{MinAvailable: 5, Scheduler: "kubenexus-scheduler"}, Members: 1, Example: "training-3"},
		}},
		{Kind: gang.KindDisagree, Gang: training(), Shares: []gang.ShareCount{
			{Share: gang.Share{Queue: "research"}, Members: 3, Example: "training-0"},
			{Share: gang.Share{Queue: "batch"}, Members: 1, Example: "training-3"},
		}},
		{Kind: gang.KindDisagree, Gang: training(), Shares: []gang.ShareCount{
			{Share: gang.Share{Topology: gang.Topology{Required: "example.com/rack"}.Stated()}, Members: 3, Example: "training-0"},
			{Share: gang.Share{Topology: gang.Topology{Required: "example.com/block"}.Stated()}, Members: 1, Example: "training-3"},
		}},
	}
}

func ofTheStart() []Entry {
	return []Entry{{
		Reason: ReasonNotBound,
		Meaning: "A node was found for every member, but none could be bound. The event has the error, if it is known. The gang " +
			"reserves nothing and is retried after 1, 2, 4, 8 and then every 10 seconds.",
		Remedy: "Find what rejects `pods/binding`: an admission policy, a webhook, or a missing permission; or what fails to provision " +
			"a volume or to allocate a device. Once that is fixed, the gang starts without further action.",
		Examples: []gang.Explanation{{
			Kind: gang.KindNotBound, Gang: training(), Have: 4, Need: 4, Culprit: "training-0", Detail: `pods "training-0" is forbidden`,
		}},
	}, {
		Reason:  ReasonReleased,
		Meaning: "All the pods that the gang needs start together.",
		Remedy:  "Nothing. For a creator, the event also says for how many declared members capacity is reserved, and for how long.",
		Examples: []gang.Explanation{
			{Kind: gang.KindReleased, Gang: training(), Have: 4, Need: 4, Waited: 2 * time.Second},
			{Kind: gang.KindReleased, Gang: spark(), Have: 1, Need: 11, Declared: 10, Holds: 5 * time.Minute, Waited: 2 * time.Second},
		},
	}, {
		Reason:   ReasonUndeclared,
		Meaning:  "A creator, such as Spark's driver, started alone: it does not declare what the members that it creates will request.",
		Remedy:   "[Declare them](../lifecycle.md#creators) if the creator should start only when all of them fit.",
		Examples: []gang.Explanation{{Kind: gang.KindUndeclared, Gang: spark(), Need: 10}},
	}, {
		Reason:  ReasonExpired,
		Meaning: "Members that a creator declared were not created in time. The capacity that was reserved for them is free again.",
		Remedy: "Check the creator's log and the namespace's quota. If the creator is slow, such as with large images, set a longer `" +
			conventions.ReservationTimeoutAnnotation + "`.",
		Examples: []gang.Explanation{{Kind: gang.KindExpired, Gang: spark(), Declared: 3}},
	}}
}

func afterTheStart() []Entry {
	return []Entry{{
		Reason: ReasonLost,
		Meaning: "A kubelet rejected a member, such as with `OutOfcpu` when another scheduler took the capacity. The gang avoids this " +
			"node for a minute.",
		Remedy: "Find out what else binds pods to that node: [beside the default scheduler](../install.md#beside-the-default-scheduler).",
		Examples: []gang.Explanation{{
			Kind: gang.KindLost, Gang: training(), Culprit: "training-2", Node: "node-1", Detail: "OutOfcpu",
		}},
	}, {
		Reason:  ReasonPartial,
		Meaning: "The gang runs with fewer members than it needs, and the others do not fit.",
		Remedy: "Free capacity or add nodes. With `" + conventions.OnPartialAnnotation + ": evict`, the scheduler evicts such a gang, " +
			"and it starts again as a whole.",
		Examples: []gang.Explanation{{
			Kind: gang.KindPartial, Gang: training(), Have: 4, Running: 3, Need: 4, Waited: 10 * time.Second,
		}},
	}, {
		Reason:  ReasonRestarting,
		Meaning: "The pod waits until the running pods of its gang are evicted; then all start together.",
		Remedy:  "Nothing.",
		Examples: []gang.Explanation{{
			Kind: gang.KindRestarting, Cause: gang.KindRestarted, Gang: training(), Have: 4, Running: 3, Need: 4,
		}},
	}, {
		Reason: ReasonEvicted,
		Meaning: "The scheduler evicted the pod so that all members start together again (`" +
			conventions.RestartPolicyAnnotation + "` or `" + conventions.OnPartialAnnotation + "`).",
		Remedy: "Nothing, if the annotation is set on purpose. No controller recreates bare pods.",
		Examples: []gang.Explanation{
			{Kind: gang.KindRestarted, Gang: training(), Running: 3, Need: 4},
			{Kind: gang.KindEvicted, Gang: training(), Running: 3, Need: 4},
		},
	}, {
		Reason: ReasonEvictionRefused,
		Meaning: "The running pods of the gang should be evicted, but the API server refuses. After three refusals they keep running, " +
			"and the others join them.",
		Remedy: "Change the disruption budget that the event names, or do nothing.",
		Examples: []gang.Explanation{{
			Kind: gang.KindEvictionRefused, Cause: gang.KindRestarted, Gang: training(), Have: 4, Running: 3, Need: 4,
			Detail: "the disruption budget training needs 3 healthy pods and has 3 currently",
		}},
	}}
}

// badSize is what is wrong with a size that is no number.
func badSize() error {
	ours := conventions.Coscheduling()
	annotations := map[string]string{ours.GroupAnnotation: "training", ours.MinAvailableAnnotation: "four"}
	_, err := conventions.Parse(conventions.Pod{Annotations: annotations})
	return err
}

// foreignKey is what is wrong with a key of another scheduler.
func foreignKey() error {
	unknown := conventions.FindUnknown(conventions.Pod{Labels: map[string]string{"scheduling.x-k8s.io/pod-group": "training"}}, nil)
	unknown.Conventions = []conventions.Convention{conventions.Coscheduling()}
	return unknown
}
