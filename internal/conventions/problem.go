package conventions

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is how an annotation is wrong.
type Fault int

// The faults.
const (
	// Unreadable: the value cannot be followed, whatever else the pod says.
	Unreadable Fault = iota
	// Absent: the annotation is not there, and something else on the pod needs it.
	Absent
	// Conflicting: the value contradicts something else on the pod.
	Conflicting
	// NotServed: the pod's scheduler does not read the annotation.
	NotServed
)

// Problem says what is wrong with an annotation and what to do about it. It is an error whose text is a sentence for
// the user who wrote the annotation.
type Problem struct {
	Annotation string
	// Where is where it is: it may be a label, or a field of the pod, instead of an annotation.
	Where Where
	// Value is what the annotation says, cut to a length that a person reads; empty if it is missing.
	Value string
	// Remedy completes the sentence: what is wrong, and what to write instead.
	Remedy string
	Fault  Fault
	// With is what else on the pod needs the annotation or contradicts it, if anything does.
	With string
	// whole is the value where Value is cut.
	whole string
}

func (p *Problem) Error() string {
	if p.Fault == Absent {
		return fmt.Sprintf("annotation %s is missing: %s", p.Annotation, p.Remedy)
	}
	return fmt.Sprintf("%s %s has the value %s: %s", p.Where, p.Annotation, strconv.Quote(p.Value), p.Remedy)
}

// Same says whether the same is wrong: the same annotation, with the same value, for the same reason. How it is said does not count.
func (p *Problem) Same(o *Problem) bool {
	return p.Annotation == o.Annotation && p.Where == o.Where && p.Fault == o.Fault && p.With == o.With &&
		p.Value == o.Value && p.whole == o.whole
}

// shownValue is how many bytes of a bad value a Problem repeats: an annotation can be 256 KiB.
const shownValue = 64

func problem(annotation, value, remedy string) *Problem {
	p := &Problem{Annotation: annotation, Value: shown(value), Remedy: remedy}
	if len(value) > shownValue {
		p.whole = value
	}
	return p
}

func missing(annotation, with, remedy string) *Problem {
	return &Problem{Annotation: annotation, Remedy: remedy, Fault: Absent, With: with}
}

func conflict(annotation, value, with, remedy string) *Problem {
	p := problem(annotation, value, remedy)
	p.Fault, p.With = Conflicting, with
	return p
}

// shown cuts a value to a length that a person reads.
func shown(value string) string {
	if len(value) > shownValue {
		return strings.ToValidUTF8(value[:shownValue], "") + "..."
	}
	return value
}
