package conventions

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is the kind of an error in an annotation.
type Fault int

// The faults.
const (
	// Unreadable: the value is invalid in itself.
	Unreadable Fault = iota
	// Absent: the annotation is missing, and something else on the pod requires it.
	Absent
	// Conflicting: the value contradicts something else on the pod.
	Conflicting
	// NotServed: the profile of the pod's scheduler does not read the annotation.
	NotServed
	// NoQueue: there is no queue of that name. InnerQueue: it has queues below it, so no gang is in it itself. ForbiddenQueue: the
	// pod's namespace may not use it.
	NoQueue
	InnerQueue
	ForbiddenQueue
)

// Problem describes an error in an annotation and its remedy. Its text is a sentence for the user who wrote the annotation.
type Problem struct {
	Annotation string
	// Where is the location of the key: an annotation, a label, or a field of the pod.
	Where Where
	// Value is the value of the annotation, shortened for display; empty if the annotation is missing.
	Value string
	// Remedy completes the sentence: the error, and what to write instead.
	Remedy string
	Fault  Fault
	// With is what on the pod requires the annotation or contradicts it, if anything does.
	With string
	// whole is the full value if Value is shortened.
	whole string
}

func (p *Problem) Error() string {
	if p.Fault == Absent {
		return fmt.Sprintf("annotation %s is missing: %s", p.Annotation, p.Remedy)
	}
	return fmt.Sprintf("%s %s has the value %s: %s", p.Where, p.Annotation, strconv.Quote(p.Value), p.Remedy)
}

// Same reports whether o is the same error: the same annotation and value, for the same reason. The wording does not count.
func (p *Problem) Same(o *Problem) bool {
	return p.Annotation == o.Annotation && p.Where == o.Where && p.Fault == o.Fault && p.With == o.With &&
		p.Value == o.Value && p.whole == o.whole
}

// shownValue is the maximum number of bytes of an invalid value that a Problem shows: an annotation can have 256 KiB.
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

// shown shortens a value for display.
func shown(value string) string {
	if len(value) > shownValue {
		return strings.ToValidUTF8(value[:shownValue], "") + "..."
	}
	return value
}
