package gang

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Decision is something that a gang wants done. Those who hold the scheduler's handle perform it.
type Decision interface{ decision() }

// Activate puts members back into the scheduling queue's active part.
type Activate struct{ Members []Ref }

// Tell writes an explanation on members.
type Tell struct {
	Members []Ref
	Explanation
	// Refresh says that only numbers changed: it is not worth an event.
	Refresh bool
}

// Evict asks for the eviction of members that run.
type Evict struct {
	Members []Ref
	Because Explanation
}

// Ended says that an attempt ended: the first of its members is bound, or it gave up. It comes once for each attempt.
type Ended struct {
	Gang    Key
	Started bool
}

// Count asks a Job of Kubernetes how many of its pods succeeded, also those that are gone. Gang.Counted takes the answer.
type Count struct {
	Gang Key
	Job  Ref
}

// Freed says that room that was held is anybody's now.
type Freed struct{}

func (Count) decision()    {}
func (Ended) decision()    {}
func (Evict) decision()    {}
func (Freed) decision()    {}
func (Activate) decision() {}
func (Tell) decision()     {}

// Kind is the kind of an explanation. A user is told again when the kind changes, not when a number does.
type Kind string

// The kinds of explanation.
const (
	// KindIncomplete: fewer than min-available members exist that could be placed.
	KindIncomplete Kind = "Incomplete"
	// KindDisagree: members name different sizes or schedulers.
	KindDisagree Kind = "Disagree"
	// KindUnplaced: the gang is complete, and there is no room for all of min-available.
	KindUnplaced Kind = "Unplaced"
	// KindTooLarge: the gang is complete, and the cluster could not hold it if it were empty.
	KindTooLarge Kind = "TooLarge"
	// KindNotBound: all had a node, and then none of them could be bound; Culprit is one of them, Detail the reason if it is known.
	KindNotBound Kind = "NotBound"
	// KindUntried: the gang is complete and was not tried yet.
	KindUntried Kind = "Untried"
	// KindTimedOut: the gang's timeout passed; Cause says what it was waiting for.
	KindTimedOut Kind = "TimedOut"
	// KindReleased: min-available members have a node, and the first of them is bound.
	KindReleased Kind = "Released"
	// KindInvalid: the annotations cannot be followed; Problem says why.
	KindInvalid Kind = "Invalid"
	// KindUnknown: only keys that nobody here reads tie the pod to others; Problem says which.
	KindUnknown Kind = "Unknown"
	// KindUndeclared: a creator starts by itself because it does not say what it will create.
	KindUndeclared Kind = "Undeclared"
	// KindExpired: the time passed for which room was held for declared members.
	KindExpired Kind = "Expired"
	// KindLost: the kubelet of a node rejected a member.
	KindLost Kind = "Lost"
	// KindPartial: the gang runs with fewer members than it needs, and the others do not fit.
	KindPartial Kind = "Partial"
	// KindEvicted: the member was evicted because the others cannot follow.
	KindEvicted Kind = "Evicted"
	// KindRestarted: the member was evicted because others were lost, so that all start together again.
	KindRestarted Kind = "Restarted"
	// KindRestarting: members wait until those that run are evicted, because of Cause.
	KindRestarting Kind = "Restarting"
	// KindEvictionRefused: those that run are to be evicted, because of Cause, and the API refuses it for all of them; Detail is why.
	KindEvictionRefused Kind = "EvictionRefused"
	// KindEvictionGivenUp: that was so several times (Attempts), so the others join those that run.
	KindEvictionGivenUp Kind = "EvictionGivenUp"
)

// Explanation says why a gang waits, or that it waits no more, with the numbers that a person needs. Events, pod
// conditions and log lines are all rendered from it.
type Explanation struct {
	Kind Kind
	Gang Key
	// Have is how many members exist that could be placed, run or are done, Running how many of them run or are done; Need is
	// min-available; Gated is how many more carry scheduling gates.
	Have, Running, Need, Gated int
	// Declared is how many of the members do not exist yet, Holds how long room is held for them (KindReleased).
	Declared int
	Holds    time.Duration
	// Lacking is a role of which too few members exist (KindIncomplete).
	Lacking *RoleCount
	// Alone says that the only member declares nothing: it may be the one that creates the others.
	Alone bool
	// Node is where a member was lost (KindLost).
	Node string
	// Owner names who creates the members, if it is known.
	Owner string
	// Fit is how many members had a place when the attempt failed, Short what the others lacked if it was one resource,
	// Detail the reasons of the nodes. Culprit is the pod that broke a plan.
	Fit             int
	Short           *Shortfall
	Culprit, Detail string
	// Most is how many members the cluster could hold if it were empty (KindTooLarge).
	Most int
	// Claims are the different things that members say (KindDisagree), the most frequent first.
	Claims []ClaimCount
	// Waited is how long the gang has waited (KindTimedOut, KindReleased); Cause is why (KindTimedOut).
	Waited time.Duration
	Cause  Kind
	// Attempts is how many it took to start the gang, Complete how long enough members had existed (KindReleased).
	Attempts int
	Complete time.Duration
	// Problem is what is wrong with a pod's annotations (KindInvalid, KindUnknown).
	Problem error
}

// Shortfall is a resource that members lack.
type Shortfall struct {
	// Members is how many lack it.
	Members int
	// Resource is its name, Each what a member takes, Largest the largest free room on a node, as Kubernetes writes them.
	Resource, Each, Largest string
}

// RoleCount is how many members of a role exist, and how many are needed.
type RoleCount struct {
	Role       string
	Have, Need int
}

// ClaimCount is a claim, how many members make it, and the name of one that does.
type ClaimCount struct {
	Claim
	Members int
	Example string
}

// signature is what must change for a member to be told again: the kind, the resource that is missing, and for members
// that disagree what they say.
func (e Explanation) signature() string {
	var text strings.Builder
	text.WriteString(string(e.Kind))
	if e.Short != nil {
		text.WriteString(" " + e.Short.Resource)
	}
	claims := make([]string, len(e.Claims))
	for i, c := range e.Claims {
		claims[i] = fmt.Sprintf(" %d/%s", c.MinAvailable, c.Scheduler)
	}
	slices.Sort(claims) // which of them is the most frequent is a number
	return text.String() + strings.Join(claims, "")
}

// numbers are those that the explanation tells.
func (e Explanation) numbers() string {
	if e.Kind == KindNotBound {
		e.Detail = "" // which member could not be bound first is chance
	}
	short := Shortfall{}
	if e.Short != nil {
		short = *e.Short
	}
	lacking := RoleCount{}
	if e.Lacking != nil {
		lacking = *e.Lacking
	}
	return fmt.Sprint(e.Have, e.Need, e.Gated, e.Fit, e.Most, short, e.Detail, lacking, e.Claims)
}
