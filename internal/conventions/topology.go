package conventions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The annotations about where the members of a gang, or a pod without a gang, have to be in the topology of the nodes. Keys are those
// of node labels. Members that set any of them must agree on all.
const (
	// TopologyRequiredAnnotation is the key of which one domain holds all members.
	TopologyRequiredAnnotation = "kubenexus.io/topology-required"
	// TopologyPreferredAnnotation are at most MaxTopologyKeys keys, the narrowest first, separated by commas: the first of which one
	// domain holds all members counts.
	TopologyPreferredAnnotation = "kubenexus.io/topology-preferred"
	// TopologySliceRequiredAnnotation is the key of which one domain holds each slice of the members.
	TopologySliceRequiredAnnotation = "kubenexus.io/topology-slice-required"
	// TopologySliceSizeAnnotation is the number of members of a slice.
	TopologySliceSizeAnnotation = "kubenexus.io/topology-slice-size"
	// TopologySpreadAnnotation is the key over whose domains the members are spread evenly.
	TopologySpreadAnnotation = "kubenexus.io/topology-spread"
)

// MaxTopologyKeys is the maximum number of keys in TopologyPreferredAnnotation.
const MaxTopologyKeys = 8

// What a topology consists of, in the order in which it is checked.
const (
	required = iota
	preferred
	sliceRequired
	sliceSize
	spread
	topologyParts
)

// saidTopology is a topology as it is written: in annotations, or in the fields of a role.
type saidTopology struct {
	// names are those of the annotations or fields, values what they say, nil where they say nothing.
	names  [topologyParts]string
	values [topologyParts]*string
}

func topologyAnnotations() [topologyParts]string {
	return [...]string{
		TopologyRequiredAnnotation, TopologyPreferredAnnotation, TopologySliceRequiredAnnotation, TopologySliceSizeAnnotation,
		TopologySpreadAnnotation,
	}
}

// topologyFields are the fields of a role that mean the same for its members.
func topologyFields() [topologyParts]string {
	return [...]string{"topologyRequired", "topologyPreferred", "topologySliceRequired", "topologySliceSize", "topologySpread"}
}

// readTopology reads the annotations about the topology.
func readTopology(pod Pod, to *gang.StatedTopology) error {
	names := topologyAnnotations()
	says := func(annotation string) bool { _, given := pod.Annotations[annotation]; return given }
	if !slices.ContainsFunc(names[:], says) {
		return nil // as most pods do
	}
	said := saidTopology{names: names}
	for i, annotation := range said.names {
		if text, given := pod.Annotations[annotation]; given {
			said.values[i] = &text
		}
	}
	topology, wrong := said.parse()
	if wrong != nil {
		return wrong
	}
	*to = topology.Stated()
	return nil
}

// parseOfRole parses the fields of a role. A remedy that is not empty describes the error.
func (s *saidTopology) parseOfRole() (topology gang.Topology, remedy string) {
	topology, wrong := s.parse()
	switch {
	case wrong == nil:
		return topology, ""
	case wrong.Fault == Absent:
		return gang.Topology{}, fmt.Sprintf("%s is missing: %s", wrong.Annotation, wrong.Remedy)
	}
	return gang.Topology{}, fmt.Sprintf("%s %q: %s", wrong.Annotation, wrong.Value, wrong.Remedy)
}

// parse parses what is written. The Problem names the annotation or field that is wrong.
func (s *saidTopology) parse() (t gang.Topology, wrong *Problem) {
	for _, single := range [...]struct {
		part int
		to   *string
	}{{required, &t.Required}, {sliceRequired, &t.SliceRequired}, {spread, &t.Spread}} {
		if said := s.values[single.part]; said != nil {
			if remedy := checkKey(*said); remedy != "" {
				return gang.Topology{}, s.problem(single.part, remedy)
			}
			*single.to = *said
		}
	}
	if t.Preferred, wrong = s.parsePreferred(); wrong != nil {
		return gang.Topology{}, wrong
	}
	if t.SliceSize, wrong = s.parseSliceSize(); wrong != nil {
		return gang.Topology{}, wrong
	}
	if t.Spread != "" && t.Spread == t.SliceRequired {
		return gang.Topology{}, conflict(s.names[spread], t.Spread, t.SliceRequired, fmt.Sprintf(
			"%s names the same key, but slices keep members together where this spreads them; remove one of them, or use two keys",
			s.names[sliceRequired]))
	}
	return t, nil
}

func (s *saidTopology) problem(part int, remedy string) *Problem {
	return problem(s.names[part], *s.values[part], remedy)
}

// parsePreferred parses the list of keys.
func (s *saidTopology) parsePreferred() ([]string, *Problem) {
	if s.values[preferred] == nil {
		return nil, nil
	}
	if n := strings.Count(*s.values[preferred], ",") + 1; n > MaxTopologyKeys {
		return nil, s.problem(preferred, fmt.Sprintf("it has %d keys; use at most %d", n, MaxTopologyKeys))
	}
	var keys []string
	for key := range strings.SplitSeq(*s.values[preferred], ",") {
		key = strings.TrimSpace(key)
		if remedy := checkKey(key); remedy != "" {
			return nil, s.problem(preferred, fmt.Sprintf("%q: %s; separate several by commas, the narrowest first", shown(key), remedy))
		}
		if slices.Contains(keys, key) {
			return nil, s.problem(preferred, fmt.Sprintf("it has the key %q twice; keep one of them", key))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// parseSliceSize parses the size of slices, and checks that it comes with their key.
func (s *saidTopology) parseSliceSize() (int, *Problem) {
	size, key := s.values[sliceSize], s.values[sliceRequired]
	switch {
	case size == nil && key == nil:
		return 0, nil
	case size == nil:
		return 0, missing(s.names[sliceSize], s.names[sliceRequired], fmt.Sprintf(
			"%s is set, so set this one too, to %s", s.names[sliceRequired], sliceExample))
	case key == nil:
		return 0, missing(s.names[sliceRequired], s.names[sliceSize], fmt.Sprintf(
			`%s is set, so set this one too, to the key of a node label, such as "topology.kubernetes.io/zone"`, s.names[sliceSize]))
	}
	n, remedy := parseSize(*size, sliceExample)
	if remedy != "" {
		return 0, s.problem(sliceSize, remedy)
	}
	return int(n), nil
}

// sliceExample completes the errors about the size of slices.
const sliceExample = `the number of members that must be in one domain, such as "4"`

// checkKey returns the error in the key of a node label, or "".
func checkKey(key string) string {
	prefix, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		prefix, name = "", key
	}
	if len(prefix) > maxPrefix || len(name) > maxLabelName || !labelKey.MatchString(key) {
		return `it is not the key of a node label; use a key such as "topology.kubernetes.io/zone"`
	}
	return ""
}

// maxPrefix and maxLabelName are the maximum lengths of the parts of a label's key.
const (
	maxPrefix    = 253
	maxLabelName = 63
)

// labelKey matches the key of a label, of any length.
var labelKey = regexp.MustCompile(
	`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)
