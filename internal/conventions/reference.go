package conventions

import (
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Annotation describes a key for the reference documentation: an annotation, or a label if the text says so.
type Annotation struct {
	Key string
	// On is the pods that carry the key, Value the allowed values, and Default the behavior without it.
	On, Value, Default string
	Meaning            string
}

const (
	anyMember   = "any member"
	everyMember = "every member"
	anyPod      = "any member, or a pod without a gang"
	onCreator   = "the creator"
	onDriver    = "the driver"
)

// Annotations lists this scheduler's annotations, in the order of the reference.
func Annotations() []Annotation {
	var all []Annotation
	for _, d := range All() {
		all = append(all, Annotation{
			Key: d.GroupAnnotation, On: everyMember,
			Value:   fmt.Sprintf("at most %d letters, digits, `-`, `_` and `.`", MaxNameLength),
			Default: "the name of the Job, JobSet, Deployment and so on that the pod belongs to",
			Meaning: fmt.Sprintf("The name of the gang. Read by the plugin %s.", d.Name),
		}, Annotation{
			Key: d.MinAvailableAnnotation, On: everyMember, Value: "a whole number from 1",
			Default: "the sum of the roles' minimums",
			Meaning: fmt.Sprintf("How many members must be scheduled for any of them to start. Read by the plugin %s.", d.Name),
		})
	}
	duration := fmt.Sprintf("a duration up to %gh, such as `5m`", MaxTimeout.Hours())
	all = append(all, Annotation{
		Key: TimeoutAnnotation, On: anyMember, Value: duration, Default: "the plugin's argument `timeout`",
		Meaning: "Warn after this time: if the gang has not started by then, its members get a Warning event. It does not stop the gang. " +
			"If members differ, the longest time counts.",
	}, Annotation{
		Key: PlacementAnnotation, On: anyMember, Value: oneOf(gang.Pack, gang.Spread), Default: "the plugin's argument `placement`",
		Meaning: "`pack` fills the nodes with the least free capacity first; `spread` puts as few members on each node as possible. " +
			"If members differ, the oldest counts.",
	}, Annotation{
		Key: RoleAnnotation, On: everyMember, Value: "at most 63 lower-case letters, digits and `-`",
		Default: "Spark's label `" + sparkRoleLabel + "`",
		Meaning: "Which role of its gang the pod has.",
	}, Annotation{
		Key: RolesAnnotation, On: anyMember, Value: "a JSON list of roles", Default: "none",
		Meaning: "The roles of the gang, with a minimum for each, and what members that do not exist yet will request. A role may " +
			"also say `queue`, `preemptible` and `expectedRuntime` of the gang; they mean what the annotations below mean. Its " +
			"`topologyRequired`, `topologyPreferred`, `topologySliceRequired` and `topologySliceSize`, and `topologySpread` are about " +
			"the members of the role only, besides what the annotations below say of all.",
	}, Annotation{
		Key: ReservationTimeoutAnnotation, On: onCreator, Value: duration, Default: "the plugin's argument `reservationTimeout`",
		Meaning: "How long capacity is held for the members that a creator declares, from when the creator is bound.",
	}, Annotation{
		Key: RestartPolicyAnnotation, On: anyMember, Value: oneOf(gang.Replace, gang.WholeGang), Default: "`" + string(gang.Replace) + "`",
		Meaning: "What happens when a gang that runs loses members: `replace` lets each replacement start as soon as it fits; " +
			"`whole-gang` evicts the rest, so that all start together again. If members differ, the oldest that says anything counts.",
	}, Annotation{
		Key: OnPartialAnnotation, On: anyMember, Value: oneOf(gang.WaitOnPartial, gang.EvictOnPartial),
		Default: "`" + string(gang.WaitOnPartial) + "`",
		Meaning: "What happens when a gang runs with too few members for longer than `" + TimeoutAnnotation + "` and the others do not " +
			"fit: `wait` lets those that run go on; `evict` evicts them. If members differ, the oldest that says anything counts.",
	}, Annotation{
		Key: QueueAnnotation, On: anyPod + " (annotation or label)", Value: "at most 63 lower-case letters, digits and `-`",
		Default: "the queue that names the namespace, or else `default`",
		Meaning: "The queue of the gang, or of the pod. Members that name one must name the same.",
	}, Annotation{
		Key: PreemptibleAnnotation, On: anyPod, Value: oneOf(gang.MayBePreempted, gang.NeverPreempted),
		Default: "`" + string(gang.MayBePreempted) + "`",
		Meaning: "`false`: it starts only within the guarantee of its queue and of all queues above, and is never preempted. " +
			"Members that say it must agree.",
	}, Annotation{
		Key: ExpectedRuntimeAnnotation, On: anyPod, Value: fmt.Sprintf("a duration up to %gh, such as `2h`", MaxRuntime.Hours()),
		Default: "unknown",
		Meaning: "How long it is expected to run once it has started, for estimates and for what may use capacity that is set aside for " +
			"others. What one member says counts for all. `spec.activeDeadlineSeconds` of a pod counts for that pod too (in a Job, set " +
			"it in the pod template); the smaller of both applies. Nothing is ended because of the annotation. Members that say it must " +
			"agree.",
	})
	all = append(all, ofTopology()...)
	return append(all, Annotation{
		Key: ReservationAnnotation, On: onCreator, Value: "written by the scheduler", Default: "",
		Meaning: "The capacity that is held for the members that the creator declares. What users write here is ignored.",
	})
}

// ofTopology lists the annotations about the topology of the nodes.
func ofTopology() []Annotation {
	const key = "the key of a node label"
	return []Annotation{{
		Key: TopologyRequiredAnnotation, On: anyPod, Value: key, Default: "any nodes",
		Meaning: "All members run in one domain: on nodes with the same value of the label. Without such a domain, none starts.",
	}, {
		Key: TopologyPreferredAnnotation, On: anyPod,
		Value:   fmt.Sprintf("at most %d keys of node labels, the narrowest first, separated by commas", MaxTopologyKeys),
		Default: "any nodes",
		Meaning: "The first key of which one domain has free capacity for all members counts. If there is none, the members run in as " +
			"few domains of the last key as possible.",
	}, {
		Key: TopologySliceRequiredAnnotation, On: anyPod, Value: key, Default: "no slices",
		Meaning: "Each slice of the members runs in one domain. Slices are consecutive members, `" + TopologySliceSizeAnnotation +
			"` at a time, by role, and then by number.",
	}, {
		Key: TopologySliceSizeAnnotation, On: anyPod, Value: "a whole number from 1", Default: "no slices",
		Meaning: "How many members a slice has. It is set together with `" + TopologySliceRequiredAnnotation + "`.",
	}, {
		Key: TopologySpreadAnnotation, On: anyPod, Value: key, Default: "any nodes",
		Meaning: "The members are spread evenly over the domains: each has its share of them, or one more. It cannot have the same key " +
			"as `" + TopologySliceRequiredAnnotation + "`.",
	}}
}

// SparkKeys lists the keys of Spark, and of Palantir's scheduler for Spark, that this scheduler also reads.
func SparkKeys() []Annotation {
	return []Annotation{
		{sparkRoleLabel, "every pod (label)", oneOf(sparkDriver, sparkExecutor), "", "The pod's role. Spark sets it."},
		{sparkAppLabel, "every pod (label)", "a name", "", "The gang's name, where no annotation names one. Spark sets it."},
		{executorCount, onDriver, "a whole number", "", "How many executors the driver declares."},
		{dynamicExecutors, onDriver, "`true`", "", "The number of executors is that of `" + minExecutors + "` instead."},
		{minExecutors, onDriver, "a whole number", "", "How many executors the driver declares with dynamic allocation."},
		{executorCPU, onDriver, "a quantity, such as `1`", "", "CPU of each executor."},
		{executorMemory, onDriver, "a quantity, such as `1408Mi`", "", "Memory of each executor, with its overhead."},
		{executorGPU, onDriver, "a whole number", "none", "GPUs of each executor."},
	}
}

func oneOf[T ~string](one, other T) string { return fmt.Sprintf("`%s` or `%s`", one, other) }
