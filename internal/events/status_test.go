package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestStatusIsInTheWordsOfTheEvent: a gang's status has the sentence of the event that its members get.
func TestStatusIsInTheWordsOfTheEvent(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	var notified gang.Notify
	notify := func(decisions []gang.Decision) {
		for _, d := range decisions {
			if d, ok := d.(gang.Notify); ok {
				notified = d
			}
		}
	}
	for _, name := range []string{"a-0", "a-1"} {
		notify(g.Observe(gang.Member{UID: name, Name: name, Created: now, Spec: gang.Spec{Name: "a", MinAvailable: 3}, Gated: name == "a-1"}, now))
	}
	notify(g.Tick(now.Add(2 * time.Second)))

	event, status := events.For(notified.Explanation), events.Describe(g.Status(now))
	if status.Why == nil || status.Why.Sentence != event.Note || status.Why.Reason != event.Reason || status.Why.Kind != notified.Kind {
		t.Errorf("the event is %+v, and the status says %+v", event, status.Why)
	}
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"key":{"namespace":"default","name":"a","convention":"Coscheduling"},"phase":"Incomplete",` +
		`"needs":{"minAvailable":3,"have":1,"running":0},` +
		`"members":[{"name":"a-0","uid":"a-0","state":"Pending"},{"name":"a-1","uid":"a-1","state":"Gated"}],` +
		`"at":"2026-01-02T03:04:05Z","since":"2026-01-02T03:04:05Z","why":{"kind":"Incomplete","reason":"GangIncomplete",` +
		`"sentence":"gang default/a has 1 of the 3 pods it needs (not counting 1 with scheduling gates); waiting for 2 more"}}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestGangThatWaitsForNothingHasNoReason(t *testing.T) {
	if status := events.Describe(gang.Status{Phase: gang.Running}); status.Why != nil {
		t.Errorf("it says %+v", status.Why)
	}
}
