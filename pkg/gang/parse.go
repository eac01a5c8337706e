package gang

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Spec is what a member says about its gang.
type Spec struct {
	// Dialect is the name of the dialect that the member speaks.
	Dialect string
	// Name is the gang's name within its namespace and dialect.
	Name string
	// MinAvailable is how many members must be placed for any to start; at least 1.
	MinAvailable int32
	// Timeout is the gang's own timeout; 0 means the profile's default.
	Timeout time.Duration
	// Placement is how the gang's members are to be placed; empty means as the profile says.
	Placement Placement
}

// Problem says what is wrong with an annotation and what to do about it. It is an error whose text is a sentence for
// the user who wrote the annotation.
type Problem struct {
	Annotation string
	// Value is what the annotation says, cut to a length that a person reads; empty if it is missing.
	Value string
	// Remedy completes the sentence: what is wrong, and what to write instead.
	Remedy string
	// Missing says that the annotation is not there at all.
	Missing bool
}

func (p *Problem) Error() string {
	if p.Missing {
		return fmt.Sprintf("annotation %s is missing: %s", p.Annotation, p.Remedy)
	}
	return fmt.Sprintf("annotation %s has the value %s: %s", p.Annotation, strconv.Quote(p.Value), p.Remedy)
}

// shownValue is how many bytes of a bad value a Problem repeats: an annotation can be 256 KiB.
const shownValue = 64

func problem(annotation, value, remedy string) *Problem {
	if len(value) > shownValue {
		value = strings.ToValidUTF8(value[:shownValue], "") + "..."
	}
	return &Problem{Annotation: annotation, Value: value, Remedy: remedy}
}

func missing(annotation, remedy string) *Problem {
	return &Problem{Annotation: annotation, Remedy: remedy, Missing: true}
}

// Speaks says whether the annotations use any of the dialect.
func (d Dialect) Speaks(annotations map[string]string) bool {
	_, named := annotations[d.GroupAnnotation]
	_, sized := annotations[d.MinAvailableAnnotation]
	return named || sized
}

// Parse reads the gang that a pod's annotations name. It returns nil and no error for a pod of no gang, and an error
// that is a *Problem for annotations that cannot be followed.
func Parse(annotations map[string]string, dialects []Dialect) (*Spec, error) {
	var spoken *Dialect
	for i := range dialects {
		if !dialects[i].Speaks(annotations) {
			continue
		}
		if spoken != nil {
			second := dialects[i].GroupAnnotation
			if _, ok := annotations[second]; !ok {
				second = dialects[i].MinAvailableAnnotation
			}
			return nil, problem(second, annotations[second], fmt.Sprintf(
				"this pod also carries annotations of the %s dialect (%s); keep those of one dialect and remove the others",
				spoken.Name, spoken.GroupAnnotation))
		}
		spoken = &dialects[i]
	}
	if spoken == nil {
		return nil, nil
	}
	return spoken.parse(annotations)
}

func (d Dialect) parse(annotations map[string]string) (*Spec, error) {
	name, named := annotations[d.GroupAnnotation]
	if !named {
		return nil, missing(d.GroupAnnotation, fmt.Sprintf(
			"%s is set, so set this one too, to a name that all members of the gang share", d.MinAvailableAnnotation))
	}
	if remedy := checkName(name); remedy != "" {
		return nil, problem(d.GroupAnnotation, name, remedy)
	}
	size, sized := annotations[d.MinAvailableAnnotation]
	if !sized {
		return nil, missing(d.MinAvailableAnnotation, fmt.Sprintf(
			"%s names gang %q, so set this one too, to the number of pods that must start together, such as \"3\"",
			d.GroupAnnotation, name))
	}
	minAvailable, remedy := parseSize(size)
	if remedy != "" {
		return nil, problem(d.MinAvailableAnnotation, size, remedy)
	}
	spec := &Spec{Dialect: d.Name, Name: name, MinAvailable: minAvailable}
	if text, ok := annotations[TimeoutAnnotation]; ok {
		timeout, err := time.ParseDuration(text)
		if err != nil || timeout <= 0 || timeout > MaxTimeout {
			return nil, problem(TimeoutAnnotation, text, fmt.Sprintf(
				"set it to a duration above 0 and up to %s, such as \"30s\" or \"10m\"", MaxTimeout))
		}
		spec.Timeout = timeout
	}
	if text, ok := annotations[PlacementAnnotation]; ok {
		placement, known := ParsePlacement(text)
		if !known {
			return nil, problem(PlacementAnnotation, text, `set it to "pack" or "spread"`)
		}
		spec.Placement = placement
	}
	return spec, nil
}

// checkName returns what is wrong with a gang's name, or "". The rule is that of a label value, but longer.
func checkName(name string) string {
	switch {
	case name == "":
		return "it is empty; set it to a name that all members of the gang share"
	case len(name) > MaxNameLength:
		return fmt.Sprintf("it has %d characters; use at most %d", len(name), MaxNameLength)
	}
	for i := range len(name) {
		c := name[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		inside := i > 0 && i < len(name)-1 && (c == '-' || c == '_' || c == '.')
		if !alphanumeric && !inside {
			return "a name has letters, digits, and '-', '_' or '.' between them, and no spaces"
		}
	}
	return ""
}

// parseSize reads min-available; a remedy that is not empty says why it cannot be followed.
func parseSize(text string) (size int32, remedy string) {
	const example = `set it to the number of pods that must start together, such as "3"`
	if text == "" {
		return 0, "it is empty; " + example
	}
	n, err := strconv.ParseInt(text, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Sprintf("it is out of range (1 to %d); %s", math.MaxInt32, example)
	case err != nil:
		return 0, "it is not a whole number; " + example
	case n < 1:
		return 0, "it is less than 1; " + example
	}
	return int32(n), ""
}
