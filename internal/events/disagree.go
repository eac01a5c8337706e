package events

import (
	"fmt"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// disagreement says what members contradict each other in, how many say what, and which pod is an example.
func disagreement(e gang.Explanation) string {
	annotation := "min-available"
	for _, d := range conventions.All() {
		if d.Name == e.Gang.Convention {
			annotation = d.MinAvailableAnnotation
		}
	}
	said := make([]string, 0, len(e.Claims)+len(e.Shares))
	for _, c := range e.Claims {
		said = append(said, fmt.Sprintf("%s, such as %s: %s=\"%d\", schedulerName %s",
			pods(c.Members), c.Example, annotation, c.MinAvailable, c.Scheduler))
	}
	for i := range e.Shares {
		s := &e.Shares[i]
		said = append(said, fmt.Sprintf("%s, such as %s: %s", pods(s.Members), s.Example, stated(s.Share)))
	}
	return fmt.Sprintf("the members of gang %s disagree (%s). No pending member starts until all agree: correct or delete the wrong ones.",
		e.Gang, strings.Join(said, "; "))
}

// stated is the one annotation of a share, with its value.
func stated(s gang.Share) string {
	switch {
	case s.Queue != "":
		return fmt.Sprintf("%s=%q", conventions.QueueAnnotation, s.Queue)
	case s.Preemptible != "":
		return fmt.Sprintf("%s=%q", conventions.PreemptibleAnnotation, string(s.Preemptible))
	default:
		return fmt.Sprintf("%s=%q", conventions.ExpectedRuntimeAnnotation, s.ExpectedRuntime.String())
	}
}
