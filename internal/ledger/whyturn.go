package ledger

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

const (
	// gangSettles and podSettles are how long a gang, or a pod without one, waits for its turn before the reason is reported. Most wait for
	// milliseconds.
	gangSettles, podSettles = time.Second, 5 * time.Second
	// whyAgain is how often the reason is looked at again.
	whyAgain = 10 * time.Second
	// whysAtOnce is how many reasons a tick looks at, at most.
	whysAtOnce = 200
)

// dues are the entries whose reason to wait is to be looked at.
type dues struct {
	// at is when; lines are the entries by their delay, each in the order of their times.
	at    map[queue.ID]time.Time
	lines [3][]queue.ID
}

// toExplain makes the reason of an entry be looked at after a while.
func (l *Ledger) toExplain(id queue.ID, after time.Duration) {
	if _, due := l.dues.at[id]; due {
		return
	}
	line := slices.Index([]time.Duration{gangSettles, podSettles, whyAgain}, after)
	l.dues.at[id] = l.clock.Now().Add(after)
	l.lines[line] = append(l.lines[line], id)
}

// explainTurns looks at the reasons that are due.
func (l *Ledger) explainTurns(now time.Time) []gang.Decision {
	var decisions []gang.Decision
	if l.tree == nil {
		return nil
	}
	left := whysAtOnce
	for i := range l.lines {
		for len(l.lines[i]) > 0 && left > 0 && !now.Before(l.dues.at[l.lines[i][0]]) {
			id := l.lines[i][0]
			l.lines[i] = l.lines[i][1:]
			delete(l.dues.at, id)
			left--
			if _, waits := l.tree.Entry(id); waits {
				decisions = append(decisions, l.explainTurn(id, now)...)
				l.toExplain(id, whyAgain)
			}
		}
	}
	return decisions
}

// explainTurn records why an entry waits: a gang tells its members, a pod without a gang is told here.
func (l *Ledger) explainTurn(id queue.ID, now time.Time) []gang.Decision {
	why := l.tree.Why(id)
	if g := l.gangOf[id]; g != nil {
		g.InQueue(kindOf(why), l.queueWhy(why), now)
		l.touch(g)
		return nil
	}
	a := l.alone[types.UID(id[len(idOf("")):])]
	if a == nil || !a.ready {
		return nil
	}
	kind := kindOf(why)
	if kind == "" || kind == a.told {
		return nil
	}
	a.told = kind
	return []gang.Decision{gang.Notify{
		Members: []gang.Ref{refOf(a.pod)},
		Explanation: gang.Explanation{
			Kind: kind, Pod: true, Gang: gang.Key{Namespace: a.pod.Namespace, Name: a.pod.Name}, Queue: l.queueWhy(why),
		},
	}}
}

// kindOf returns the kind of an explanation, or "" if the queues do not make the entry wait.
func kindOf(why queue.Why) gang.Kind {
	switch why.Kind {
	case queue.BeyondLimit:
		return gang.KindBeyondLimit
	case queue.BeyondGuarantee:
		return gang.KindBeyondGuarantee
	case queue.BehindHead, queue.NotItsTurn:
		return gang.KindQueued
	case queue.NoReason, queue.NotReady, queue.IsNext:
	}
	return ""
}

// queueWhy returns the numbers as users read them.
func (l *Ledger) queueWhy(why queue.Why) *gang.QueueWhy {
	return &gang.QueueWhy{
		Leaf: why.Leaf, Before: why.Before, Queue: why.Queue, Resource: why.Resource, Never: why.Never,
		Uses: requests.Quantity(why.Resource, why.Uses), Bound: requests.Quantity(why.Resource, why.Bound),
		Asks: requests.Quantity(why.Resource, why.Asks),
	}
}

// isQueueProblem reports whether a pod waits because it may not use its queue.
func isQueueProblem(err error) bool {
	kind := conventions.KindOf(err)
	return err != nil && (kind == gang.KindQueueNotFound || kind == gang.KindQueueNotAllowed)
}
