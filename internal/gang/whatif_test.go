package gang_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestWhatIfSaysWhatHappensNext: a gang says which task comes next, and how it would explain a finding, and nothing about it changes. Then
// just that happens.
func TestWhatIfSaysWhatHappensNext(t *testing.T) {
	short := &gang.Shortfall{Members: 1, Resource: "cpu", Each: "1", Largest: "0.5"}
	for name, finding := range map[string]gang.Finding{
		"a shortage": {Fit: 2, Short: short, Detail: "2 of 2 nodes: no", Shortage: gang.Shortage{Missing: 1}},
		"too large":  {TooLarge: true, Most: 2, Topology: "only 2 fit", Shortage: gang.Shortage{Missing: 1, Anything: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, 3, 3)
			for range 2 { // the second time it has failed before
				before := s.Status(s.now)
				task, uid := s.Next(s.now)
				why, shortage := s.IfUnfit(finding)
				if diff := cmp.Diff(before, s.Status(s.now)); diff != "" {
					t.Fatalf("the questions changed the gang:\n%s", diff)
				}
				if verdict := s.Begin(uid, true, s.now); verdict != gang.Plan {
					t.Fatalf("member %s does not stand for the gang: verdict %v", uid, verdict)
				}
				if diff := cmp.Diff(task, s.Task(s.now)); diff != "" {
					t.Errorf("the task (-said +real):\n%s", diff)
				}
				s.Unfit(uid, finding, 1, s.now)
				after := s.Status(s.now)
				if diff := cmp.Diff(why, after.Why) + cmp.Diff(shortage, after.Shortage); diff != "" {
					t.Errorf("why it waits (-said +real):\n%s", diff)
				}
			}
		})
	}
}
