package queueconfig

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The tags of scalars, as YAML's core schema resolves them.
const (
	tagNull  = "!!null"
	tagText  = "!!str"
	tagInt   = "!!int"
	tagFloat = "!!float"
)

// maxFields is how many fields a mapping may have.
const maxFields = 64

// maxScalar is more bytes than any valid name or value has: the longest is the name of a resource, with 253 for its domain.
const maxScalar = 320

// shorten cuts the names and values of all nodes, so that it costs little to look at one again and again, through aliases. One that was
// cut is not valid.
func shorten(n *yaml.Node) {
	n.Value = cut(n.Value, maxScalar)
	for _, below := range n.Content {
		shorten(below)
	}
}

// target returns what an alias stands for, and other nodes as they are.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// oldBooleans are true or false to some readers of YAML, such as kubectl and Helm, unless they are in quotes.
var oldBooleans = []string{"yes", "on", "no", "off"}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == tagNull
}

// mapping returns the values of a mapping by the names of its fields. It reports a field that is not known, and one that is there twice.
// A field without a value counts as left out, as in Kubernetes' objects.
func (r *reader) mapping(path *field.Path, n *yaml.Node, known ...string) (values map[string]*yaml.Node, ok bool) {
	fields := strings.Join(known, ", ")
	if !r.isMapping(path, n, "must be a mapping with the fields "+fields) {
		return nil, false
	}
	values = map[string]*yaml.Node{}
	at := func(name string) *field.Path { return path.Child(shown(name)) }
	r.pairs(n, at, func(name string, value *yaml.Node) {
		for _, k := range known {
			switch {
			case k == name:
				if !isNull(value) {
					values[name] = value
				}
				return
			case strings.EqualFold(k, name):
				r.report(field.Forbidden(at(name), fmt.Sprintf("unknown field: write %s", k)))
				return
			}
		}
		r.report(field.Forbidden(at(name), "unknown field: the fields here are "+fields))
	})
	return values, true
}

// isMapping reports whether the node is a mapping of bearable size.
func (r *reader) isMapping(path *field.Path, n *yaml.Node, must string) bool {
	switch {
	case n.Kind != yaml.MappingNode && path == nil:
		r.say("the document " + must)
	case n.Kind != yaml.MappingNode:
		r.wrong(path, must)
	case len(n.Content) > 2*maxFields && path == nil:
		r.say(fmt.Sprintf("the document must have at most %d fields", maxFields))
	case len(n.Content) > 2*maxFields:
		r.wrong(path, fmt.Sprintf("must have at most %d fields", maxFields))
	default:
		return true
	}
	return false
}

// pairs calls do for each key of a mapping and its value. It reports a key that is there twice, and what is no key; at is where a key is.
func (r *reader) pairs(n *yaml.Node, at func(key string) *field.Path, do func(key string, value *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := target(n.Content[i])
		switch {
		case key.Kind != yaml.ScalarNode:
			r.wrong(at("?"), "the name of a field must be text")
		case key.Tag == "!!merge":
			r.report(field.Forbidden(at(key.Value), "YAML's merge key is not read: write the fields out"))
		case seen[key.Value]:
			r.report(&field.Error{
				Type: field.ErrorTypeDuplicate, Field: at(key.Value).String(), BadValue: field.OmitValueType{},
				Detail: "the field is there twice: remove one",
			})
		default:
			seen[key.Value] = true
			if value := target(n.Content[i+1]); r.untagged(at(key.Value), key) && r.untagged(at(key.Value), value) {
				do(key.Value, value)
			}
		}
	}
}

// untagged reports whether a node is written without a tag. What a tag such as !x means is not known, and it is not left out silently.
func (r *reader) untagged(path *field.Path, n *yaml.Node) bool {
	if n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	detail := "YAML's tags are not read: remove " + cut(n.Tag, maxShown)
	if path == nil {
		r.say("the document has a tag: " + detail)
		return false
	}
	r.report(field.Forbidden(path, detail))
	return false
}

// text returns a text. Numbers and the like are not read as one: their text is not the same to every reader of YAML.
func (r *reader) text(path *field.Path, n *yaml.Node) (text string, ok bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.wrong(path, "must be text")
	case n.Tag != tagText, n.Style == 0 && slices.Contains(oldBooleans, strings.ToLower(n.Value)):
		r.report(field.TypeInvalid(path, n.Value, "must be text: put it in quotes"))
	default:
		return n.Value, true
	}
	return "", false
}

// constant reads a field that has one possible value.
func (r *reader) constant(path *field.Path, n *yaml.Node, want string) {
	if n == nil {
		r.report(field.Required(path, "write "+want))
		return
	}
	if text, ok := r.text(path, n); ok && text != want {
		r.report(field.NotSupported(path, text, []string{want}))
	}
}

// oneOf reads a field with the possible values names, which are numbered by what they mean. Without the field it is what it was.
func oneOf[T ~int](r *reader, path *field.Path, n *yaml.Node, names []string, was T) T {
	if n == nil {
		return was
	}
	if n.Kind != yaml.ScalarNode {
		r.wrong(path, "must be one of "+strings.Join(names, ", "))
		return was
	}
	for i, name := range names {
		if name == n.Value {
			return T(i)
		}
	}
	r.report(field.NotSupported(path, n.Value, names))
	return was
}

// disputed is said of a number such as 010, which is 8 for some readers of YAML and 10 for others.
const disputed = "readers of YAML do not agree on this number: write it as JSON does, such as 10 or 0.5"

// number reads a number into to, which says what type of number it must be.
func (r *reader) number(path *field.Path, n *yaml.Node, must string, to any) bool {
	if n.Kind != yaml.ScalarNode {
		r.wrong(path, must)
		return false
	}
	// What JSON takes for a number is the same to every reader; 010, 0x10, 1_000 and .inf are not.
	switch wrong := json.Unmarshal([]byte(n.Value), to) != nil; {
	case wrong && n.Tag == tagInt && !json.Valid([]byte(n.Value)):
		r.report(field.TypeInvalid(path, n.Value, disputed))
	case wrong:
		r.report(field.TypeInvalid(path, n.Value, must))
	case n.Tag == tagText:
		r.report(field.TypeInvalid(path, n.Value, "must be a number: write it without quotes"))
	default:
		return true
	}
	return false
}

// maxDuration is the longest time that a queue can be configured with.
const maxDuration = 30 * 24 * time.Hour

// duration reads a time as Go writes it, such as 1h30m. Without the field it is what it was.
func (r *reader) duration(path *field.Path, n *yaml.Node, was time.Duration) time.Duration {
	if n == nil {
		return was
	}
	if n.Kind != yaml.ScalarNode {
		r.wrong(path, "must be a duration such as 90s, 10m or 1h30m")
		return was
	}
	d, err := time.ParseDuration(n.Value)
	switch {
	case err != nil:
		r.report(field.Invalid(path, n.Value, "must be a duration such as 90s, 10m or 1h30m"))
	case d < 0:
		r.report(field.Invalid(path, n.Value, "must not be negative; 0s turns it off"))
	case d > maxDuration:
		r.report(field.Invalid(path, n.Value, fmt.Sprintf("must be at most %.0fh (30 days)", maxDuration.Hours())))
	default:
		return d
	}
	return was
}
