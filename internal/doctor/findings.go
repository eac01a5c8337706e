package doctor

import (
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Level is how bad a finding is.
type Level int

// The levels. What is not said otherwise is a problem.
const (
	// Problem: something does not work.
	Problem Level = iota
	// Warning: something may not work as it was meant.
	Warning
	// Info: something to know, such as what could not be read.
	Info
	// OK: something works.
	OK
)

func levels() []string { return []string{"problem", "warning", "info", "ok"} }

// String returns the level in lower case.
func (l Level) String() string { return levels()[l] }

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levels(), string(text))
	if i < 0 {
		return fmt.Errorf("there is no level %.64q", text)
	}
	*l = Level(i)
	return nil
}

// Finding is what one check found.
type Finding struct {
	// Check is the part of the cluster that was looked at.
	Check string `json:"check"`
	Level Level  `json:"level"`
	// Text is a sentence, and Remedy what to do; empty if there is nothing to do.
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
	// Objects are what the finding is about, such as pods.
	Objects []string `json:"objects,omitempty"`
}

// The checks.
const (
	checkScheduler  = "scheduler"
	checkVersion    = "version"
	checkRights     = "rights"
	checkQueues     = "queues"
	checkPods       = "pods"
	checkGroups     = "pod groups"
	checkPriorities = "priorities"
	checkGuardRails = "guard rails"
)

// Examine returns what is to be said about a cluster, in the order of the checks.
func Examine(f *Facts) []Finding {
	var all []Finding
	for _, check := range [...]func(*Facts) []Finding{
		scheduler, versions, rightsOfScheduler, rightsOfUser, queues, pods, groups, priorities, guardRails,
	} {
		all = append(all, check(f)...)
	}
	return all
}

// Count returns how many findings have a level.
func Count(findings []Finding, level Level) int {
	n := 0
	for i := range findings {
		if findings[i].Level == level {
			n++
		}
	}
	return n
}

// unread says that something could not be read.
func unread(check, what string, err error) Finding {
	if apierrors.IsForbidden(err) {
		return Finding{
			Check: check, Level: Info, Text: fmt.Sprintf("you may not read %s, so this was skipped", what),
			Remedy: "ask an administrator for the right, or to run this command",
		}
	}
	return Finding{
		Check: check, Level: Warning, Text: fmt.Sprintf("%s could not be read: %v", what, err), Remedy: "run the command again",
	}
}

// mostObjects is how many names a text has.
const mostObjects = 4

// named returns the first names, and how many more there are.
func named(names []string) string {
	if more := len(names) - mostObjects; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostObjects], ", "), more)
	}
	return strings.Join(names, ", ")
}

// byText groups names by a text, and returns the texts in their order.
type byText map[string][]string

func (b byText) add(text, name string) { b[text] = append(b[text], name) }

func (b byText) texts() []string {
	texts := make([]string, 0, len(b))
	for text, names := range b {
		slices.Sort(names)
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}
