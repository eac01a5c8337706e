package gang

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// UnknownGangs is what happens to pods that other products' keys tie together and that say nothing in ours.
type UnknownGangs string

// What the plugins' arguments say for it.
const (
	// WaitIfUnknown lets such pods wait, and tells them why.
	WaitIfUnknown UnknownGangs = "Wait"
	// ScheduleIfUnknown schedules them one by one, as pods of no gang.
	ScheduleIfUnknown UnknownGangs = "Schedule"
)

// product is a scheduler or a controller with keys of its own by which pods say that they belong together.
type product struct {
	name string
	// keys name a group, in the order in which they count. All keys are looked for among the labels and the annotations: some
	// products read both, and in the wrong place a key means the same to whoever wrote it.
	keys [2]string
	// size is a key that says how many pods of the group must start together, or empty. With it a pod says what our
	// annotations say; unless it has the key more too, by which it says more.
	size, more string
}

// products returns those whose keys are known. A new one is added here and in docs/keys.md.
func products() [6]product {
	return [6]product{
		{
			name: "Koordinator", keys: [2]string{"gang.scheduling.koordinator.sh/name"},
			size: "gang.scheduling.koordinator.sh/min-available", more: "gang.scheduling.koordinator.sh/groups",
		},
		{
			name: "Volcano", keys: [2]string{"scheduling.k8s.io/group-name", "scheduling.volcano.sh/group-name"},
			size: "scheduling.volcano.sh/group-min-member",
		},
		{name: "scheduler-plugins", keys: [2]string{"scheduling.x-k8s.io/pod-group", "pod-group.scheduling.sigs.k8s.io"}},
		{name: "YuniKorn", keys: [2]string{"yunikorn.apache.org/task-group-name", "yunikorn.apache.org/task-groups"}},
		{name: "Kueue", keys: [2]string{"kueue.x-k8s.io/pod-group-name"}},
		{name: "KAI", keys: [2]string{"pod-group-name"}},
	}
}

// find returns the key that ties a pod to others, or that says how many they are. An empty value names no group.
func (p product) find(labels, annotations map[string]string) (u Unknown, found bool) {
	for _, key := range [...]string{p.more, p.keys[0], p.keys[1], p.size} {
		if value := labels[key]; value != "" {
			return Unknown{Where: InLabel, Key: key, Value: value, Product: p.name}, true
		}
		if value := annotations[key]; value != "" {
			return Unknown{Where: InAnnotation, Key: key, Value: value, Product: p.name}, true
		}
	}
	return Unknown{}, false
}

// dialect returns the product's keys as a dialect of no plugin, if the pod says by them what it could say by ours.
func (p product) dialect(labels, annotations map[string]string) (d Dialect, same bool) {
	has := func(key string) bool { return key != "" && (labels[key] != "" || annotations[key] != "") }
	if !has(p.size) || has(p.more) {
		return Dialect{}, false
	}
	for _, key := range p.keys {
		if has(key) {
			return Dialect{GroupAnnotation: key, MinAvailableAnnotation: p.size}, true
		}
	}
	return Dialect{}, false
}

// Where is where a pod carries a key.
type Where int

// A key is an annotation, a label, or a field of the specification.
const (
	InAnnotation Where = iota
	InLabel
	InField
)

func (w Where) String() string { return [...]string{"annotation", "label", "field"}[w] }

// Unknown is a key that ties a pod to others and that nobody here can follow. It is an error whose text is a sentence for the
// user who wrote the key.
type Unknown struct {
	Where      Where
	Key, Value string
	// Product is whose key it is.
	Product string
	// Dialects are those that the pod's profile speaks.
	Dialects []Dialect
}

func (u *Unknown) Error() string {
	var ours, plugins []string
	for _, d := range u.Dialects {
		ours = append(ours, d.GroupAnnotation+" and "+d.MinAvailableAnnotation)
		plugins = append(plugins, d.Name)
	}
	remove := fmt.Sprintf("remove this %s", u.Where)
	if u.Where == InField {
		remove = "create them without this field"
	}
	return fmt.Sprintf("the %s %s of %s has the value %s: it ties this pod to others, and this scheduler does not read it; to start them "+
		"together, set the annotations %s on all of them; to schedule them one by one, %s, or set unknownGangs: %s in the arguments of "+
		"the plugin %s", u.Where, u.Key, u.Product, strconv.Quote(shown(u.Value)), strings.Join(ours, ", or "), remove, ScheduleIfUnknown,
		strings.Join(plugins, " and "))
}

// FindUnknown returns the key by which another product ties a pod to others, or nil if there is none, or if the pod says what
// counts in our keys. spec is what Parse returned for it.
func FindUnknown(labels, annotations map[string]string, spec *Spec) *Unknown {
	if !spec.silent(annotations) {
		return nil
	}
	for _, p := range products() {
		if u, found := p.find(labels, annotations); found {
			return &u
		}
	}
	return nil
}

// InSchedulingGroup returns what is wrong with a pod that the field spec.schedulingGroup puts into a pod group of Kubernetes: it is a
// *Problem if the pod names a gang too, and else an *Unknown.
func InSchedulingGroup(group string, annotations map[string]string, spec *Spec) error {
	const field = "spec.schedulingGroup"
	if spec.silent(annotations) {
		return &Unknown{Where: InField, Key: field, Value: group, Product: "Kubernetes"}
	}
	p := conflict(field, group, spec.Name, fmt.Sprintf("this pod also belongs to gang %q by its annotations or labels; "+
		"remove those, or create the pod without this field", shown(spec.Name)))
	p.Where = InField
	return p
}

// silent says whether the pod itself says nothing about a gang, but for Spark's labels.
func (s *Spec) silent(annotations map[string]string) bool {
	return s == nil || s.Unnamed && s.MinAvailable == 0 && annotations[RoleAnnotation] == ""
}

// Parse reads the gang that a pod names: by the dialects' annotations or labels of the same keys, or else by other products' keys that
// say the same, or else by Spark's labels. Where none of the dialects is spoken, the dialect is empty. It returns nil and no error for a
// pod of no gang, and an error that is a *Problem for what cannot be followed.
func Parse(labels, annotations map[string]string, dialects []Dialect) (*Spec, error) {
	dialects, err := readable(labels, annotations, dialects)
	if err != nil {
		return nil, err
	}
	said, err := withLabels(labels, annotations, dialects)
	if err != nil {
		return nil, err
	}
	spec, err := parseAnnotations(labels, said, dialects)
	if p, wrong := errors.AsType[*Problem](err); wrong && p.Fault != Absent {
		if _, annotated := annotations[p.Annotation]; !annotated {
			p.Where = InLabel
		}
	}
	return spec, err
}

// readable returns the dialects, or, if the pod speaks none of them, the other products' keys that say the same. Of several, those of
// one are enough, as long as all agree.
func readable(labels, annotations map[string]string, dialects []Dialect) ([]Dialect, error) {
	for _, d := range dialects {
		if d.Speaks(annotations) || d.Speaks(labels) {
			return dialects, nil
		}
	}
	var first *Dialect
	for _, p := range products() {
		d, same := p.dialect(labels, annotations)
		switch {
		case !same:
		case first == nil:
			first = &d
		default:
			if err := agree(labels, annotations, *first, d); err != nil {
				return nil, err
			}
		}
	}
	if first != nil {
		return []Dialect{*first}, nil
	}
	return dialects, nil
}

// agree returns a *Problem if two products' keys say different things.
func agree(labels, annotations map[string]string, a, b Dialect) error {
	for _, keys := range [...][2]string{
		{a.GroupAnnotation, b.GroupAnnotation}, {a.MinAvailableAnnotation, b.MinAvailableAnnotation},
	} {
		one, _ := either(labels, annotations, keys[0])
		other, where := either(labels, annotations, keys[1])
		if one != other {
			p := conflict(keys[1], other, keys[0]+"="+one, fmt.Sprintf(
				"%s has the value %q; make both say the same, or remove those of one product",
				keys[0], shown(one)))
			p.Where = where
			return p
		}
	}
	return nil
}

// either returns what an annotation says, or else a label of the same key.
func either(labels, annotations map[string]string, key string) (string, Where) {
	if value, ok := annotations[key]; ok {
		return value, InAnnotation
	}
	return labels[key], InLabel
}

// withLabels returns the annotations, and the labels that have keys of the dialects beside them.
func withLabels(labels, annotations map[string]string, dialects []Dialect) (map[string]string, error) {
	said, own := annotations, false
	for _, d := range dialects {
		for _, key := range [...]string{d.GroupAnnotation, d.MinAvailableAnnotation} {
			label, labelled := labels[key]
			annotation, annotated := annotations[key]
			switch {
			case !labelled || annotated && annotation == label:
				continue
			case annotated:
				return nil, conflict(key, annotation, label, fmt.Sprintf(
					"the label of the same name has the value %q; make both say the same, or remove one of them", shown(label)))
			case !own:
				said, own = maps.Clone(annotations), true
				if said == nil {
					said = map[string]string{}
				}
			}
			said[key] = label
		}
	}
	return said, nil
}

// Said returns which key of the dialect the pod carries, the name first, its value, and where it is.
func (d Dialect) Said(labels, annotations map[string]string) (key, value string, where Where) {
	for _, key := range [...]string{d.GroupAnnotation, d.MinAvailableAnnotation} {
		if value, where = either(labels, annotations, key); value != "" {
			return key, value, where
		}
	}
	return d.GroupAnnotation, "", InAnnotation
}

// shown cuts a value to a length that a person reads.
func shown(value string) string {
	if len(value) > shownValue {
		return strings.ToValidUTF8(value[:shownValue], "") + "..."
	}
	return value
}
