package events

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// queueReason returns the reason of the event, and of the condition, of what waits because of its queue. An autoscaler ignores these
// conditions: more nodes do not help.
func queueReason(kind gang.Kind) string {
	switch kind {
	case gang.KindQueueNotFound:
		return ReasonQueueNotFound
	case gang.KindQueueNotAllowed:
		return ReasonQueueNotAllowed
	case gang.KindBeyondLimit:
		return ReasonQueueLimit
	case gang.KindBeyondGuarantee:
		return ReasonQueueGuarantee
	case gang.KindQueued:
		return ReasonQueued
	default:
		return ""
	}
}

// ofQueue says what a gang, or a pod without one, waits for in its queue.
func ofQueue(e gang.Explanation) string {
	var q gang.QueueWhy
	if e.Queue != nil {
		q = *e.Queue
	}
	it := subject(e)
	name := it + " " + e.Gang.String()
	switch {
	case e.Kind == gang.KindQueued:
		return fmt.Sprintf("%s waits for its turn: %s", name, before(q))
	case e.Kind == gang.KindBeyondLimit && q.Never:
		return fmt.Sprintf("%s cannot start: it asks for %s %s, and %s is limited to %s. Request less, or raise the limit.",
			name, q.Asks, q.Resource, bounded(q), q.Bound)
	case e.Kind == gang.KindBeyondLimit:
		return fmt.Sprintf("%s waits: %s uses %s of %s %s; the %s asks for %s", name, bounded(q), q.Uses, q.Bound, q.Resource, it, q.Asks)
	case q.Never:
		return fmt.Sprintf("%s cannot start: it asks for %s %s, and %s is guaranteed %s, beyond which nothing starts that may not be "+
			"preempted (annotation %s). Request less, raise the guarantee, or remove the annotation.",
			name, q.Asks, q.Resource, bounded(q), q.Bound, conventions.PreemptibleAnnotation)
	default:
		return fmt.Sprintf("%s waits: %s is guaranteed %s %s and uses %s; the %s asks for %s, and starts only within the guarantee "+
			"(annotation %s)", name, bounded(q), q.Bound, q.Resource, q.Uses, it, q.Asks, conventions.PreemptibleAnnotation)
	}
}

// bounded is the queue whose bound counts.
func bounded(q gang.QueueWhy) string {
	if q.Leaf == q.Queue || q.Leaf == "" {
		return "queue " + q.Queue
	}
	return fmt.Sprintf("queue %s, above queue %s,", q.Queue, q.Leaf)
}

func before(q gang.QueueWhy) string {
	switch q.Before {
	case 0:
		return "other queues come first"
	case 1:
		return fmt.Sprintf("1 gang of queue %s is before it", q.Leaf)
	default:
		return fmt.Sprintf("%d gangs of queue %s are before it", q.Before, q.Leaf)
	}
}

// placeInQueue says where a gang that does not fit is in its queue. It is empty if no queues are configured.
func placeInQueue(q *gang.QueueWhy) string {
	switch {
	case q == nil:
		return ""
	case q.Before == 0:
		return "; it is first in queue " + q.Leaf
	}
	return "; " + before(*q)
}

// setAside says how much is set aside for a gang, and when it starts: "; set aside for it: 3 of 4; starts in about 12m, when gang a/b
// ends". It is empty if nothing is.
func setAside(s *gang.SetAsideWhy) string {
	if s == nil {
		return ""
	}
	text := fmt.Sprintf("; set aside for it: %d of %d", s.Held, s.Of)
	switch {
	case s.In > 0 && s.After != "":
		return fmt.Sprintf("%s; starts in about %s, when %s ends", text, round(s.About()), s.After)
	case s.In > 0:
		return text + "; starts in about " + round(s.About())
	case s.After != "":
		return fmt.Sprintf("%s; starts when %s ends, which is due", text, s.After)
	}
	return text
}

// round writes a duration without the zeros at its end.
func round(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
