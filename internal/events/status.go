package events

import "github.com/kubenexus/kubenexus-scheduler/internal/gang"

// Why is an explanation in words.
type Why struct {
	Kind gang.Kind `json:"kind"`
	// Reason is that of the event, empty if there is none of the kind; Sentence is what the event says.
	Reason   string `json:"reason,omitempty"`
	Sentence string `json:"sentence"`
}

// Explain puts an explanation into words: those of its event, of the condition on the pods, and of the gang's status.
func Explain(e gang.Explanation) Why {
	why := Why{Kind: e.Kind, Sentence: Sentence(e)}
	if why.Reason, _ = waiting(e.Kind); why.Reason == "" {
		why.Reason = happened(e.Kind)
	}
	return why
}

// Status is the status of a gang as users read it, with why it waits in words. Why is nil if it waits for nothing.
type Status struct {
	gang.Status
	Why *Why `json:"why,omitempty"`
}

// Describe puts a status into words.
func Describe(s gang.Status) Status {
	described := Status{Status: s}
	if s.Why.Kind != "" {
		described.Why = new(Explain(s.Why))
	}
	return described
}
