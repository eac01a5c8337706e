package events

import (
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// inTheQueue describes why a gang, or a pod without one, waits for its queue.
func inTheQueue() []Entry {
	return append([]Entry{{
		Reason:  ReasonQueueNotFound,
		Meaning: "The queue that the pod names does not exist, or has other queues below it. The pod stays Pending.",
		Remedy: "Name one of the queues that the event lists, or remove the annotation `" + conventions.QueueAnnotation +
			"`; you do not have to recreate the pod.",
		Examples: []gang.Explanation{
			{Kind: gang.KindQueueNotFound, Gang: training(), Problem: conventions.QueueNotFound(inQueue("science"), "science",
				[]string{"batch", "research"})},
			{Kind: gang.KindQueueNotFound, Gang: training(), Problem: conventions.QueueNotALeaf(inQueue("research"), "research",
				[]string{"nlp", "vision"})},
		},
	}, {
		Reason:  ReasonQueueNotAllowed,
		Meaning: "The pod's namespace may not use the queue that the pod names. The pod stays Pending.",
		Remedy:  "Name another queue, or ask an administrator to add the namespace to the queue's `namespaces`.",
		Examples: []gang.Explanation{{
			Kind: gang.KindQueueNotAllowed, Gang: training(),
			Problem: conventions.QueueNotAllowed(inQueue("research"), "research", "default"),
		}},
	}}, ofBounds()...)
}

func ofBounds() []Entry {
	return []Entry{{
		Reason: ReasonQueueLimit,
		Meaning: "With this gang its queue, or one above, would use more than its limit. Others of the queue that ask for less may go " +
			"first, unless its order is Strict. More nodes do not help, and an autoscaler does not act on this.",
		Remedy: "Wait until others of the queue end, request less, or raise the limit. A gang that asks for more than the limit never " +
			"starts.",
		Examples: []gang.Explanation{
			{Kind: gang.KindBeyondLimit, Gang: training(), Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "58", Bound: "64", Asks: "16",
			}},
			{Kind: gang.KindBeyondLimit, Gang: training(), Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "58", Bound: "64", Asks: "80", Never: true,
			}},
		},
	}, {
		Reason: ReasonQueueGuarantee,
		Meaning: "The gang may not be preempted (`" + conventions.PreemptibleAnnotation + ": \"false\"`), so it starts only within the " +
			"guarantee of its queue and of all queues above.",
		Remedy: "Wait until others of the queue end, raise the guarantee, or let the gang be preempted.",
		Examples: []gang.Explanation{
			{Kind: gang.KindBeyondGuarantee, Gang: training(), Queue: &gang.QueueWhy{
				Leaf: "nlp", Queue: "research", Resource: "nvidia.com/gpu", Uses: "12", Bound: "16", Asks: "8",
			}},
			{Kind: gang.KindBeyondGuarantee, Gang: training(), Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "12", Bound: "16", Asks: "80", Never: true,
			}},
		},
	}, {
		Reason:  ReasonQueued,
		Meaning: "Others go first: gangs of the same queue, or queues whose turn comes before.",
		Remedy:  "Nothing. A gang that was passed by for longer than its queue's `maxWait` gets capacity set aside.",
		Examples: []gang.Explanation{
			{Kind: gang.KindQueued, Gang: training(), Queue: &gang.QueueWhy{Leaf: "research", Before: 3}},
			{Kind: gang.KindQueued, Gang: training(), Queue: &gang.QueueWhy{Leaf: "research"}},
		},
	}}
}

// passedBy is a gang for which capacity is set aside.
func passedBy() gang.Explanation {
	return gang.Explanation{
		Kind: gang.KindUnplaced, Gang: training(), Have: 4, Need: 4, Fit: 3, Detail: "4 of 4 nodes: Insufficient nvidia.com/gpu",
		SetAside: &gang.SetAsideWhy{Held: 3, Of: 4, In: 12 * time.Minute, After: "gang default/spark-job-123"},
	}
}

// inQueue is a pod that names a queue.
func inQueue(name string) conventions.Pod {
	return conventions.Pod{Annotations: map[string]string{conventions.QueueAnnotation: name}}
}
