package gang

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Spec is what a member says about its gang.
type Spec struct {
	// Dialect is the name of the dialect that the member speaks.
	Dialect string
	// Name is the gang's name within its namespace and dialect; Parse leaves it empty where only min-available is set.
	Name string
	// Instance tells gangs of one name apart that were made from one template, Revision the pods of one controller that it made from
	// different versions of its template. Identify sets them; both may be empty.
	Instance, Revision string
	// MinAvailable is how many members must be placed for any to start. 0 means that the pod leaves it to others to say.
	MinAvailable int32
	// Unnamed says that the pod names no gang: only Spark's labels say what it belongs to.
	Unnamed bool
	// Timeout is the gang's own timeout; 0 means the profile's default.
	Timeout time.Duration
	// Placement is how the gang's members are to be placed; empty means as the profile says.
	Placement Placement
	// Role is the pod's role, or empty. Leads says that pods of this role create the others.
	Role  string
	Leads bool
	// Roles are what the pod declares about its gang, or nil.
	Roles *Roles
	// ReservationTimeout is how long room is held for members that do not exist yet; 0 means the profile's default.
	ReservationTimeout time.Duration
	// RestartPolicy and OnPartial are empty where the pod does not say.
	RestartPolicy RestartPolicy
	OnPartial     OnPartial
}

// Speaks says whether the annotations use any of the dialect.
func (d Dialect) Speaks(annotations map[string]string) bool {
	_, named := annotations[d.GroupAnnotation]
	_, sized := annotations[d.MinAvailableAnnotation]
	return named || sized
}

// parseAnnotations reads the gang that a pod's annotations name, or else Spark's labels; then the dialect is empty. Of several problems the
// first is returned, in the order in which they are looked for here: so a pod has the same one each time.
func parseAnnotations(labels, annotations map[string]string, dialects []Dialect) (*Spec, error) {
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
			return nil, conflict(second, annotations[second], spoken.Name, fmt.Sprintf(
				"this pod also has the annotations of %s (%s); keep the annotations of one and remove the others",
				spoken.Name, spoken.GroupAnnotation))
		}
		spoken = &dialects[i]
	}
	var spec *Spec
	if spoken != nil {
		var err error
		if spec, err = spoken.parseGroup(annotations); err != nil {
			return nil, err
		}
	} else if spec = sparkSpec(labels); spec == nil {
		return nil, nil
	}
	if err := spec.parseRoles(labels, annotations); err != nil {
		return nil, err
	}
	if err := spec.parseChoices(annotations); err != nil {
		return nil, err
	}
	if err := spec.parseMinAvailable(spoken, annotations); err != nil {
		return nil, err
	}
	return spec, nil
}

// parseGroup reads the gang's name, which may be left to Identify.
func (d Dialect) parseGroup(annotations map[string]string) (*Spec, error) {
	name, named := annotations[d.GroupAnnotation]
	if remedy := checkName(name); named && remedy != "" {
		return nil, problem(d.GroupAnnotation, name, remedy)
	}
	return &Spec{Dialect: d.Name, Name: name}, nil
}

// parseMinAvailable reads how many members must start together. Roles say it too; both must agree.
func (s *Spec) parseMinAvailable(d *Dialect, annotations map[string]string) error {
	total := s.Roles.Total()
	s.MinAvailable = int32(total)
	if d == nil {
		return nil
	}
	size, sized := annotations[d.MinAvailableAnnotation]
	if !sized {
		if s.Roles != nil || annotations[RoleAnnotation] != "" {
			return nil
		}
		return missing(d.MinAvailableAnnotation, s.Name, fmt.Sprintf(
			"%s names gang %q, so set this one too, to the number of pods that must start together, such as \"3\"",
			d.GroupAnnotation, s.Name))
	}
	minAvailable, remedy := parseSize(size)
	if remedy != "" {
		return problem(d.MinAvailableAnnotation, size, remedy)
	}
	s.MinAvailable = minAvailable
	switch {
	case (s.Roles.Leader() != nil || s.Leads && s.Roles != nil) && int(minAvailable) != total:
		return conflict(d.MinAvailableAnnotation, size, strconv.Itoa(total), fmt.Sprintf(
			"the minimums of the roles sum to %d; make both agree, or remove this one", total))
	case int(minAvailable) < total:
		return conflict(d.MinAvailableAnnotation, size, strconv.Itoa(total), fmt.Sprintf(
			"the minimums of the roles sum to %d, which is more; raise this one to that at least, or remove it", total))
	}
	return nil
}

// parseChoices reads what a gang may choose for itself, whatever its dialect.
func (s *Spec) parseChoices(annotations map[string]string) error {
	if err := chooseTime(annotations, TimeoutAnnotation, &s.Timeout); err != nil {
		return err
	}
	if err := chooseTime(annotations, ReservationTimeoutAnnotation, &s.ReservationTimeout); err != nil {
		return err
	}
	if err := choose(annotations, PlacementAnnotation, &s.Placement, Pack, Spread); err != nil {
		return err
	}
	if err := choose(annotations, RestartPolicyAnnotation, &s.RestartPolicy, Replace, WholeGang); err != nil {
		return err
	}
	return choose(annotations, OnPartialAnnotation, &s.OnPartial, WaitOnPartial, EvictOnPartial)
}

// chooseTime reads an annotation that has a duration.
func chooseTime(annotations map[string]string, annotation string, to *time.Duration) error {
	text, given := annotations[annotation]
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
func choose[T ~string](annotations map[string]string, annotation string, to *T, one, other T) error {
	text, given := annotations[annotation]
	if !given {
		return nil
	}
	if *to = T(text); *to != one && *to != other {
		return problem(annotation, text, fmt.Sprintf("set it to %q or %q", one, other))
	}
	return nil
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
