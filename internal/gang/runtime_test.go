package gang_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

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

// TestHowLongAMemberRuns: as long as any member says, or until its own deadline.
func TestHowLongAMemberRuns(t *testing.T) {
	const minute, hour = time.Minute, time.Hour
	with := func(name string, said, deadline time.Duration, changes ...func(*gang.Member)) gang.Member {
		return says(name, gang.Share{ExpectedRuntime: said}, append(changes, func(m *gang.Member) { m.Deadline = deadline })...)
	}
	for _, tc := range []struct {
		name    string
		members []gang.Member
		// want are how long the members run, stated is what they say.
		want   []time.Duration
		stated time.Duration
	}{
		{"unknown", []gang.Member{with("a", 0, 0), with("b", 0, 0)}, []time.Duration{0, 0}, 0},
		{"one says it", []gang.Member{with("a", hour, 0), with("b", 0, 0)}, []time.Duration{hour, hour}, hour},
		{"one that waits says it, the other runs", []gang.Member{with("a", hour, 0), with("b", 0, 0, runs)}, []time.Duration{hour, hour}, hour},
		{"one that runs says it, the other waits", []gang.Member{with("a", hour, 0, runs), with("b", 0, 0)}, []time.Duration{hour, hour}, hour},
		{"only one has a deadline", []gang.Member{with("a", 0, hour), with("b", 0, 0)}, []time.Duration{hour, 0}, 0},
		{"a smaller deadline", []gang.Member{with("a", hour, 0), with("b", 0, minute)}, []time.Duration{hour, minute}, hour},
		{"a larger deadline", []gang.Member{with("a", minute, 0), with("b", 0, hour)}, []time.Duration{minute, minute}, minute},
		{"one that leaves says nothing", []gang.Member{with("a", hour, 0, leaves), with("b", 0, minute)}, []time.Duration{0, minute}, 0},
		{"they contradict each other", []gang.Member{with("a", hour, 0), with("b", 2*hour, minute)}, []time.Duration{0, minute}, 0},
		{"those that run decide", []gang.Member{with("a", hour, 0, runs), with("b", 2*hour, 0)}, []time.Duration{hour, hour}, hour},
		{
			"another scheduler's speaks for itself",
			[]gang.Member{with("a", hour, 0), with("b", 0, minute, foreign), with("c", 2*hour, 0, foreign)},
			[]time.Duration{hour, minute, 2 * hour},
			hour,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gang.New(gang.Key{Name: "a"})
			observe(g, tc.members)
			if got := g.StatedRuntime(); got != tc.stated {
				t.Errorf("the members say %s, want %s", got, tc.stated)
			}
			for i, want := range tc.want {
				if got := g.RuntimeOf(tc.members[i].UID, g.StatedRuntime()); got != want {
					t.Errorf("%s runs for %s, want %s", tc.members[i].Name, got, want)
				}
			}
		})
	}
	t.Run("another run speaks for itself", func(t *testing.T) {
		g := firstRun(t, 1)
		d := g.driver("d2", "", 10)
		d.Spec.ExpectedRuntime = hour
		g.Observe(d, start)
		for member, want := range map[string]time.Duration{"d1": 0, "e0": 0, "d2": hour, "nobody": 0} {
			if got := g.RuntimeOf(member, g.StatedRuntime()); got != want {
				t.Errorf("%s runs for %s, want %s", member, got, want)
			}
		}
	})
}

// TestAGangRunsAsLongAsItsMembers: what the whole gang is asked for, and each of its members, is one rule.
func TestAGangRunsAsLongAsItsMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		durations := rapid.SampledFrom([]time.Duration{0, 0, time.Minute, time.Hour})
		g, members := gang.New(gang.Key{Name: "a"}), make([]gang.Member, rapid.IntRange(1, 5).Draw(t, "members"))
		for i := range members {
			members[i] = says(fmt.Sprint("m", i), gang.Share{ExpectedRuntime: durations.Draw(t, "said")}, func(m *gang.Member) {
				m.Deadline = durations.Draw(t, "deadline")
			})
		}
		observe(g, members)
		longest, known := time.Duration(0), true
		for i := range members {
			runtime := g.RuntimeOf(members[i].UID, g.StatedRuntime())
			longest, known = max(longest, runtime), known && runtime > 0
		}
		if !known {
			longest = 0
		}
		if got := g.ExpectedRuntime(); got != longest {
			t.Fatalf("the gang runs for %s, and its members for %s", got, longest)
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
