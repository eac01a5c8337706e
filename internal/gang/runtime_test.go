package gang_test

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestExpectedRuntimeIsTheSmallerOfWhatIsSaidAndTheDeadlines checks that a gang ends when its last member does.
func TestExpectedRuntimeIsTheSmallerOfWhatIsSaidAndTheDeadlines(t *testing.T) {
	with := func(name string, said, deadline time.Duration, changes ...func(*gang.Member)) gang.Member {
		return says(name, gang.Share{ExpectedRuntime: said}, append(changes, func(m *gang.Member) { m.Deadline = deadline })...)
	}
	for _, tc := range []struct {
		name    string
		members []gang.Member
		want    time.Duration
	}{
		{"unknown", []gang.Member{with("a", 0, 0), with("b", 0, 0)}, 0},
		{"said", []gang.Member{with("a", time.Hour, 0), with("b", 0, 0)}, time.Hour},
		{"the longest deadline", []gang.Member{with("a", 0, time.Hour), with("b", 0, 2*time.Hour)}, 2 * time.Hour},
		{"one has no deadline", []gang.Member{with("a", 0, time.Hour), with("b", 0, 0)}, 0},
		{"one that leaves has no deadline", []gang.Member{with("a", 0, time.Hour), with("b", 0, 0, leaves)}, time.Hour},
		{"one that leaves has the longest", []gang.Member{with("a", 0, time.Hour), with("b", 0, 2*time.Hour, leaves)}, time.Hour},
		{"one that runs has none", []gang.Member{with("a", 0, time.Hour), with("b", 0, 0, runs)}, 0},
		{"said, and shorter than the deadlines", []gang.Member{with("a", time.Hour, 2*time.Hour), with("b", 0, 3*time.Hour)}, time.Hour},
		{"said, and longer than the deadlines", []gang.Member{with("a", 4*time.Hour, 2*time.Hour), with("b", 0, 3*time.Hour)}, 3 * time.Hour},
		{"said, and one has no deadline", []gang.Member{with("a", 4*time.Hour, 2*time.Hour), with("b", 0, 0)}, 4 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gang.New(gang.Key{Name: "a"})
			observe(g, tc.members)
			if got := g.ExpectedRuntime(); got != tc.want {
				t.Errorf("the expected runtime is %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("a creator that starts alone does not count", func(t *testing.T) {
		for _, deadline := range []time.Duration{0, 2 * time.Hour} {
			g := gang.New(gang.Key{Name: "a"})
			observe(g, []gang.Member{with("d", 0, deadline, func(m *gang.Member) { m.Spec.Creates = true }), with("a", 0, time.Hour)})
			if got := g.ExpectedRuntime(); got != time.Hour {
				t.Errorf("the expected runtime is %s, want 1h, that of the others", got)
			}
		}
	})
	t.Run("declared members have no deadline yet", func(t *testing.T) {
		g := newRunsOf(t, 2)
		g.driver("d", "", 0)
		m, _ := g.Member("d")
		m.Deadline = time.Hour
		g.Observe(m, start)
		if got := g.ExpectedRuntime(); got != 0 {
			t.Errorf("the expected runtime is %s before the executors exist", got)
		}
		for _, name := range []string{"e0", "e1"} {
			g.executor(name, "", "d", 1)
			m, _ := g.Member(name)
			m.Deadline = 2 * time.Hour
			g.Observe(m, start)
		}
		if got := g.ExpectedRuntime(); got != 2*time.Hour {
			t.Errorf("the expected runtime is %s, want 2h", got)
		}
	})
}

// TestCompleteSinceSurvivesARestart checks when a gang became complete, for a process that sees its pods late.
func TestCompleteSinceSurvivesARestart(t *testing.T) {
	late := start.Add(time.Hour)
	at := func(second int) func(*gang.Member) {
		return func(m *gang.Member) { m.Created = start.Add(time.Duration(second) * time.Second) }
	}
	gated := func(m *gang.Member) { m.Gated = true }
	three := []gang.Member{says("a", gang.Share{}, at(0)), says("b", gang.Share{}, at(40)), says("c", gang.Share{}, at(20))}
	for _, tc := range []struct {
		name    string
		members []gang.Member
		now     time.Time
		want    time.Time
	}{
		{"incomplete", three[:2], late, time.Time{}},
		{"an hour later", three, late, start.Add(41 * time.Second)},
		{"at once", three, start.Add(40*time.Second + time.Millisecond), start.Add(40*time.Second + time.Millisecond)},
		{
			"a newer pod with scheduling gates does not count", append([]gang.Member{says("d", gang.Share{}, at(90), gated)}, three...), late,
			start.Add(41 * time.Second),
		},
		{"disagreeing", append(three[:2:2], says("c", queued("q"), at(20)), says("d", queued("r"), at(20))), late, time.Time{}},
		{"a creation time that nobody knows", append(three[:2:2], says("c", gang.Share{}, func(m *gang.Member) { m.Created = time.Time{} })), late, late},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gang.New(gang.Key{Name: "a"})
			for _, m := range tc.members {
				g.Observe(m, tc.now)
			}
			if got := g.CompleteSince(); !got.Equal(tc.want) {
				t.Errorf("complete since %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("the gates were seen to go", func(t *testing.T) {
		g := gang.New(gang.Key{Name: "a"})
		for _, m := range three {
			m.Gated = m.Name == "b"
			g.Observe(m, start.Add(time.Minute))
		}
		g.Observe(three[1], late)
		if got := g.CompleteSince(); !got.Equal(late) {
			t.Errorf("complete since %s, want %s, when the gates went", got, late)
		}
	})
	t.Run("after it ran", func(t *testing.T) {
		s := newStory(t, 3, 6)
		s.run(3)
		if got := s.CompleteSince(); !got.IsZero() {
			t.Errorf("a gang that runs is complete since %s", got)
		}
		s.now = late
		for _, uid := range []string{"0", "1", "2"} {
			s.Remove(uid, s.now)
		}
		if got := s.CompleteSince(); !got.Equal(late) {
			t.Errorf("complete since %s, want %s: before, it ran", got, late)
		}
	})
}
