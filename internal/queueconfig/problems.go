package queueconfig

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxProblems is how many problems are listed.
const maxProblems = 20

// Problems is the error of Parse and Text.
type Problems struct {
	// Listed are the first 20: each names a field, as Kubernetes writes its path, and says what to write instead.
	Listed []string
	// More is how many there are beyond those.
	More int
}

func (p Problems) Error() string { return strings.Join(p.Lines(), "; ") }

// Lines returns the listed problems. If there are more, the last line says how many.
func (p Problems) Lines() []string {
	if p.More == 0 {
		return p.Listed
	}
	return append(slices.Clone(p.Listed), fmt.Sprintf("and %d more", p.More))
}

// Within returns the text of the error in at most limit bytes: as many whole problems as there is room for, and how many more there are.
func (p Problems) Within(limit int) string {
	for shown := len(p.Listed); shown > 0; shown-- {
		some := Problems{Listed: p.Listed[:shown], More: p.More + len(p.Listed) - shown}
		if text := some.Error(); len(text) <= limit {
			return text
		}
	}
	rest := Problems{Listed: []string{""}, More: p.More + len(p.Listed) - 1}.Error()
	return cut(p.Listed[0], max(0, limit-len(rest)-len(cutOff))) + rest
}

// err returns the problems, or nil if there are none.
func (r *reader) err() error {
	if len(r.problems.Listed) == 0 {
		return nil
	}
	return r.problems
}

// report adds a problem with a field.
func (r *reader) report(e *field.Error) {
	if len(r.problems.Listed) >= maxProblems {
		r.problems.More++
		return
	}
	if text, is := e.BadValue.(string); is {
		e.BadValue = cut(text, maxShown)
	}
	r.say(e.Error())
}

// wrong reports a field whose value is not shown: a mapping, a list, or nothing.
func (r *reader) wrong(path *field.Path, detail string) {
	r.report(field.TypeInvalid(path, field.OmitValueType{}, detail))
}

// say adds a problem.
func (r *reader) say(problem string) { r.problems.Listed = append(r.problems.Listed, problem) }

// maxShown is how many bytes of a value, or of a name that the user chose, a problem shows: as many as the name of a queue may have.
const maxShown = 63

// cutOff stands for what was cut off.
const cutOff = "..."

// cut returns the beginning of a text that is longer than limit bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + cutOff
}

// shown returns a name that the user chose as a part of a path.
func shown(name string) string {
	name = cut(name, maxShown)
	if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
