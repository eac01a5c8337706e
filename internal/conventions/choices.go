package conventions

import (
	"cmp"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The annotations by which a gang chooses for itself, whatever its convention.
const (
	// TimeoutAnnotation lets a gang set its own timeout. Its value is a Go duration ("30s", "5m"). If members set different ones, the
	// longest counts.
	TimeoutAnnotation = "kubenexus.io/schedule-timeout"
	// PlacementAnnotation lets a gang choose how it is placed. If members say different things, the oldest is followed.
	PlacementAnnotation = "kubenexus.io/placement"
	// ReservationTimeoutAnnotation says how long room is held for members that a creator declared and that do not exist yet, from when
	// the creator was bound. Its value is a Go duration.
	ReservationTimeoutAnnotation = "kubenexus.io/reservation-timeout"
	// RestartPolicyAnnotation says what happens when a gang that runs loses members. If members say different things, the oldest that
	// says anything is followed, here and for OnPartialAnnotation.
	RestartPolicyAnnotation = "kubenexus.io/restart-policy"
	// OnPartialAnnotation says what happens to a gang of which only a part could be bound, when its timeout passes.
	OnPartialAnnotation = "kubenexus.io/on-partial"
)

// ReservationAnnotation is where the scheduler writes, on a creator, the room that it holds for the others.
const ReservationAnnotation = "kubenexus.io/reservation"

// MaxTimeout is the longest timeout that a gang or a configuration may ask for.
const MaxTimeout = 24 * time.Hour

// readChoices reads what a gang may choose for itself.
func readChoices(pod Pod, s *gang.Spec) error {
	return cmp.Or(
		chooseTime(pod, TimeoutAnnotation, &s.Timeout),
		chooseTime(pod, ReservationTimeoutAnnotation, &s.ReservationTimeout),
		choose(pod, PlacementAnnotation, &s.Placement, gang.Pack, gang.Spread),
		choose(pod, RestartPolicyAnnotation, &s.RestartPolicy, gang.Replace, gang.WholeGang),
		choose(pod, OnPartialAnnotation, &s.OnPartial, gang.WaitOnPartial, gang.EvictOnPartial),
	)
}

// chooseTime reads an annotation that has a duration.
func chooseTime(pod Pod, annotation string, to *time.Duration) error {
	text, given := pod.Annotations[annotation]
	if !given {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > MaxTimeout {
		return problem(annotation, text, fmt.Sprintf(
			"set it to a duration above 0 and up to %s, such as \"30s\" or \"10m\"", MaxTimeout))
	}
	*to = d
	return nil
}

// choose reads an annotation that has one of two values.
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
