package events

import (
	"fmt"
	"strconv"
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

// stated is the one annotation of a share with its value, or the annotations of its topology.
func stated(s gang.Share) string {
	switch {
	case s.Topology != gang.StatedTopology{}:
		return statedTopology(s.Topology)
	case s.Queue != "":
		return fmt.Sprintf("%s=%q", conventions.QueueAnnotation, s.Queue)
	case s.Preemptible != "":
		return fmt.Sprintf("%s=%q", conventions.PreemptibleAnnotation, string(s.Preemptible))
	default:
		return fmt.Sprintf("%s=%q", conventions.ExpectedRuntimeAnnotation, s.ExpectedRuntime.String())
	}
}

// statedTopology is the annotations that state a topology, with their values.
func statedTopology(t gang.StatedTopology) string {
	size := ""
	if t.SliceSize > 0 {
		size = strconv.Itoa(t.SliceSize)
	}
	var all []string
	for _, s := range [...]struct{ annotation, value string }{
		{conventions.TopologyRequiredAnnotation, t.Required},
		{conventions.TopologyPreferredAnnotation, t.Preferred},
		{conventions.TopologySliceRequiredAnnotation, t.SliceRequired},
		{conventions.TopologySliceSizeAnnotation, size},
		{conventions.TopologySpreadAnnotation, t.Spread},
	} {
		if s.value != "" {
			all = append(all, fmt.Sprintf("%s=%q", s.annotation, s.value))
		}
	}
	return strings.Join(all, ", ")
}
