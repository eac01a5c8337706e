// Package queue decides whose turn it is. A tree of queues shares the cluster: it knows what each queue uses, what it is guaranteed and
// limited to, which gangs wait in it, and which of them goes next.
package queue

import "time"

// Default is the name of the queue for gangs that name none and whose namespace no queue names. It exists in every tree.
const Default = "default"

// DefaultMaxWait is how long a gang of a queue may be passed by before capacity is set aside for it, unless the queue says otherwise.
const DefaultMaxWait = 10 * time.Minute

// Amounts are amounts of resources by name: millicores of cpu, and units of everything else.
type Amounts map[string]int64

// Config is a tree of queues. Names are unique in the whole tree. internal/queueconfig reads and checks it.
type Config struct {
	Queues []Queue
}

// Queue is the configuration of a queue and of the queues below it. Gangs live in queues without children. Whatever a child leaves out, of
// Order, MaxWait, Preemption and Namespaces, is filled in from its parent before a tree is made.
type Queue struct {
	Name string
	// Weight is the queue's part of what is left after guarantees, relative to its siblings. With 0 it gets what nobody else wants.
	Weight float64
	// Priority orders siblings for what is left after guarantees: the higher one first.
	Priority int32
	// Guarantee is what the queue gets before others get more than theirs. A resource that is not named has none.
	Guarantee Amounts
	// Limit is what the queue never exceeds. A resource that is not named has none.
	Limit Amounts
	Order Order
	// MaxWait is how long a gang may be passed by before capacity is set aside for it; 0 means never.
	MaxWait    time.Duration
	Preemption Preemption
	// Namespaces are the patterns of the namespaces that may use the queue, in which * stands for any characters; none means all of them.
	Namespaces []string
	Queues     []Queue
}

// Order is whether gangs may overtake each other inside a queue.
type Order int

const (
	// Strict lets no gang overtake the head of its queue.
	Strict Order = iota
	// BestEffort passes by what cannot start.
	BestEffort
)

// Preemption is what a queue may take from others, and what others may take from it.
type Preemption struct {
	WithinQueue Within
	Reclaim     Reclaim
	// MinRuntime is how long everything in this queue runs before it may be a victim.
	MinRuntime time.Duration
}

// Within is whom a gang may preempt inside its own queue.
type Within int

const (
	// NeverWithin preempts nothing in the same queue.
	NeverWithin Within = iota
	// LowerPriorityWithin preempts what has a lower priority.
	LowerPriorityWithin
)

// Reclaim is what a queue may take back from other queues.
type Reclaim int

const (
	// NeverReclaim takes nothing back.
	NeverReclaim Reclaim = iota
	// ReclaimLowerPriority takes back from gangs of a lower priority only.
	ReclaimLowerPriority
	// ReclaimAny takes back whatever the priority.
	ReclaimAny
)

// NewQueue returns a queue with the defaults.
func NewQueue(name string) Queue {
	return Queue{
		Name: name, Weight: 1, Order: BestEffort, MaxWait: DefaultMaxWait,
		Preemption: Preemption{WithinQueue: LowerPriorityWithin, Reclaim: ReclaimAny},
	}
}
