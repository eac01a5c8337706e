package gang

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Decision is an action that a gang requests. The holder of the scheduler's handle carries it out.
type Decision interface{ decision() }

// Activate moves members to the scheduling queue's active part.
type Activate struct{ Members []Ref }

// Notify reports an explanation on members, in events and conditions.
type Notify struct {
	Members []Ref
	Explanation
	// Refresh is true if only numbers changed, so the update does not need an event.
	Refresh bool
}

// Evict requests the eviction of running members.
type Evict struct {
	Members []Ref
	Because Explanation
}

// LookAgain asks for another look at what waits for capacity, in a moment.
type LookAgain struct{}

// Ended reports the end of an attempt: the first member is bound, or the attempt failed. It is returned once for each attempt.
type Ended struct {
	Gang    Key
	Started bool
}

// Count asks a Kubernetes Job how many of its pods succeeded, including deleted ones. Gang.Counted takes the answer.
type Count struct {
	Gang Key
	Job  Ref
}

// Freed reports that capacity that was held is available to every pod.
type Freed struct{}

// Proceed reports that another gang or pod may go next in the order of the queues.
type Proceed struct{}

func (Count) decision()     {}
func (Ended) decision()     {}
func (Evict) decision()     {}
func (Freed) decision()     {}
func (Activate) decision()  {}
func (LookAgain) decision() {}
func (Notify) decision()    {}
func (Proceed) decision()   {}

// Kind is the kind of an explanation. Members get a new event when the kind changes, not when a number does.
type Kind string

// The kinds of explanation.
const (
	// KindIncomplete: fewer than min-available eligible members exist.
	KindIncomplete Kind = "Incomplete"
	// KindDisagree: members name different sizes, schedulers or queues, or contradict each other otherwise.
	KindDisagree Kind = "Disagree"
	// KindUnplaced: the gang is complete, but the free capacity does not suffice for min-available members.
	KindUnplaced Kind = "Unplaced"
	// KindTooLarge: the gang is complete, but would not fit even if the cluster were empty.
	KindTooLarge Kind = "TooLarge"
	// KindNotBound: all members had a node, but none could be bound. Culprit is one of them, Detail the reason if it is known.
	KindNotBound Kind = "NotBound"
	// KindPreempting: the gang waits for pods to end that were preempted for it. Awaits has the numbers.
	KindPreempting Kind = "Preempting"
	// KindPreempted: the member, or the pod without a gang, was preempted. By is the preemptor.
	KindPreempted Kind = "Preempted"
	// KindUntried: the gang is complete and has not been tried yet.
	KindUntried Kind = "Untried"
	// KindTimedOut: the gang has waited longer than its timeout; Cause is the reason.
	KindTimedOut Kind = "TimedOut"
	// KindReleased: min-available members have a node, and the first of them is bound.
	KindReleased Kind = "Released"
	// KindInvalid: the annotations are invalid; Problem has the reason.
	KindInvalid Kind = "Invalid"
	// KindUnknown: only keys that this scheduler does not read tie the pod to others; Problem names the key.
	KindUnknown Kind = "Unknown"
	// KindQueueNotFound: there is no queue of the name that a pod names, or none that gangs may be in; KindQueueNotAllowed: its namespace
	// may not use that queue. Problem has the reason. Queue, if it is set, has the name.
	KindQueueNotFound   Kind = "QueueNotFound"
	KindQueueNotAllowed Kind = "QueueNotAllowed"
	// KindBeyondLimit: the gang would take a queue beyond its limit; KindBeyondGuarantee: it is never preempted, and would take a queue
	// beyond its guarantee. Queue has the numbers.
	KindBeyondLimit     Kind = "BeyondLimit"
	KindBeyondGuarantee Kind = "BeyondGuarantee"
	// KindQueued: others go first. Queue says how many.
	KindQueued Kind = "Queued"
	// KindUndeclared: a creator starts on its own because it does not declare what it creates.
	KindUndeclared Kind = "Undeclared"
	// KindSetAside: capacity is set aside for a pod without a gang, which was passed by for Waited.
	KindSetAside Kind = "SetAside"
	// KindExpired: the reservation timeout passed and the slots of declared members were released.
	KindExpired Kind = "Expired"
	// KindLost: the kubelet of a node rejected a member.
	KindLost Kind = "Lost"
	// KindPartial: the gang runs with fewer members than it needs, and the others do not fit.
	KindPartial Kind = "Partial"
	// KindEvicted: the member was evicted because the others do not fit.
	KindEvicted Kind = "Evicted"
	// KindRestarted: the member was evicted because others were lost, so that the whole gang starts again.
	KindRestarted Kind = "Restarted"
	// KindRestarting: members wait until the running members are evicted, because of Cause.
	KindRestarting Kind = "Restarting"
	// KindEvictionRefused: the running members are to be evicted because of Cause, but the API server rejects the eviction of each of
	// them; Detail is the reason.
	KindEvictionRefused Kind = "EvictionRefused"
	// KindEvictionGivenUp: the evictions were rejected Attempts times in a row, so the others join the running members.
	KindEvictionGivenUp Kind = "EvictionGivenUp"
)

// Explanation holds the reason why a gang waits, or the fact that it started, with the numbers for the user. Events, pod conditions
// and log lines are rendered from it.
type Explanation struct {
	Kind Kind
	// Gang is the gang. If Pod is true, it is a pod without a gang instead, of which it has the namespace and the name.
	Gang Key
	Pod  bool
	// Have is the number of members that are eligible, run or are done, Running the number of those that run or are done. Need is
	// min-available. Gated is the number of further members with scheduling gates.
	Have, Running, Need, Gated int
	// Declared is the number of members that do not exist yet, Holds how long their slots are held (KindReleased).
	Declared int
	Holds    time.Duration
	// Lacking is a role with too few members (KindIncomplete).
	Lacking *RoleCount
	// Alone is true if the only member declares nothing: it may be a creator.
	Alone bool
	// Node is where a member was lost (KindLost).
	Node string
	// Owner names the object that creates the members, if it is known.
	Owner string
	// Fit is the number of members with a node when the attempt failed. Short is the shortage of the others if it was a single
	// resource, Detail the nodes' reasons. Culprit is the pod that failed a plan.
	Fit             int
	Short           *Shortfall
	Culprit, Detail string
	// Topology is how many members fit into the best domain, such as "only 3 of 4 fit in one example.com/rack (the best is r2)"; empty if
	// the topology of the nodes is not the reason.
	Topology string
	// Most is the number of members that an empty cluster could hold (KindTooLarge).
	Most int
	// SetAside is the capacity that is set aside for the gang or pod (KindUnplaced, KindSetAside), or nil.
	SetAside *SetAsideWhy
	// Awaits is what the gang waits for (KindPreempting), By the preemptor of a pod (KindPreempted); nil for other kinds.
	Awaits *AwaitsWhy
	By     *ByWhy
	// Claims are the claims on which members disagree (KindDisagree), the most frequent first.
	Claims []ClaimCount
	// Shares is what members contradict each other in of their gang's share (KindDisagree).
	Shares []ShareCount
	// Waited is how long the gang or pod has waited (KindTimedOut, KindReleased, KindSetAside); Cause is why (KindTimedOut).
	Waited time.Duration
	Cause  Kind
	// Attempts is the number of attempts until the gang started, Complete how long it was complete by then (KindReleased).
	Attempts int
	Complete time.Duration
	// Problem describes the error in a pod's annotations (KindInvalid, KindUnknown, KindQueueNotFound, KindQueueNotAllowed).
	Problem error
	// Queue is what the gang waits for in its queue (KindBeyondLimit, KindBeyondGuarantee, KindQueued), or its place there (KindUnplaced).
	Queue *QueueWhy
}

// Shortfall is a shortage of one resource.
type Shortfall struct {
	// Members is the number of members that do not fit because of it.
	Members int
	// Resource is the name of the resource, Each the request of one member, Largest the largest free amount on a node. The amounts are
	// Kubernetes quantities.
	Resource, Each, Largest string
}

// RoleCount is the number of existing and of needed members of a role.
type RoleCount struct {
	Role       string
	Have, Need int
}

// ClaimCount is a claim, the number of members that make it, and the name of one of them.
type ClaimCount struct {
	Claim
	Members int
	Example string
}

// ShareCount is one thing that members state of their gang's share, the number of members that do, and the name of one of them.
type ShareCount struct {
	Share
	Members int
	Example string
}

// signature has the kind, the resource of the shortage, the queue, whether capacity is set aside and, for members that disagree, what
// they say. Members get a new event when it changes.
func (e Explanation) signature() string {
	var text strings.Builder
	text.WriteString(string(e.Kind))
	if e.Short != nil {
		text.WriteString(" " + e.Short.Resource)
	}
	text.WriteString(e.signatureOfQueue())
	if e.By != nil {
		text.WriteString(" " + e.By.Taker)
	}
	claims := make([]string, len(e.Claims))
	for i, c := range e.Claims {
		claims[i] = fmt.Sprintf(" %d/%s", c.MinAvailable, c.Scheduler)
	}
	for i := range e.Shares {
		claims = append(claims, fmt.Sprintf(" %v", e.Shares[i].Share))
	}
	slices.Sort(claims) // the order by frequency does not count
	return text.String() + strings.Join(claims, "")
}

// numbers returns the explanation's numbers as text, to detect changes.
func (e Explanation) numbers() string {
	if e.Kind == KindNotBound {
		e.Detail = "" // chance decides which member fails first
	}
	short := Shortfall{}
	if e.Short != nil {
		short = *e.Short
	}
	lacking := RoleCount{}
	if e.Lacking != nil {
		lacking = *e.Lacking
	}
	return fmt.Sprint(e.Have, e.Need, e.Gated, e.Fit, e.Most, short, e.Detail, e.Topology, lacking, e.Claims, e.Shares,
		e.numbersOfQueue(), e.awaits(), e.problem())
}
