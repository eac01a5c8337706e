package events_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func TestSentences(t *testing.T) {
	spark := gang.Key{Namespace: "default", Name: "spark-job-123", Convention: "Coscheduling"}
	for _, tc := range []struct {
		name        string
		explanation gang.Explanation
		reason      string
		condition   string
		want        string
	}{
		{
			"incomplete",
			gang.Explanation{Kind: gang.KindIncomplete, Gang: spark, Have: 7, Need: 11},
			"GangIncomplete", "GangIncomplete",
			"gang default/spark-job-123 has 7 of the 11 pods it needs; waiting for 4 more",
		},
		{
			"incomplete, some with gates",
			gang.Explanation{Kind: gang.KindIncomplete, Gang: spark, Have: 7, Need: 11, Gated: 2},
			"GangIncomplete", "GangIncomplete",
			"gang default/spark-job-123 has 7 of the 11 pods it needs (not counting 2 with scheduling gates); waiting for 4 more",
		},
		{
			"incomplete, and alone",
			gang.Explanation{Kind: gang.KindIncomplete, Gang: spark, Have: 1, Need: 11, Alone: true},
			"GangIncomplete", "GangIncomplete",
			"gang default/spark-job-123 has 1 of the 11 pods it needs; waiting for 10 more. If this pod creates the others, " +
				`declare them in the annotation kubenexus.io/roles (such as [{"name":"driver","min":1,"creates":true},` +
				`{"name":"executor","min":10,"requests":{"cpu":"1","memory":"2Gi"}}]).`,
		},
		{
			"a role is missing",
			gang.Explanation{
				Kind: gang.KindIncomplete, Gang: spark, Have: 11, Need: 11, Lacking: &gang.RoleCount{Role: "launcher", Need: 1},
			},
			"GangIncomplete", "GangIncomplete",
			"gang default/spark-job-123 has 11 of the 11 pods it needs, but 0 of 1 with role launcher; waiting for 1 more",
		},
		{
			"declared members do not fit",
			gang.Explanation{Kind: gang.KindUnplaced, Gang: spark, Have: 1, Need: 11, Declared: 10, Fit: 8, Detail: "2 of 2 nodes: full"},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 8 of the 11 pods it needs (10 of them declared) fit; 2 of 2 " +
				"nodes: full",
		},
		{
			"capacity is set aside",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 4, Need: 4, Fit: 3, Detail: "2 of 2 nodes: full",
				SetAside: &gang.SetAsideWhy{Held: 3, Of: 4, In: 12 * time.Minute, After: "gang a/b"},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 3 of the 4 pods it needs fit; 2 of 2 nodes: full; " +
				"set aside for it: 3 of 4; starts in about 12m, when gang a/b ends",
		},
		{
			"capacity is set aside, until an unknown time",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 4, Need: 4, Fit: 3, SetAside: &gang.SetAsideWhy{Held: 3, Of: 4},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 3 of the 4 pods it needs fit; set aside for it: 3 of 4",
		},
		{
			"capacity is set aside for a pod",
			gang.Explanation{
				Kind: gang.KindSetAside, Waited: 10 * time.Minute,
				SetAside: &gang.SetAsideWhy{Of: 1, After: "pod a/c"},
			},
			"CapacitySetAside", "",
			"the pod was passed by for 10m0s; set aside for it: 0 of 1; starts when pod a/c ends, which is due",
		},
		{
			"a creator starts",
			gang.Explanation{
				Kind: gang.KindReleased, Gang: spark, Have: 1, Need: 11, Declared: 10, Holds: 5 * time.Minute, Waited: 2 * time.Second,
			},
			"GangReleased", "",
			"gang default/spark-job-123 starts: 1 pod is scheduled (it needs 11), 2s after its first pod was created; capacity for " +
				"the 10 pods that it declares is reserved for 5m0s",
		},
		{
			"reservation expired",
			gang.Explanation{Kind: gang.KindExpired, Gang: spark, Declared: 3},
			"GangReservationExpired", "",
			"released the capacity that was reserved for 3 pods of gang default/spark-job-123: they were not created in time. To " +
				"reserve it for longer, set the annotation kubenexus.io/reservation-timeout.",
		},
		{
			"rejected by a kubelet",
			gang.Explanation{Kind: gang.KindLost, Gang: spark, Culprit: "e-3", Node: "n-1", Detail: "OutOfcpu"},
			"GangMemberLost", "",
			"gang default/spark-job-123 lost pod e-3: the kubelet of node n-1 rejected it (OutOfcpu); the gang avoids this node " +
				"for 1 minute",
		},
		{
			"partial",
			gang.Explanation{Kind: gang.KindPartial, Gang: spark, Have: 11, Running: 9, Need: 11, Waited: 10 * time.Second},
			"GangPartial", "",
			"gang default/spark-job-123 runs with 9 of the 11 pods it needs; the others have not fit for 10s, and join as soon as " +
				"they do",
		},
		{
			"evicted to restart",
			gang.Explanation{Kind: gang.KindRestarted, Gang: spark, Running: 9, Need: 11},
			"GangEvicted", "",
			"gang default/spark-job-123 runs with 9 of the 11 pods it needs, because it lost pods. Evicting its running pods, so " +
				"that all start together again (annotation kubenexus.io/restart-policy).",
		},
		{
			"unplaced",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 11, Need: 11, Fit: 8, Detail: "5 of 5 nodes: Insufficient cpu",
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 8 of the 11 pods it needs fit; 5 of 5 nodes: Insufficient cpu",
		},
		{
			"no plan, with numbers",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 11, Need: 10, Fit: 8, Detail: "3 of 3 nodes: Insufficient cpu",
				Short: &gang.Shortfall{Members: 2, Resource: "cpu", Each: "1", Largest: "0.5"},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 8 of the 10 pods it needs fit; 2 lack cpu (each requests 1; the " +
				"node with the most free has 0.5); 3 of 3 nodes: Insufficient cpu",
		},
		{
			"larger than the cluster",
			gang.Explanation{
				Kind: gang.KindTooLarge, Gang: spark, Have: 11, Need: 11, Fit: 3, Most: 9, Detail: "3 of 3 nodes: Insufficient cpu",
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled: the cluster could hold only 9 of the 11 pods it needs even if it were " +
				"empty; now 3 fit; 3 of 3 nodes: Insufficient cpu. Add nodes, or request less.",
		},
		{
			"timed out, with an owner",
			gang.Explanation{
				Kind: gang.KindTimedOut, Cause: gang.KindIncomplete, Gang: spark, Have: 7, Need: 11, Owner: "Job etl", Waited: 10 * time.Second,
			},
			"GangTimedOut", "",
			"gang default/spark-job-123 did not start within 10s: it has 7 of the 11 pods it needs. To see why pods are " +
				"missing, check the namespace's quota (kubectl describe quota -n default) and the owner of the pods, Job etl.",
		},
		{
			"none could be bound",
			gang.Explanation{Kind: gang.KindNotBound, Gang: spark, Have: 1, Need: 11, Declared: 10, Culprit: "driver", Detail: "it is forbidden"},
			"GangNotBound", "SchedulerError",
			"gang default/spark-job-123 could not be bound: a node was found for all of the 11 pods it needs (10 of them " +
				"declared), but binding pod driver failed (it is forbidden). Retrying after a backoff of at most 10s.",
		},
		{
			"none could be bound, and nobody says why",
			gang.Explanation{Kind: gang.KindNotBound, Gang: spark, Have: 11, Need: 11, Culprit: "e-9"},
			"GangNotBound", "SchedulerError",
			"gang default/spark-job-123 could not be bound: a node was found for all of the 11 pods it needs, but binding pod e-9 " +
				"failed. Retrying after a backoff of at most 10s.",
		},
		{
			"timed out without room",
			gang.Explanation{
				Kind: gang.KindTimedOut, Cause: gang.KindUnplaced, Gang: spark, Have: 11, Need: 11, Fit: 1,
				Detail: "5 of 5 nodes: Insufficient cpu", Waited: 90 * time.Minute,
			},
			"GangTimedOut", "",
			"gang default/spark-job-123 did not start within 1h30m0s: it cannot be scheduled yet: 1 of the 11 pods it needs fit; " +
				"5 of 5 nodes: Insufficient cpu",
		},
		{
			"released",
			gang.Explanation{Kind: gang.KindReleased, Gang: spark, Have: 11, Need: 11, Waited: 3217 * time.Millisecond},
			"GangReleased", "",
			"gang default/spark-job-123 starts: 11 pods are scheduled together (it needs 11), 3.22s after its first pod was created",
		},
		{
			"invalid",
			gang.Explanation{Kind: gang.KindInvalid, Problem: errors.New("annotation x is missing: set it")},
			"InvalidGangAnnotation", "InvalidGangAnnotation",
			"annotation x is missing: set it; the pod stays Pending until this is corrected",
		},
		{
			"members disagree",
			gang.Explanation{
				Kind: gang.KindDisagree, Gang: spark, Claims: []gang.ClaimCount{
					{Claim: gang.Claim{MinAvailable: 3, Scheduler: "s"}, Members: 2, Example: "a-0"},
					{Claim: gang.Claim{MinAvailable: 4, Scheduler: "s"}, Members: 1, Example: "a-1"},
				},
				Shares: []gang.ShareCount{
					{Share: gang.Share{Queue: "research"}, Members: 1, Example: "a-0"},
					{Share: gang.Share{Preemptible: gang.NeverPreempted}, Members: 2, Example: "a-1"},
					{Share: gang.Share{ExpectedRuntime: 90 * time.Minute}, Members: 3, Example: "a-2"},
					{Share: gang.Share{Topology: gang.StatedTopology{
						Required: "b", Preferred: "h,r", SliceRequired: "r", SliceSize: 4, Spread: "z",
					}}, Members: 1, Example: "a-3"},
					{Share: gang.Share{Topology: gang.StatedTopology{Spread: "r"}}, Members: 1, Example: "a-4"},
				},
			},
			"GangMembersDisagree", "GangMembersDisagree",
			`the members of gang default/spark-job-123 disagree (2 pods, such as a-0: pod-group.scheduling.sigs.k8s.io/min-available="3", ` +
				`schedulerName s; 1 pod, such as a-1: pod-group.scheduling.sigs.k8s.io/min-available="4", schedulerName s; 1 pod, such as ` +
				`a-0: kubenexus.io/queue="research"; 2 pods, such as a-1: kubenexus.io/preemptible="false"; 3 pods, such as a-2: ` +
				`kubenexus.io/expected-runtime="1h30m0s"; 1 pod, such as a-3: kubenexus.io/topology-required="b", ` +
				`kubenexus.io/topology-preferred="h,r", kubenexus.io/topology-slice-required="r", kubenexus.io/topology-slice-size="4", ` +
				`kubenexus.io/topology-spread="z"; 1 pod, such as a-4: kubenexus.io/topology-spread="r"). No pending member starts until all agree: correct or delete the wrong ones.`,
		},
		{
			"a queue that does not exist",
			gang.Explanation{Kind: gang.KindQueueNotFound, Gang: spark, Problem: errors.New("annotation x has the value y: no")},
			"QueueNotFound", "QueueNotFound",
			"annotation x has the value y: no; the pod stays Pending until this is corrected",
		},
		{
			"a queue that the namespace may not use",
			gang.Explanation{Kind: gang.KindQueueNotAllowed, Gang: spark, Problem: errors.New("annotation x has the value y: no")},
			"QueueNotAllowed", "QueueNotAllowed",
			"annotation x has the value y: no; the pod stays Pending until this is corrected",
		},
		{
			"beyond the limit",
			gang.Explanation{Kind: gang.KindBeyondLimit, Gang: spark, Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "58", Bound: "64", Asks: "16",
			}},
			"QueueLimitReached", "QueueLimitReached",
			"gang default/spark-job-123 waits: queue research uses 58 of 64 nvidia.com/gpu; the gang asks for 16",
		},
		{
			"beyond the limit of a queue above, a pod without a gang",
			gang.Explanation{Kind: gang.KindBeyondLimit, Gang: spark, Pod: true, Queue: &gang.QueueWhy{
				Leaf: "nlp", Queue: "research", Resource: "cpu", Uses: "58", Bound: "64", Asks: "7500m",
			}},
			"QueueLimitReached", "QueueLimitReached",
			"pod default/spark-job-123 waits: queue research, above queue nlp, uses 58 of 64 cpu; the pod asks for 7500m",
		},
		{
			"more than the limit",
			gang.Explanation{Kind: gang.KindBeyondLimit, Gang: spark, Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "58", Bound: "64", Asks: "80", Never: true,
			}},
			"QueueLimitReached", "QueueLimitReached",
			"gang default/spark-job-123 cannot start: it asks for 80 nvidia.com/gpu, and queue research is limited to 64. Request less, or " +
				"raise the limit.",
		},
		{
			"beyond the guarantee",
			gang.Explanation{Kind: gang.KindBeyondGuarantee, Gang: spark, Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "12", Bound: "16", Asks: "8",
			}},
			"QueueGuaranteeReached", "QueueGuaranteeReached",
			"gang default/spark-job-123 waits: queue research is guaranteed 16 nvidia.com/gpu and uses 12; the gang asks for 8, and starts " +
				"only within the guarantee (annotation kubenexus.io/preemptible)",
		},
		{
			"more than the guarantee",
			gang.Explanation{Kind: gang.KindBeyondGuarantee, Gang: spark, Pod: true, Queue: &gang.QueueWhy{
				Leaf: "research", Queue: "research", Resource: "nvidia.com/gpu", Uses: "12", Bound: "16", Asks: "80", Never: true,
			}},
			"QueueGuaranteeReached", "QueueGuaranteeReached",
			"pod default/spark-job-123 cannot start: it asks for 80 nvidia.com/gpu, and queue research is guaranteed 16, beyond which " +
				"nothing starts that may not be preempted (annotation kubenexus.io/preemptible). Request less, raise the guarantee, or remove " +
				"the annotation.",
		},
		{
			"three before it",
			gang.Explanation{Kind: gang.KindQueued, Gang: spark, Queue: &gang.QueueWhy{Leaf: "x", Before: 3}},
			"GangQueued", "GangQueued",
			"gang default/spark-job-123 waits for its turn: 3 gangs of queue x are before it",
		},
		{
			"one before it, a pod without a gang",
			gang.Explanation{Kind: gang.KindQueued, Gang: spark, Pod: true, Queue: &gang.QueueWhy{Leaf: "x", Before: 1}},
			"GangQueued", "GangQueued",
			"pod default/spark-job-123 waits for its turn: 1 gang of queue x is before it",
		},
		{
			"none of its queue before it",
			gang.Explanation{Kind: gang.KindQueued, Gang: spark, Queue: &gang.QueueWhy{Leaf: "x"}},
			"GangQueued", "GangQueued",
			"gang default/spark-job-123 waits for its turn: other queues come first",
		},
		{
			"capacity is set aside, and it is known for how long",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 4, Need: 4, Fit: 3, Detail: "5 of 5 nodes: Insufficient cpu",
				SetAside: &gang.SetAsideWhy{Held: 3, Of: 4, In: 12*time.Minute + 20*time.Second, After: "gang a/b"},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 3 of the 4 pods it needs fit; 5 of 5 nodes: Insufficient cpu; set aside for " +
				"it: 3 of 4; starts in about 12m, when gang a/b ends",
		},
		{
			"capacity is set aside, and nobody knows what ends last",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 4, Need: 4, Fit: 3, SetAside: &gang.SetAsideWhy{Held: 3, Of: 4, In: time.Hour},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 3 of the 4 pods it needs fit; set aside for it: 3 of 4; starts in about 1h",
		},
		{
			"capacity is set aside, and nobody knows for how long",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 4, Need: 4, Fit: 3, SetAside: &gang.SetAsideWhy{Of: 4},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 3 of the 4 pods it needs fit; set aside for it: 0 of 4",
		},
		{
			"capacity is set aside, and what runs should have ended",
			gang.Explanation{
				Kind: gang.KindUnplaced, Gang: spark, Have: 4, Need: 4, Fit: 3, SetAside: &gang.SetAsideWhy{Of: 4, After: "gang a/b"},
			},
			"GangUnschedulable", "Unschedulable",
			"gang default/spark-job-123 cannot be scheduled yet: 3 of the 4 pods it needs fit; set aside for it: 0 of 4; " +
				"starts when gang a/b ends, which is due",
		},
		{
			"timed out beyond the limit",
			gang.Explanation{
				Kind: gang.KindTimedOut, Cause: gang.KindBeyondLimit, Gang: spark, Waited: 10 * time.Second,
				Queue: &gang.QueueWhy{Leaf: "research", Queue: "research", Resource: "cpu", Uses: "58", Bound: "64", Asks: "16"},
			},
			"GangTimedOut", "",
			"gang default/spark-job-123 did not start within 10s: it waits: queue research uses 58 of 64 cpu; the gang asks for 16",
		},
		{
			"unknown",
			gang.Explanation{Kind: gang.KindUnknown, Problem: errors.New("the label x of y: set ours, or remove this label")},
			"UnknownGang", "UnknownGang",
			"the label x of y: set ours, or remove this label; until then, the pod stays Pending",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			event := events.For(tc.explanation)
			if event.Note != tc.want || event.Reason != tc.reason || event.ConditionReason != tc.condition {
				t.Errorf("got  %s (condition %q): %s\nwant %s (condition %q): %s",
					event.Reason, event.ConditionReason, event.Note, tc.reason, tc.condition, tc.want)
			}
		})
	}
}

// TestWaitingForATurnIsNormal checks the type of the events about queues: only a turn comes without anybody's doing.
func TestWaitingForATurnIsNormal(t *testing.T) {
	for kind, want := range map[gang.Kind]string{
		gang.KindQueued: "Normal", gang.KindBeyondLimit: "Warning", gang.KindBeyondGuarantee: "Warning", gang.KindQueueNotFound: "Warning",
		gang.KindQueueNotAllowed: "Warning",
	} {
		if got := events.For(gang.Explanation{Kind: kind}).Type; got != want {
			t.Errorf("an event about %s is of type %s, want %s", kind, got, want)
		}
	}
}

func TestNotesFitIntoAnEvent(t *testing.T) {
	event := events.For(gang.Explanation{Kind: gang.KindUnplaced, Detail: strings.Repeat("ä", 5000)})
	if len(event.Note) > 1024 || !utf8.ValidString(event.Note) || !strings.HasSuffix(event.Note, " ...") {
		t.Errorf("note of %d bytes: %q", len(event.Note), event.Note)
	}
}
