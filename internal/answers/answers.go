// Package answers is what the scheduler answers over its secure port: the questions, the answers, and the client that asks them.
package answers

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Paths of the questions. Users need the right to the non-resource URLs: get for the first two, post for the last.
const (
	Root       = "/kubenexus.io/v1alpha1"
	GangsPath  = Root + "/gangs"
	QueuesPath = Root + "/queues"
	WhatIfPath = Root + "/what-if"
)

// ErrTooLong says that the scheduler gave a question up, because the next pod waited to be scheduled meanwhile.
var ErrTooLong = errors.New("the scheduler gave this question up, because pods would have to wait for the answer too long: " +
	"try again, or ask about fewer pods, or about fewer kinds of them")

// Gang is a gang as the scheduler has it.
type Gang struct {
	gang.Status
	// Reason says what the gang waits for; empty if it waits for nothing.
	Reason string `json:"reason,omitempty"`
	// Awaits are the pods that were preempted for the gang and have not ended; nil if there are none.
	Awaits *Awaits `json:"awaits,omitempty"`
}

// Awaits are pods that a gang waits for.
type Awaits struct {
	// Pods is how many they are, and Nodes on how many nodes.
	Pods  int `json:"pods"`
	Nodes int `json:"nodes"`
}

// Gangs are the gangs in the scheduling order.
type Gangs struct {
	Items []Gang `json:"items"`
}

// Queue is a queue with what it uses and may use. Amounts are Kubernetes quantities by the name of the resource.
type Queue struct {
	Name string `json:"name"`
	// Parent is empty for a queue at the top.
	Parent string `json:"parent,omitempty"`
	// Depth is the number of queues above it.
	Depth     int               `json:"depth"`
	Weight    float64           `json:"weight"`
	Uses      map[string]string `json:"uses,omitempty"`
	Guarantee map[string]string `json:"guarantee,omitempty"`
	Limit     map[string]string `json:"limit,omitempty"`
	FairShare map[string]string `json:"fairShare,omitempty"`
	// Share is the dominant share of the capacity that the queue uses, from 0 to 1.
	Share float64 `json:"share"`
	// Waiting is the number of gangs, and pods without one, that wait in the queue and in those below it.
	Waiting int `json:"waiting"`
	// OldestAt is when the head of the queue began to wait; zero if nothing waits.
	OldestAt time.Time `json:"oldestAt,omitzero"`
}

// Queues are the queues, parents before their children; none if no queues are configured.
type Queues struct {
	Items []Queue `json:"items"`
	// Capacity is what the queues share.
	Capacity map[string]string `json:"capacity,omitempty"`
}

// WhatIf asks what would happen if these pods were created now, as one gang; or if a gang that exists, and whose pods all wait, were tried
// now.
type WhatIf struct {
	Pods []PodSet `json:"pods,omitempty"`
	// Gang is the gang that exists, as namespace/name.
	Gang string `json:"gang,omitempty"`
}

// PodSet is a number of equal pods.
type PodSet struct {
	// Pod is the pod as it would be created; its name and UID do not matter.
	Pod corev1.Pod `json:"pod"`
	// Count is the number of pods, 1 if it is 0.
	Count int `json:"count,omitempty"`
	// Indexed says that the pods are those of an Indexed Job: each has its own completion index.
	Indexed bool `json:"indexed,omitempty"`
}

// Outcome is what would happen.
type Outcome string

// The outcomes.
const (
	// Rejected: the scheduler does not start the pods because of what they say.
	Rejected Outcome = "Rejected"
	// Waits: the gang would wait.
	Waits Outcome = "Waits"
	// StartsAfterPreemption: the gang would start once other pods have made room.
	StartsAfterPreemption Outcome = "StartsAfterPreemption"
	// Starts: the gang would start at once.
	Starts Outcome = "Starts"
)

// Forecast is the answer to WhatIf.
type Forecast struct {
	Outcome Outcome `json:"outcome"`
	// Why is one sentence: why it waits, or is rejected. Otherwise it sums up what would happen.
	Why string `json:"why"`
	// Gang is the name of the gang, empty for a pod without one.
	Namespace string `json:"namespace"`
	Gang      string `json:"gang,omitempty"`
	Queue     string `json:"queue,omitempty"`
	// Pods is the number of pods that the question has, MinAvailable how many have to start together, Placed how many would start.
	Pods         int `json:"pods"`
	MinAvailable int `json:"minAvailable,omitempty"`
	Placed       int `json:"placed"`
	// Nodes are those on which the pods would be, sorted by name.
	Nodes []NodeShare `json:"nodes,omitempty"`
	// Domains are the topology domains in which all of them would be, of the keys that the gang asks for.
	Domains []gang.DomainStatus `json:"domains,omitempty"`
	// Victims are the pods that would be preempted, sorted by namespace and name. HiddenVictims is the number of those that the asker may
	// not see.
	Victims       []Victim `json:"victims,omitempty"`
	HiddenVictims int      `json:"hiddenVictims,omitempty"`
	// BudgetsBroken is the number of disruptions beyond what PodDisruptionBudgets allow.
	BudgetsBroken int `json:"budgetsBroken,omitempty"`
	// Terminating is the number of pods that are being deleted already, and that the gang would wait for too.
	Terminating int `json:"terminating,omitempty"`
	// Before is the number of gangs of the queue that go first.
	Before int `json:"before,omitempty"`
	// StartsAt is when a gang that waits is expected to start, and After what ends last until then; zero if that is unknown.
	StartsAt time.Time `json:"startsAt,omitzero"`
	After    string    `json:"after,omitempty"`
	// Shortage is what the plan lacked.
	Shortage gang.ShortageStatus `json:"shortage,omitzero"`
	// At is when the question was answered.
	At time.Time `json:"at"`
}

// NodeShare is how many pods would be on a node.
type NodeShare struct {
	Name string `json:"name"`
	Pods int    `json:"pods"`
}

// Victim is a pod that would be preempted.
type Victim struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Gang is the name of its gang, empty if it has none.
	Gang     string `json:"gang,omitempty"`
	Node     string `json:"node"`
	Priority int32  `json:"priority"`
	// Reason is InQueue or Reclaim.
	Reason string `json:"reason"`
}

// Problem is an error, as RFC 9457 has it (application/problem+json).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Errors name the fields that are wrong.
	Errors []FieldError `json:"errors,omitempty"`
	// Leader is the replica that answers, if this one does not.
	Leader string `json:"leader,omitempty"`
}

// FieldError is what is wrong with a field.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error returns the problem as text.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, e := range p.Errors {
		text += "; " + e.Location + ": " + e.Message
	}
	return text
}
