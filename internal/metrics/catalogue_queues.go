package metrics

//nolint:gochecknoglobals // a table that is never changed
var (
	queuesValid = entry{
		"kubenexus_queue_configuration_valid", "gauge",
		"1 if the latest configuration of queues is in force, 0 if it was refused and the one before it still is.",
		nil,
	}
	queueInfo = entry{
		"kubenexus_queue_info", "gauge",
		"1 for each queue. leaf is true if it has no children, so that gangs may wait in it; parent is empty if the queue has none.",
		[]string{"queue", "parent", "leaf"},
	}
	queuesCapacity = entry{
		"kubenexus_queues_capacity", "gauge",
		"What all queues share: the allocatable resources of nodes that are schedulable and ready.",
		[]string{"resource"},
	}
	queueUsed = entry{
		"kubenexus_queue_used", "gauge",
		"What the pods of the queue request that are bound or being bound, and what is held in slots.",
		[]string{"queue", "resource"},
	}
	queueGuarantee = entry{
		"kubenexus_queue_guarantee", "gauge",
		"What the queue is guaranteed; no series if nothing.",
		[]string{"queue", "resource"},
	}
	queueLimit = entry{
		"kubenexus_queue_limit", "gauge",
		"What the queue may use at most; no series if it has no limit.",
		[]string{"queue", "resource"},
	}
	queueFair = entry{
		"kubenexus_queue_fair_share", "gauge",
		"Fair share of the queue: its guarantee, and its part of what is left by priority and weight; never above its limit, nor above " +
			"what it uses and what waits.",
		[]string{"queue", "resource"},
	}
	queueShare = entry{
		"kubenexus_queue_share", "gauge",
		"Dominant share of what the queue uses: the largest part, of 1, that it uses of any resource of the cluster.",
		[]string{"queue"},
	}
	queueFairRatio = entry{
		"kubenexus_queue_fair_share_ratio", "gauge",
		"Dominant share of the queue's fair share.",
		[]string{"queue"},
	}
	queueWaiting = entry{
		"kubenexus_queue_waiting", "gauge",
		"Gangs that are complete, and pods without a gang, that wait in the queue.",
		[]string{"queue"},
	}
	queueHeadAge = entry{
		"kubenexus_queue_head_age_seconds", "gauge",
		"Time since the first pod was created of the gang, or pod without a gang, that is first in the queue; 0 if nothing waits.",
		[]string{"queue"},
	}
	queueSetAside = entry{
		"kubenexus_queue_set_aside", "gauge",
		"Members of waiting gangs of the queue, and pods without a gang, for which capacity is set aside.",
		[]string{"queue"},
	}
	queueBelow = entry{
		"kubenexus_queue_below_guarantee", "gauge",
		"1 while the queue uses less than its guarantee of a resource that something asks for that waits and could start within the " +
			"limits, otherwise 0.",
		[]string{"queue"},
	}
	queuesHidden = entry{
		"kubenexus_queues_without_series", "gauge",
		"Queues without series: at most 1,000 have them, the first of the configuration.",
		nil,
	}
	resourcesHidden = entry{
		"kubenexus_queue_resources_without_series", "gauge",
		"Resources without series of queues: at most 16 have them, first those that a guarantee or a limit names, then cpu and memory.",
		nil,
	}
)

// ofQueues lists the metrics that are computed from the statuses of queues.
func ofQueues() []entry {
	return []entry{
		queueInfo, queuesCapacity, queueUsed, queueGuarantee, queueLimit, queueFair, queueShare, queueFairRatio,
		queueWaiting, queueHeadAge, queueSetAside, queueBelow, queuesHidden, resourcesHidden,
	}
}
