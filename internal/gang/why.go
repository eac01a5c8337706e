package gang

import (
	"fmt"
	"time"
)

// QueueWhy is what a gang waits for in its queue. Amounts are Kubernetes quantities.
type QueueWhy struct {
	// Leaf is the queue of the gang, Queue the one whose bound counts: the same, or one above.
	Leaf, Queue string
	// Resource is what is short. Uses is what Queue uses of it, Bound its limit (KindBeyondLimit) or guarantee (KindBeyondGuarantee),
	// and Asks what the gang asks for. They are empty for other kinds.
	Resource, Uses, Bound, Asks string
	// Never is true if the gang asks for more than the bound, so that waiting does not help.
	Never bool
	// Before is the number of gangs of Leaf that go first (KindQueued); with 0, other queues go first.
	Before int
}

// SetAsideWhy is capacity that is set aside for a gang that was passed by for too long.
type SetAsideWhy struct {
	// Held is the number of members for which capacity is set aside, Of the number that the gang needs.
	Held, Of int
	// In is how long it takes until the gang starts, and After what ends last until then, such as "gang a/b" or "pod a/c". In is 0 if
	// that is unknown, or if After is set and should have ended.
	In    time.Duration
	After string
}

// AwaitsWhy is what a gang waits for that preempted others.
type AwaitsWhy struct {
	// Pods is the number of pods that have not ended yet, Nodes the number of nodes that they are on.
	Pods, Nodes int
}

// ByWhy is the preemptor of a pod, and why it may preempt the pod.
type ByWhy struct {
	// Taker is "gang a/b" or "pod a/b", Priority its priority, and Own that of what was preempted.
	Taker         string
	Priority, Own int32
	// Reason is why the rules allow it.
	Reason PreemptReason
	// Shares are the shares of the queues before and after, for a reclaim; nil if both are in one queue.
	Shares *SharesWhy
	// Whole is true if the whole gang of the pod goes, and Surplus if the pod is beyond the min-available of its gang.
	Whole, Surplus bool
}

// PreemptReason is why one may preempt another.
type PreemptReason string

// The reasons.
const (
	// PreemptInQueue: both are in one queue, and the taker has the higher priority.
	PreemptInQueue PreemptReason = "InQueue"
	// PreemptReclaim: the queue of the taker takes back its guarantee, or its fair share.
	PreemptReclaim PreemptReason = "Reclaim"
)

// SharesWhy are the shares of the cluster of two queues, before a preemption and after it.
type SharesWhy struct {
	// Taker and Giver are the names of the queues that are compared.
	Taker, Giver                                     string
	TakerBefore, TakerAfter, GiverBefore, GiverAfter float64
}

// awaits has the numbers of what a gang waits for that preempted others.
func (e Explanation) awaits() string {
	if e.Awaits == nil {
		return ""
	}
	return fmt.Sprint(*e.Awaits)
}

// status is the same with the time at which the gang is expected to start.
func (s *SetAsideWhy) status(now time.Time) *SetAsideStatus {
	if s == nil {
		return nil
	}
	status := &SetAsideStatus{Held: s.Held, Of: s.Of, After: s.After}
	if s.In > 0 {
		status.StartsAt = now.Add(s.In)
	}
	return status
}

// About is In as a person reads it: in whole minutes, or below a minute in steps of ten seconds.
func (s SetAsideWhy) About() time.Duration {
	switch {
	case s.In <= 0:
		return 0
	case s.In < time.Minute:
		return (s.In + 10*time.Second - 1).Truncate(10 * time.Second)
	}
	return s.In.Round(time.Minute)
}

// forCapacity reports whether a gang waits for capacity, which members with scheduling gates do not need yet.
func (k Kind) forCapacity() bool {
	switch k { //nolint:exhaustive // all others are about the members
	case KindUnplaced, KindTooLarge, KindPreempting, KindBeyondLimit, KindBeyondGuarantee, KindQueued:
		return true
	}
	return false
}

// signatureOfQueue has what decides whether members get another event.
func (e Explanation) signatureOfQueue() string {
	text := ""
	if q := e.Queue; q != nil {
		text = fmt.Sprintf(" %s %s %t", q.Queue, q.Resource, q.Never)
	}
	if e.SetAside != nil {
		text += " set aside"
	}
	return text
}

// numbersOfQueue has what else is said of the queue and of what is set aside.
func (e Explanation) numbersOfQueue() string {
	text := ""
	if e.Queue != nil {
		text = fmt.Sprint(*e.Queue)
	}
	if s := e.SetAside; s != nil {
		text += fmt.Sprint(" ", s.Held, s.Of, s.About(), s.After)
	}
	return text
}

// problem is the text of the problem, which may name what others configured.
func (e Explanation) problem() string {
	if e.Problem == nil {
		return ""
	}
	return e.Problem.Error()
}
