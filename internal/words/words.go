// Package words writes what commands print.
package words

import (
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
)

// OneLine keeps what pods say from breaking a table, or from changing the terminal.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Age writes how long ago something was, as kubectl does; empty if that is unknown.
func Age(from, now time.Time) string {
	if from.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(0, now.Sub(from)).Truncate(time.Second))
}

// Count writes a number of things: "1 pod", "2 pods".
func Count(n int, noun string) string {
	return events.Count(n, noun)
}

// OrDash writes a dash for what is empty.
func OrDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
