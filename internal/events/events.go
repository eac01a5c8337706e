// Package events has every reason and sentence that a user sees about a gang: on the events and conditions of its
// pods, and in the log.
package events

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The reasons of events, and of the PodScheduled condition where noted. Reference has an entry for each.
const (
	// ReasonIncomplete: the gang has fewer members than it needs (also a condition).
	ReasonIncomplete = "GangIncomplete"
	// ReasonDisagree: the members say different things about their gang (also a condition).
	ReasonDisagree = "GangMembersDisagree"
	// ReasonInvalid: the annotations of the pod cannot be followed (also a condition).
	ReasonInvalid = "InvalidGangAnnotation"
	// ReasonUnknown: keys of other products tie the pod to others, and no annotation that we read does (also a condition).
	ReasonUnknown = "UnknownGang"
	// ReasonQueueNotFound: the queue that the pod names does not exist, or has others below it (also a condition).
	ReasonQueueNotFound = "QueueNotFound"
	// ReasonQueueNotAllowed: the pod's namespace may not use the queue that the pod names (also a condition).
	ReasonQueueNotAllowed = "QueueNotAllowed"
	// ReasonQueueLimit: the gang would take a queue beyond its limit (also a condition: no autoscaler can help).
	ReasonQueueLimit = "QueueLimitReached"
	// ReasonQueueGuarantee: the gang is never preempted, and would take a queue beyond its guarantee (also a condition).
	ReasonQueueGuarantee = "QueueGuaranteeReached"
	// ReasonQueued: others go first (also a condition).
	ReasonQueued = "GangQueued"
	// ReasonUnplaced: the gang is complete, and not all that it needs fit. The condition says Unschedulable, so that an
	// autoscaler acts on it.
	ReasonUnplaced = "GangUnschedulable"
	// ReasonSetAside: capacity is set aside for a pod without a gang. A gang's own event says it with the reason to wait.
	ReasonSetAside = "CapacitySetAside"
	// ReasonPreempting: the gang waits for pods to end that were preempted for it (also a condition: no autoscaler has to help).
	ReasonPreempting = "GangPreempting"
	// ReasonPreempted: the pod was preempted.
	ReasonPreempted = "GangPreempted"
	// ReasonNotBound: a node was found for all that the gang needs, and none could be bound. The condition says
	// SchedulerError: no autoscaler can help.
	ReasonNotBound = "GangNotBound"
	// ReasonTimedOut: the gang's timeout passed.
	ReasonTimedOut = "GangTimedOut"
	// ReasonUndeclared: the pod creates the others of its gang and does not declare them, so nothing is reserved for them.
	ReasonUndeclared = "GangLeaderUndeclared"
	// ReasonExpired: reserved capacity was released, because the pods were not created in time.
	ReasonExpired = "GangReservationExpired"
	// ReasonLost: the kubelet rejected a member.
	ReasonLost = "GangMemberLost"
	// ReasonPartial: the gang runs with fewer members than it needs.
	ReasonPartial = "GangPartial"
	// ReasonEvicted: the pod was evicted because its gang cannot be complete, or has to start again as a whole.
	ReasonEvicted = "GangEvicted"
	// ReasonRestarting: the pod waits until the running pods of its gang are evicted (also a condition).
	ReasonRestarting = "GangRestarting"
	// ReasonEvictionRefused: the running pods of the gang should be evicted, and the API server refuses, such as for a
	// disruption budget (also a condition).
	ReasonEvictionRefused = "GangEvictionRefused"
	// ReasonReleased: all members that the gang needs are scheduled, and the first of them is bound.
	ReasonReleased = "GangReleased"
)

// Event is an event on a pod, and what its PodScheduled condition says with it.
type Event struct {
	// Type is corev1.EventTypeNormal or corev1.EventTypeWarning; empty if only the condition is to be written.
	Type   string
	Reason string
	Note   string
	// ConditionReason is the reason of PodScheduled=False; empty if the condition is left alone.
	ConditionReason string
}

// MaxNote is the longest note that the API server accepts in an event, in bytes.
const MaxNote = 1024

// For renders an explanation as an event.
func For(e gang.Explanation) Event {
	why := Explain(e)
	event := Event{Type: corev1.EventTypeWarning, Reason: why.Reason, Note: why.Sentence}
	_, event.ConditionReason = waiting(e.Kind)
	switch event.Reason {
	case ReasonUndeclared, ReasonRestarting, ReasonReleased, ReasonQueued, ReasonSetAside, ReasonPreempting, ReasonPreempted:
		event.Type = corev1.EventTypeNormal
	}
	event.Note = Shorten(event.Note)
	return event
}

// waiting returns the reasons of the event and of the condition of a pod that waits, if that is what the explanation is about.
func waiting(kind gang.Kind) (reason, condition string) {
	switch kind {
	case gang.KindIncomplete:
		return ReasonIncomplete, ReasonIncomplete
	case gang.KindDisagree:
		return ReasonDisagree, ReasonDisagree
	case gang.KindInvalid:
		return ReasonInvalid, ReasonInvalid
	case gang.KindUnknown:
		return ReasonUnknown, ReasonUnknown
	case gang.KindUnplaced, gang.KindTooLarge, gang.KindUntried:
		return ReasonUnplaced, corev1.PodReasonUnschedulable
	case gang.KindPreempting:
		return ReasonPreempting, ReasonPreempting
	case gang.KindNotBound:
		return ReasonNotBound, corev1.PodReasonSchedulerError
	case gang.KindRestarting:
		return ReasonRestarting, ReasonRestarting
	case gang.KindEvictionRefused, gang.KindEvictionGivenUp:
		return ReasonEvictionRefused, ReasonEvictionRefused
	default:
		reason = queueReason(kind)
		return reason, reason
	}
}

// happened returns the reason of the event for what happened to a gang.
func happened(kind gang.Kind) string {
	switch kind {
	case gang.KindTimedOut:
		return ReasonTimedOut
	case gang.KindUndeclared:
		return ReasonUndeclared
	case gang.KindExpired:
		return ReasonExpired
	case gang.KindLost:
		return ReasonLost
	case gang.KindPartial:
		return ReasonPartial
	case gang.KindEvicted, gang.KindRestarted:
		return ReasonEvicted
	case gang.KindReleased:
		return ReasonReleased
	case gang.KindSetAside:
		return ReasonSetAside
	case gang.KindPreempted:
		return ReasonPreempted
	default:
		return ""
	}
}

// Sentence says in one sentence, with numbers, why a gang waits or that it starts.
func Sentence(e gang.Explanation) string {
	name := subject(e) + " " + e.Gang.String()
	switch e.Kind {
	case gang.KindIncomplete:
		return incomplete(name, e)
	case gang.KindDisagree:
		return disagreement(e)
	case gang.KindInvalid, gang.KindQueueNotFound, gang.KindQueueNotAllowed:
		return fmt.Sprintf("%v; the pod stays Pending until this is corrected", e.Problem)
	case gang.KindUnknown:
		return fmt.Sprintf("%v; until then, the pod stays Pending", e.Problem)
	case gang.KindUnplaced:
		return fmt.Sprintf("%s cannot be scheduled yet: %s%s", name, unplaced(e), placeInQueue(e.Queue)+setAside(e.SetAside))
	case gang.KindTooLarge:
		return tooLarge(name, e)
	case gang.KindPreempting, gang.KindPreempted:
		return ofPreemption(name, e)
	case gang.KindBeyondLimit, gang.KindBeyondGuarantee, gang.KindQueued:
		return ofQueue(e)
	case gang.KindNotBound:
		return fmt.Sprintf("%s could not be bound: a node was found for all of %s, but %s. Retrying after a backoff of at most 10s.",
			name, needed(e), unbound(e))
	case gang.KindUntried:
		return fmt.Sprintf("%s has %s and waits for its first scheduling attempt: the cluster has no node, or other pods come first",
			name, members(e))
	case gang.KindTimedOut:
		return timedOut(e)
	case gang.KindReleased:
		return released(name, e)
	case gang.KindSetAside:
		return fmt.Sprintf("the pod was passed by for %s%s", short(e.Waited), setAside(e.SetAside))
	default:
		return ofRunning(name, e)
	}
}

// tooLarge says that a gang would not fit even if the cluster were empty.
func tooLarge(name string, e gang.Explanation) string {
	if e.Topology != "" {
		return fmt.Sprintf("%s cannot be scheduled: where it has to be, the cluster could hold only %d of %s even if it were empty; "+
			"now %s. Add nodes there, or request less.", name, e.Most, needed(e), fitting(e, e.Topology))
	}
	return fmt.Sprintf("%s cannot be scheduled: the cluster could hold only %d of %s even if it were empty; now %s. "+
		"Add nodes, or request less.", name, e.Most, needed(e), fitting(e, fmt.Sprintf("%d fit", e.Fit)))
}

// subject is what waits.
func subject(e gang.Explanation) string {
	if e.Pod {
		return "pod"
	}
	return "gang"
}

// ofRunning says what happens to a gang that runs, or whose creator does.
func ofRunning(name string, e gang.Explanation) string {
	switch e.Kind {
	case gang.KindUndeclared:
		return fmt.Sprintf("%s needs %s besides this one, which creates them but does not declare what they request. "+
			"It starts alone, and no capacity is reserved for them. To start it only when all of them fit, %s.",
			name, pods(e.Need), declare)
	case gang.KindExpired:
		return fmt.Sprintf("released the capacity that was reserved for %s of %s: they were not created in time. "+
			"To reserve it for longer, set the annotation %s.", pods(e.Declared), name, conventions.ReservationTimeoutAnnotation)
	case gang.KindLost:
		return fmt.Sprintf("%s lost pod %s: the kubelet of node %s rejected it (%s); the gang avoids this node for 1 minute",
			name, e.Culprit, e.Node, e.Detail)
	case gang.KindPartial:
		return fmt.Sprintf("%s; the others have not fit for %s, and join as soon as they do", runsWith(name, e), short(e.Waited))
	case gang.KindEvicted:
		return fmt.Sprintf("%s, and the others did not fit in time. Evicting its running pods, so that all start together (annotation %s).",
			runsWith(name, e), conventions.OnPartialAnnotation)
	case gang.KindRestarted:
		return fmt.Sprintf("%s, because it lost pods. Evicting its running pods, so that all start together again (annotation %s).",
			runsWith(name, e), conventions.RestartPolicyAnnotation)
	default:
		return ofEviction(name, e)
	}
}

// ofEviction says what pending members wait for while the running ones are evicted.
func ofEviction(name string, e gang.Explanation) string {
	annotation := conventions.RestartPolicyAnnotation
	if e.Cause == gang.KindEvicted {
		annotation = conventions.OnPartialAnnotation
	}
	switch e.Kind {
	case gang.KindRestarting:
		return fmt.Sprintf("%s. Its running pods are evicted first; then all start together (annotation %s).",
			runsWith(name, e), annotation)
	case gang.KindEvictionRefused:
		return fmt.Sprintf("%s. Its running pods should be evicted (annotation %s), but the API server refused: %s. Retrying.",
			runsWith(name, e), annotation, e.Detail)
	case gang.KindEvictionGivenUp:
		return fmt.Sprintf("%s. Its running pods should be evicted (annotation %s), but the API server refused %d times: %s. "+
			"They keep running, and the others join them.", runsWith(name, e), annotation, e.Attempts, e.Detail)
	default:
		return name + " runs"
	}
}

func runsWith(name string, e gang.Explanation) string {
	return fmt.Sprintf("%s runs with %d of the %s it needs", name, e.Running, pods(e.Need))
}

// declare says how to declare what a creator will create.
const declare = "declare them in the annotation " + conventions.RolesAnnotation +
	` (such as [{"name":"driver","min":1,"creates":true},{"name":"executor","min":10,"requests":{"cpu":"1","memory":"2Gi"}}])`

func incomplete(name string, e gang.Explanation) string {
	if e.Need == 0 {
		return fmt.Sprintf("%s has %s, and none says how many must start together. Set min-available, or %s.", name, pods(e.Have), declare)
	}
	text := fmt.Sprintf("%s has %s", name, members(e))
	more := e.Need - e.Have
	if r := e.Lacking; r != nil {
		text += fmt.Sprintf(", but %d of %d with role %s", r.Have, r.Need, r.Role)
		more = max(more, r.Need-r.Have)
	}
	if more > 0 {
		text += fmt.Sprintf("; waiting for %d more", more)
	}
	if e.Alone {
		text += ". If this pod creates the others, " + declare + "."
	}
	return text
}

// needed says "the 11 pods it needs (10 of them declared)".
func needed(e gang.Explanation) string {
	text := fmt.Sprintf("the %s it needs", pods(e.Need))
	if e.Declared > 0 {
		text += fmt.Sprintf(" (%d of them declared)", e.Declared)
	}
	return text
}

func released(name string, e gang.Explanation) string {
	text := fmt.Sprintf("%s starts: %s (it needs %d), %s after its first pod was created",
		name, scheduled(e.Have), e.Need, short(e.Waited))
	if e.Declared > 0 {
		text += fmt.Sprintf("; capacity for the %s that it declares is reserved for %s", pods(e.Declared), short(e.Holds))
	}
	return text
}

func timedOut(e gang.Explanation) string {
	after := fmt.Sprintf("gang %s did not start within %s", e.Gang, short(e.Waited))
	if e.Cause != gang.KindIncomplete {
		cause := e
		cause.Kind = e.Cause
		return after + ": " + strings.Replace(Sentence(cause), "gang "+e.Gang.String(), "it", 1)
	}
	creator := "whatever creates the pods"
	if e.Owner != "" {
		creator = "the owner of the pods, " + e.Owner
	}
	return fmt.Sprintf("%s: it has %s. To see why pods are missing, check the namespace's quota (kubectl describe quota -n %s) and %s.",
		after, members(e), e.Gang.Namespace, creator)
}

// members says "7 of the 11 pods it needs".
func members(e gang.Explanation) string {
	text := fmt.Sprintf("%d of the %s it needs", e.Have, pods(e.Need))
	if e.Gated > 0 {
		text += fmt.Sprintf(" (not counting %d with scheduling gates)", e.Gated)
	}
	return text
}

func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// unplaced says "8 of the 10 pods it needs fit; 2 lack cpu (each requests 1; the node with the most free has 0.5); 3 of 3 nodes: ...".
func unplaced(e gang.Explanation) string {
	if e.Topology != "" {
		return fitting(e, e.Topology)
	}
	verb := "fit"
	if e.Need == 1 {
		verb = "fits"
	}
	return fitting(e, fmt.Sprintf("%d of %s %s", e.Fit, needed(e), verb))
}

// fitting adds to how many pods fit what the others lack.
func fitting(e gang.Explanation, fit string) string {
	if s := e.Short; s != nil {
		lack, requests := "lack", "each requests"
		if s.Members == 1 {
			lack, requests = "lacks", "it requests"
		}
		fit += fmt.Sprintf("; %d %s %s (%s %s; the node with the most free has %s)",
			s.Members, lack, s.Resource, requests, s.Each, s.Largest)
	}
	if e.Detail != "" {
		fit += "; " + e.Detail
	}
	return fit
}

// unbound says "binding pod a-0 failed (pods is forbidden)".
func unbound(e gang.Explanation) string {
	text := fmt.Sprintf("binding pod %s failed", e.Culprit)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

func scheduled(n int) string {
	if n == 1 {
		return "1 pod is scheduled"
	}
	return fmt.Sprintf("%d pods are scheduled together", n)
}

// short rounds a duration to what a person reads.
func short(d time.Duration) time.Duration {
	if d >= time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}
