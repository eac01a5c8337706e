package gang

import (
	"maps"
	"slices"
	"time"
)

const (
	// countAfter is how long a gang must have too few members before it asks Jobs how many of their pods succeeded. It doubles each
	// time, up to countMax.
	countAfter = time.Second
	countMax   = 2 * time.Minute
)

// counting holds the number of succeeded pods that Jobs report. Only the Job knows of pods that were garbage-collected before this
// process saw them.
type counting struct {
	// said is the number of succeeded pods by the UID of the Job.
	said map[string]int
	// next is when to ask the Jobs, zero while the gang has enough members; asked counts the times it asked.
	next  time.Time
	asked int
}

// count asks the Jobs of the waiting members for their succeeded pods while the gang has too few members.
func (g *Gang) count(now time.Time) []Decision {
	phase := g.Phase()
	if phase != Incomplete && (phase != Running || !g.Partial()) {
		g.counting.next, g.counting.asked = time.Time{}, 0
		return nil
	}
	if g.counting.next.IsZero() {
		g.counting.next = now.Add(countAfter)
	}
	if now.Before(g.counting.next) {
		return nil
	}
	g.counting.asked++
	g.counting.next = now.Add(min(countAfter<<min(g.counting.asked, 10), countMax))
	jobs := map[string]string{}
	for _, m := range g.each() {
		if m.Job != "" && m.eligible() {
			jobs[m.OwnerUID] = m.Job
		}
	}
	var decisions []Decision
	for _, uid := range slices.Sorted(maps.Keys(jobs)) {
		decisions = append(decisions, Count{Gang: g.Key, Job: Ref{Namespace: g.Key.Namespace, Name: jobs[uid], UID: uid}})
	}
	return decisions
}

// Counted records how many pods of a Job succeeded, as the Job reports it.
func (g *Gang) Counted(job string, succeeded int, now time.Time) []Decision {
	g.rank()
	if g.lines.owners[job] == 0 || g.counting.said[job] == succeeded {
		return nil
	}
	if g.counting.said == nil {
		g.counting.said = map[string]int{}
	}
	g.counting.said[job] = succeeded
	g.ranked, g.counted, g.changed = false, false, now
	return g.settle(true, now)
}

// countSaid counts the successes that only the Job reports. It drops Jobs that no longer own a member.
func (g *Gang) countSaid() {
	maps.DeleteFunc(g.counting.said, func(job string, _ int) bool { return g.lines.owners[job] == 0 })
	for job, succeeded := range g.counting.said {
		unseen := succeeded - g.doneBy[job]
		pod := g.oldest(func(m *member) bool { return m.OwnerUID == job && !m.otherRun })
		if unseen <= 0 || pod == nil || g.creator != "" && pod.Spec.Role == g.creator {
			continue
		}
		g.countSuccess(job, pod.Spec.Role, unseen)
	}
}
