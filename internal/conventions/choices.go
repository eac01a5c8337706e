package conventions

import (
	"cmp"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The annotations that configure a gang, in any convention.
const (
	// TimeoutAnnotation sets the gang's timeout. The value is a Go duration ("30s", "5m"). If members differ, the longest applies.
	TimeoutAnnotation = "kubenexus.io/schedule-timeout"
	// PlacementAnnotation sets how the gang is placed. If members differ, the oldest member's value applies.
	PlacementAnnotation = "kubenexus.io/placement"
	// ReservationTimeoutAnnotation sets how long slots are held for members that a creator declares and that do not exist yet, from
	// when the creator is bound. The value is a Go duration.
	ReservationTimeoutAnnotation = "kubenexus.io/reservation-timeout"
	// RestartPolicyAnnotation sets the response to a running gang that loses members. If members differ, the value of the oldest
	// member that sets one applies, here and for OnPartialAnnotation.
	RestartPolicyAnnotation = "kubenexus.io/restart-policy"
	// OnPartialAnnotation sets the response when the timeout of a gang passes and only a part of it could be bound.
	OnPartialAnnotation = "kubenexus.io/on-partial"
)

// ReservationAnnotation is where the scheduler writes, on a creator, the slots that it holds for the other members.
const ReservationAnnotation = "kubenexus.io/reservation"

// MaxTimeout is the longest timeout that a gang or a configuration may set.
const MaxTimeout = 24 * time.Hour

// readChoices reads the annotations that configure a gang.
func readChoices(pod Pod, s *gang.Spec) error {
	return cmp.Or(
		chooseTime(pod, TimeoutAnnotation, MaxTimeout, &s.Timeout),
		chooseTime(pod, ReservationTimeoutAnnotation, MaxTimeout, &s.ReservationTimeout),
		choose(pod, PlacementAnnotation, &s.Placement, gang.Pack, gang.Spread),
		choose(pod, RestartPolicyAnnotation, &s.RestartPolicy, gang.Replace, gang.WholeGang),
		choose(pod, OnPartialAnnotation, &s.OnPartial, gang.WaitOnPartial, gang.EvictOnPartial),
		addShare(pod, &s.Share),
	)
}

// chooseTime reads an annotation whose value is a duration of at most longest.
func chooseTime(pod Pod, annotation string, longest time.Duration, to *time.Duration) error {
	text, given := pod.Annotations[annotation]
	if !given {
		return nil
	}
	d, remedy := parseTime(text, longest)
	if remedy != "" {
		return problem(annotation, text, remedy)
	}
	*to = d
	return nil
}

// parseTime parses a duration. A remedy that is not empty describes the error.
func parseTime(text string, longest time.Duration) (d time.Duration, remedy string) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > longest {
		return 0, fmt.Sprintf("set it to a duration above 0 and up to %s, such as \"30s\" or \"10m\"", longest)
	}
	return d, ""
}

// choose reads an annotation that allows two values.
func choose[T ~string](pod Pod, annotation string, to *T, one, other T) error {
	text, given := pod.Annotations[annotation]
	if !given {
		return nil
	}
	if *to = T(text); *to != one && *to != other {
		return problem(annotation, text, fmt.Sprintf("set it to %q or %q", one, other))
	}
	return nil
}
