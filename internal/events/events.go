// Package events has every reason and sentence that a user sees about a gang: on the events and conditions of its
// pods, and in the log.
package events

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

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
	// ReasonUnknown: keys of other products tie the pod to others, and nothing that is read here does (also a condition).
	ReasonUnknown = "UnknownGang"
	// ReasonUnplaced: the gang is complete, and there is no room for all it needs. The condition says Unschedulable, so
	// that an autoscaler acts on it.
	ReasonUnplaced = "GangUnschedulable"
	// ReasonNotBound: all that the gang needs had a node, and none could be bound. The condition says SchedulerError: no
	// autoscaler can help.
	ReasonNotBound = "GangNotBound"
	// ReasonTimedOut: the gang's timeout passed.
	ReasonTimedOut = "GangTimedOut"
	// ReasonUndeclared: the pod leads its gang and does not declare the others, so nothing is reserved for them.
	ReasonUndeclared = "GangLeaderUndeclared"
	// ReasonExpired: room that was reserved was given up, because the pods did not come in time.
	ReasonExpired = "GangReservationExpired"
	// ReasonLost: the kubelet rejected a member.
	ReasonLost = "GangMemberLost"
	// ReasonPartial: the gang runs with fewer members than it needs.
	ReasonPartial = "GangPartial"
	// ReasonEvicted: the pod was evicted because its gang cannot be complete, or has to start again as a whole.
	ReasonEvicted = "GangEvicted"
	// ReasonRestarting: the pod waits until what runs of its gang is evicted (also a condition).
	ReasonRestarting = "GangRestarting"
	// ReasonEvictionRefused: what runs of the gang is to be evicted, and the API refuses it, such as for a disruption budget (also a
	// condition).
	ReasonEvictionRefused = "GangEvictionRefused"
	// ReasonReleased: all members that the gang needs have a node, and the first of them is bound.
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

// maxNote is the longest note that the API server accepts in an event, in bytes.
const maxNote = 1024

// For renders an explanation as an event.
func For(e gang.Explanation) Event {
	why := Explain(e)
	event := Event{Type: corev1.EventTypeWarning, Reason: why.Reason, Note: why.Sentence}
	_, event.ConditionReason = waiting(e.Kind)
	switch event.Reason {
	case ReasonUndeclared, ReasonRestarting, ReasonReleased:
		event.Type = corev1.EventTypeNormal
	}
	if len(event.Note) > maxNote {
		const more = " ..."
		event.Note = strings.ToValidUTF8(event.Note[:maxNote-len(more)], "") + more
	}
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
	case gang.KindNotBound:
		return ReasonNotBound, corev1.PodReasonSchedulerError
	case gang.KindRestarting:
		return ReasonRestarting, ReasonRestarting
	case gang.KindEvictionRefused, gang.KindEvictionGivenUp:
		return ReasonEvictionRefused, ReasonEvictionRefused
	default:
		return "", ""
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
	default:
		return ""
	}
}

// Sentence says in one sentence, with numbers, why a gang waits or that it starts.
func Sentence(e gang.Explanation) string {
	name := "gang " + e.Gang.String()
	switch e.Kind {
	case gang.KindIncomplete:
		return incomplete(name, e)
	case gang.KindDisagree:
		return disagreement(e)
	case gang.KindInvalid:
		return fmt.Sprintf("%v; the pod stays Pending until that is corrected", e.Problem)
	case gang.KindUnknown:
		return fmt.Sprintf("%v; the pod stays Pending until then", e.Problem)
	case gang.KindUnplaced:
		return fmt.Sprintf("%s needs %s at once: %s", name, needed(e), unplaced(e))
	case gang.KindTooLarge:
		return fmt.Sprintf("%s needs %s at once, and the whole cluster, if it were empty, could hold %d; now %s",
			name, needed(e), e.Most, unplaced(e))
	case gang.KindNotBound:
		return fmt.Sprintf("%s needs %s at once: all had a node, and none could be bound; %s; it is tried again",
			name, needed(e), unbound(e))
	case gang.KindUntried:
		return fmt.Sprintf("%s has %s; the scheduler has not tried to place it yet, because there is no node or others come first",
			name, members(e))
	case gang.KindTimedOut:
		return timedOut(e)
	case gang.KindReleased:
		return released(name, e)
	default:
		return ofRunning(name, e)
	}
}

// ofRunning says what happens to a gang that runs, or whose leader does.
func ofRunning(name string, e gang.Explanation) string {
	switch e.Kind {
	case gang.KindUndeclared:
		return fmt.Sprintf("%s needs %s besides this one, which creates them and does not say what they ask for: "+
			"it starts by itself, and nothing is reserved for them; to start it only where all fit, %s", name, pods(e.Need), declare)
	case gang.KindExpired:
		return fmt.Sprintf("the room that %s reserved for %s is given up: they did not come in time "+
			"(annotation %s says how long it is held)", name, pods(e.Declared), gang.ReservationTimeoutAnnotation)
	case gang.KindLost:
		return fmt.Sprintf("%s lost pod %s: node %s rejected it (%s); the node is not tried again for a minute",
			name, e.Culprit, e.Node, e.Detail)
	case gang.KindPartial:
		return fmt.Sprintf("%s runs with %d of the %s that it needs, and for %s the others have found no place",
			name, e.Running, pods(e.Need), short(e.Waited))
	case gang.KindEvicted:
		return fmt.Sprintf("%s ran with %d of the %s that it needs, and the others found no place in time: "+
			"what runs of it is evicted, as its annotation %s asks", name, e.Running, pods(e.Need), gang.OnPartialAnnotation)
	case gang.KindRestarted:
		return fmt.Sprintf("%s lost pods and has %d of the %s that it needs: what runs of it is evicted, and all start again together, "+
			"as its annotation %s asks", name, e.Running, pods(e.Need), gang.RestartPolicyAnnotation)
	default:
		return ofEviction(name, e)
	}
}

// ofEviction says what members of a gang wait for whose others are to be evicted.
func ofEviction(name string, e gang.Explanation) string {
	annotation := gang.RestartPolicyAnnotation
	if e.Cause == gang.KindEvicted {
		annotation = gang.OnPartialAnnotation
	}
	has := fmt.Sprintf("%s runs with %d of the %s that it needs", name, e.Running, pods(e.Need))
	switch e.Kind {
	case gang.KindRestarting:
		return fmt.Sprintf("%s: these are to be evicted first, and then all start together, as its annotation %s asks", has, annotation)
	case gang.KindEvictionRefused:
		return fmt.Sprintf("%s, and these cannot be evicted, as its annotation %s asks: %s; it is tried again", has, annotation, e.Detail)
	case gang.KindEvictionGivenUp:
		return fmt.Sprintf("%s, and these cannot be evicted, as its annotation %s asks: %s; it was tried %d times, so they go on, "+
			"and the others join them", has, annotation, e.Detail, e.Attempts)
	default:
		return name + " runs"
	}
}

// declare tells how to say what a leader will create.
const declare = "declare them by the annotation " + gang.RolesAnnotation +
	` (such as [{"name":"driver","min":1,"leads":true},{"name":"executor","min":10,"requests":{"cpu":"1","memory":"2Gi"}}])`

func incomplete(name string, e gang.Explanation) string {
	if e.Need == 0 {
		return fmt.Sprintf("%s has %s, and none of them says how many must start together: set it, or %s", name, pods(e.Have), declare)
	}
	text := fmt.Sprintf("%s has %s", name, members(e))
	if r := e.Lacking; r != nil {
		text += fmt.Sprintf(", but %d of %d with the role %s", r.Have, r.Need, r.Role)
	}
	if e.Alone {
		text += "; if this pod creates the others, " + declare
	}
	return text
}

// needed says "11 pods (10 of them declared)".
func needed(e gang.Explanation) string {
	if e.Declared == 0 {
		return pods(e.Need)
	}
	return fmt.Sprintf("%s (%d of them declared)", pods(e.Need), e.Declared)
}

func released(name string, e gang.Explanation) string {
	text := fmt.Sprintf("%s starts: %s placed together (it needs %d), %s after its first pod was created",
		name, havePlural(e.Have), e.Need, short(e.Waited))
	if e.Declared > 0 {
		text += fmt.Sprintf("; room for %s to come is reserved for %s", pods(e.Declared), short(e.Holds))
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
	creator := "whatever creates them"
	if e.Owner != "" {
		creator = "their owner, " + e.Owner
	}
	return fmt.Sprintf("%s: it has %s; for the %d missing, look at the namespace's quota (kubectl describe quota -n %s) and at %s",
		after, members(e), e.Need-e.Have, e.Gang.Namespace, creator)
}

func disagreement(e gang.Explanation) string {
	annotation := "min-available"
	for _, d := range gang.Dialects() {
		if d.Name == e.Gang.Dialect {
			annotation = d.MinAvailableAnnotation
		}
	}
	said := make([]string, len(e.Claims))
	for i, c := range e.Claims {
		said[i] = fmt.Sprintf("%s such as %s: %s=\"%d\" with schedulerName %s",
			pods(c.Members), c.Example, annotation, c.MinAvailable, c.Scheduler)
	}
	return fmt.Sprintf("the members of gang %s disagree (%s); none that is pending starts until all say the same, "+
		"so correct or delete those that are wrong", e.Gang, strings.Join(said, "; "))
}

// members says "7 of the 11 pods it needs".
func members(e gang.Explanation) string {
	text := fmt.Sprintf("%d of the %s it needs", e.Have, pods(e.Need))
	if e.Gated > 0 {
		text += fmt.Sprintf(" (%d more with scheduling gates do not count)", e.Gated)
	}
	return text
}

func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// unplaced says "8 of 10 pods fit; 2 lack cpu (1 each; the largest free room on a node is 0.5); 3 of 3 nodes: ...".
func unplaced(e gang.Explanation) string {
	if e.Culprit != "" {
		return fmt.Sprintf("%s; pod %s has no place (%s)", found(e.Fit), e.Culprit, e.Detail)
	}
	fit := "fit"
	if e.Need == 1 {
		fit = "fits"
	}
	text := fmt.Sprintf("%d of %s %s", e.Fit, pods(e.Need), fit)
	if s := e.Short; s != nil {
		lack := "lack"
		if s.Members == 1 {
			lack = "lacks"
		}
		text += fmt.Sprintf("; %d %s %s (%s each; the largest free room on a node is %s)",
			s.Members, lack, s.Resource, s.Each, s.Largest)
	}
	if e.Detail != "" {
		text += "; " + e.Detail
	}
	return text
}

// unbound says "pod a-0: pods is forbidden", or only "pod a-0 was the first".
func unbound(e gang.Explanation) string {
	if e.Detail == "" {
		return fmt.Sprintf("pod %s was the first", e.Culprit)
	}
	return fmt.Sprintf("pod %s: %s", e.Culprit, e.Detail)
}

func found(n int) string {
	if n == 1 {
		return "1 found a place"
	}
	return fmt.Sprintf("%d found a place", n)
}

func havePlural(n int) string {
	if n == 1 {
		return "1 pod is"
	}
	return fmt.Sprintf("%d pods are", n)
}

// short rounds a duration to what a person reads.
func short(d time.Duration) time.Duration {
	if d >= time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}
