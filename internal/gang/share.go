package gang

import "time"

// Share is what a pod says about the share of the cluster that it, or its gang, uses. The zero value says nothing.
type Share struct {
	// Queue is the name of the queue, or empty.
	Queue string
	// Preemptible is empty if the pod does not say it.
	Preemptible Preemptible
	// ExpectedRuntime is how long the pod is expected to run; 0 means that the pod does not say it.
	ExpectedRuntime time.Duration
}

// Preemptible is whether others may take what a gang uses.
type Preemptible string

// The values, as users write them.
const (
	// MayBePreempted is the default: the gang may use more than its queue's guarantee, and others may preempt it.
	MayBePreempted Preemptible = "true"
	// NeverPreempted lets the gang start only within the guarantee of its queue, and nobody preempts it.
	NeverPreempted Preemptible = "false"
)
