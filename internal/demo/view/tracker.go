package view

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
)

// History is when things happened to a gang, counted from the start of the watch; 0 is not yet.
type History struct {
	// FirstSeen is when its first pod was seen, CompleteAt when enough pods existed, ReleasedAt when enough had a node.
	FirstSeen, CompleteAt, ReleasedAt time.Duration
	// EndedAt is when its last pod ended or was gone.
	EndedAt time.Duration
}

// Snapshot is the cluster at one moment.
type Snapshot struct {
	At   time.Duration
	Rows []Row
	Room Room
	// Notes are what else there is to say since the snapshot before.
	Notes []string
}

// Find returns the row with the title, or nil.
func (s *Snapshot) Find(title string) *Row {
	for i := range s.Rows {
		if s.Rows[i].Title == title {
			return &s.Rows[i]
		}
	}
	return nil
}

// Tracker remembers what the API forgets: when things happened, and gangs without pods. The zero value is ready.
type Tracker struct {
	rows map[string]Row
	told map[string]bool
}

// Observe returns the cluster as it is now, with its history.
func (t *Tracker) Observe(now time.Duration, c Cluster) Snapshot {
	if t.rows == nil {
		t.rows, t.told = map[string]Row{}, map[string]bool{}
	}
	present := map[string]bool{}
	for _, row := range c.rows() {
		present[row.ID] = true
		row.History = t.rows[row.ID].History
		row.remember(now)
		t.rows[row.ID] = row
	}
	for id, row := range t.rows {
		if !present[id] && row.State != Deleted {
			t.rows[id] = row.gone(now)
		}
	}
	snapshot := Snapshot{At: now, Room: c.room(), Notes: t.notes(c.Events)}
	for _, row := range t.rows {
		snapshot.Rows = append(snapshot.Rows, row)
	}
	slices.SortFunc(snapshot.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.FirstSeen, b.FirstSeen), cmp.Compare(a.ID, b.ID))
	})
	return snapshot
}

// remember notes what happens for the first time. A gang that was released once stays so while any of its pods runs.
func (r *Row) remember(now time.Duration) {
	mark := func(at *time.Duration, happened bool) {
		if *at == 0 && happened {
			*at = now
		}
	}
	if r.State == Starting && r.ReleasedAt > 0 {
		r.State = Released
	}
	mark(&r.FirstSeen, true)
	mark(&r.CompleteAt, r.Exist-r.Gated >= r.Need)
	mark(&r.ReleasedAt, r.State == Released || r.State == Finished && r.Bound >= max(r.Need, 1))
	mark(&r.EndedAt, r.State == Finished)
	if r.State != Finished {
		r.EndedAt = 0
	}
}

// gone returns the row of a gang after its pods were deleted.
func (r Row) gone(now time.Duration) Row {
	left := Row{ID: r.ID, Title: r.Title, Need: r.Need, State: Deleted, History: r.History}
	if left.EndedAt == 0 {
		left.EndedAt = now
	}
	return left
}

// failedCreate is the reason of the controllers' events on objects whose pods cannot be created.
const failedCreate = "FailedCreate"

// notes returns what events say that no row shows: timeouts, and why pods are missing.
func (t *Tracker) notes(all []*eventsv1.Event) []string {
	var notes []string
	for _, e := range all {
		var note string
		switch {
		case e.Type != corev1.EventTypeWarning:
		case e.Reason == events.ReasonTimedOut:
			note = e.Note
		case e.Reason == failedCreate:
			note = fmt.Sprintf("%s %s/%s: %s: %s", e.Regarding.Kind, e.Regarding.Namespace, e.Regarding.Name, e.Reason, e.Note)
		}
		if note != "" && !t.told[note] {
			t.told[note] = true
			notes = append(notes, note)
		}
	}
	slices.Sort(notes)
	return notes
}
