package explain

import (
	"cmp"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

// Summary says in a few lines what would happen.
func Summary(f *answers.Forecast) []string {
	lines := []string{fmt.Sprintf("%s: %s.", headings[f.Outcome], words.OneLine(f.Why))}
	if f.Queue != "" {
		lines = append(lines, fmt.Sprintf("Queue: %s, %s before it.", f.Queue, words.Count(f.Before, "gang")))
	}
	if !f.StartsAt.IsZero() {
		lines = append(lines, fmt.Sprintf("Expected to start in about %s, when %s.", f.StartsAt.Sub(f.At).Round(time.Second),
			cmp.Or(ends(f.After), "what it waits for ends")))
	}
	return lines
}

//nolint:gochecknoglobals // a constant table
var headings = map[answers.Outcome]string{
	answers.Starts: "Starts", answers.StartsAfterPreemption: "Starts after preemption", answers.Waits: "Waits",
	answers.Rejected: "Rejected",
}

func ends(after string) string {
	if after == "" {
		return ""
	}
	return after + " ends"
}
