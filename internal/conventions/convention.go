package conventions

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// MaxNameLength is the maximum length of a gang's name, in bytes. It is that of the name of a Kubernetes object.
const MaxNameLength = 253

// Convention is a pair of keys with which pods name their gang and its min-available. Each is an annotation, or a label with the
// same key.
type Convention struct {
	// Name identifies the convention; it is also the name of the scheduler plugin that reads it. It is empty for the keys of other
	// products. Any of the plugins reads those.
	Name string
	// GroupAnnotation holds the gang's name.
	GroupAnnotation string
	// MinAvailableAnnotation holds the number of members that must be scheduled for any to start.
	MinAvailableAnnotation string
	// DefaultTimeout is how long a gang may wait before its members get a warning.
	DefaultTimeout time.Duration
}

// Coscheduling is the convention of the pod-group annotations.
func Coscheduling() Convention {
	return Convention{
		Name:                   "Coscheduling",
		GroupAnnotation:        "pod-group.scheduling.sigs.k8s.io/name",
		MinAvailableAnnotation: "pod-group.scheduling.sigs.k8s.io/min-available",
		DefaultTimeout:         10 * time.Second,
	}
}

// BatchPermit is the convention of the batch annotations.
func BatchPermit() Convention {
	return Convention{
		Name:                   "BatchPermit",
		GroupAnnotation:        "batch.scheduling.k8s.io/group",
		MinAvailableAnnotation: "batch.scheduling.k8s.io/min-available",
		DefaultTimeout:         10 * time.Minute,
	}
}

// All returns the conventions that have a plugin. Add new ones here and in docs/architecture.md.
func All() []Convention {
	return []Convention{Coscheduling(), BatchPermit()}
}

// Applies reports whether the pod has any of the convention's keys.
func (c Convention) Applies(pod Pod) bool {
	_, _, named := pod.says(c.GroupAnnotation)
	_, _, sized := pod.says(c.MinAvailableAnnotation)
	return named || sized
}

// Beside rejects a pod that has the keys of two plugins.
func (c Convention) Beside(first Reader, pod Pod) error {
	counts, ours := first.(Convention)
	if !ours {
		return nil
	}
	if err := cmp.Or(counts.contradiction(pod), c.contradiction(pod)); err != nil {
		return err
	}
	second := c.GroupAnnotation
	value, _, named := pod.says(second)
	if !named {
		second = c.MinAvailableAnnotation
		value, _, _ = pod.says(second)
	}
	return conflict(second, value, counts.Name, fmt.Sprintf(
		"this pod also has the annotations of %s (%s); keep the annotations of one and remove the others",
		counts.Name, counts.GroupAnnotation))
}

// contradiction returns a *Problem if one of the convention's keys has two values on the pod.
func (c Convention) contradiction(pod Pod) error {
	keys := c.keys()
	return cmp.Or(pod.contradiction(keys[0]), pod.contradiction(keys[1]))
}

func (c Convention) keys() [2]string { return [...]string{c.GroupAnnotation, c.MinAvailableAnnotation} }

// Read reads min-available and the gang's name. Identify completes a missing name.
func (c Convention) Read(pod Pod) (*gang.Spec, error) {
	if err := c.contradiction(pod); err != nil {
		return nil, err
	}
	name, _, named := pod.says(c.GroupAnnotation)
	if remedy := checkName(name); named && remedy != "" {
		return nil, problem(c.GroupAnnotation, name, remedy)
	}
	s := &gang.Spec{Convention: c.Name, Name: name}
	if err := cmp.Or(readRoles(pod, s), readChoices(pod, s)); err != nil {
		return nil, err
	}
	if err := c.readMinAvailable(pod, s); err != nil {
		return nil, err
	}
	return s, nil
}

// readMinAvailable reads min-available. Roles imply a value, too; both must agree.
func (c Convention) readMinAvailable(pod Pod, s *gang.Spec) error {
	total := s.Roles.Total()
	size, _, sized := pod.says(c.MinAvailableAnnotation)
	if !sized {
		if s.MinAvailable = int32(total); s.Roles != nil || pod.Annotations[RoleAnnotation] != "" {
			return nil
		}
		return missing(c.MinAvailableAnnotation, s.Name, fmt.Sprintf(
			"%s names gang %q, so set this one too, to the number of pods that must start together, such as \"3\"",
			c.GroupAnnotation, s.Name))
	}
	minAvailable, remedy := parseSize(size, `the number of pods that must start together, such as "3"`)
	if remedy != "" {
		return problem(c.MinAvailableAnnotation, size, remedy)
	}
	s.MinAvailable = minAvailable
	switch {
	case (s.Roles.Creator() != nil || s.Creates && s.Roles != nil) && int(minAvailable) != total:
		return conflict(c.MinAvailableAnnotation, size, strconv.Itoa(total), fmt.Sprintf(
			"the minimums of the roles sum to %d; make both agree, or remove this one", total))
	case int(minAvailable) < total:
		return conflict(c.MinAvailableAnnotation, size, strconv.Itoa(total), fmt.Sprintf(
			"the minimums of the roles sum to %d, which is more; raise this one to that at least, or remove it", total))
	}
	return nil
}

// Said returns the key of the convention that the pod carries, the name's before min-available's, with its value and where it is.
func (c Convention) Said(pod Pod) (key, value string, where Where) {
	for _, key := range c.keys() {
		if value, where, _ = pod.says(key); value != "" {
			return key, value, where
		}
	}
	return c.GroupAnnotation, "", InAnnotation
}

// checkName returns the error in a gang's name, or "". The rule is that of a label value, but allows longer names.
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

// parseSize parses a number of pods. A remedy that is not empty describes the error, and what to set it to.
func parseSize(text, to string) (size int32, remedy string) {
	example := "set it to " + to
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
