package queueconfig

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxProblems is how many problems are listed.
const maxProblems = 20

// Problems is the error of Parse: each of them names a field, as Kubernetes writes its path, and says what to write instead. Beyond 20,
// the last one says how many more there are.
type Problems []string

func (p Problems) Error() string { return strings.Join(p, "; ") }

// err returns the problems, or nil if there are none.
func (r *reader) err() error {
	switch {
	case len(r.problems) == 0:
		return nil
	case r.more > 0:
		return append(r.problems, fmt.Sprintf("and %d more", r.more))
	}
	return r.problems
}

// report adds a problem with a field.
func (r *reader) report(e *field.Error) {
	if len(r.problems) == maxProblems {
		r.more++
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
func (r *reader) say(problem string) { r.problems = append(r.problems, problem) }

// maxShown is how many bytes of a value, or of a name that the user chose, a problem shows: as many as the name of a queue may have.
const maxShown = 63

// cut returns the beginning of a text that is longer than limit bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "..."
}

// shown returns a name that the user chose as a part of a path.
func shown(name string) string {
	name = cut(name, maxShown)
	if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
