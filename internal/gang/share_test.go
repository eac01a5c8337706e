package gang_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// says is a member of a gang of three that says this about its share.
func says(name string, share gang.Share, changes ...func(*gang.Member)) gang.Member {
	m := member(name, 3, 100)
	m.Spec.Share = share
	for _, change := range changes {
		change(&m)
	}
	return m
}

func runs(m *gang.Member)     { m.Node = "n" }
func leaves(m *gang.Member)   { m.Terminating = true }
func foreign(m *gang.Member)  { m.Foreign = true }
func sizeless(m *gang.Member) { m.Spec.MinAvailable = 0 }
func revision(r string, created int64) func(*gang.Member) {
	return func(m *gang.Member) { m.Spec.Revision, m.Created = r, time.Unix(created, 0) }
}

// queued is a share that names a queue.
func queued(name string) gang.Share { return gang.Share{Queue: name} }

// TestMembersAgreeOnTheirShareOrWait checks the phase and what the gang says, for any order in which its members are seen.
func TestMembersAgreeOnTheirShareOrWait(t *testing.T) {
	never, may := gang.Share{Preemptible: gang.NeverPreempted}, gang.Share{Preemptible: gang.MayBePreempted}
	hour, day := gang.Share{ExpectedRuntime: time.Hour}, gang.Share{ExpectedRuntime: 24 * time.Hour}
	for _, tc := range []struct {
		name    string
		members []gang.Member
		phase   gang.Phase
		want    gang.Share // what the gang says
		differ  []gang.ShareCount
	}{
		{"nobody says anything", []gang.Member{says("a", gang.Share{}), says("b", gang.Share{}), says("c", gang.Share{})}, gang.Ready, gang.Share{}, nil},
		{"one is enough", []gang.Member{says("a", gang.Share{}), says("b", queued("q")), says("c", gang.Share{})}, gang.Ready, queued("q"), nil},
		{
			"each says another thing",
			[]gang.Member{says("a", queued("q")), says("b", never), says("c", hour)},
			gang.Ready,
			gang.Share{Queue: "q", Preemptible: gang.NeverPreempted, ExpectedRuntime: time.Hour},
			nil,
		},
		{
			"two queues",
			[]gang.Member{says("a", queued("q")), says("b", queued("r")), says("c", queued("r"))},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("r"), 2, "b"}, {queued("q"), 1, "a"}},
		},
		{
			"only one of two who disagree is needed",
			[]gang.Member{says("a", queued("q")), says("b", queued("r")), says("c", gang.Share{}), says("d", gang.Share{}), says("e", gang.Share{})},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("q"), 1, "a"}, {queued("r"), 1, "b"}},
		},
		{
			"preemptible or not",
			[]gang.Member{says("a", never), says("b", may), says("c", queued("q"))},
			gang.Disagreeing, queued("q"),
			[]gang.ShareCount{{never, 1, "a"}, {may, 1, "b"}},
		},
		{
			"two runtimes",
			[]gang.Member{says("a", day), says("b", hour), says("c", hour)},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{hour, 2, "b"}, {day, 1, "a"}},
		},
		{
			"two queues and two runtimes",
			[]gang.Member{says("a", gang.Share{Queue: "q", ExpectedRuntime: time.Hour}), says("b", gang.Share{Queue: "r", ExpectedRuntime: 24 * time.Hour}), says("c", gang.Share{})},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("q"), 1, "a"}, {queued("r"), 1, "b"}, {hour, 1, "a"}, {day, 1, "b"}},
		},
		{
			"a member that names no size counts",
			[]gang.Member{says("a", queued("q")), says("b", queued("r"), sizeless), says("c", gang.Share{})},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("q"), 1, "a"}, {queued("r"), 1, "b"}},
		},
		{
			"a member with scheduling gates counts",
			[]gang.Member{says("a", queued("q")), says("b", queued("r"), func(m *gang.Member) { m.Gated = true }), says("c", gang.Share{})},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("q"), 1, "a"}, {queued("r"), 1, "b"}},
		},
		{
			"another scheduler's member is no example",
			[]gang.Member{says("0", queued("q"), foreign), says("a", queued("q")), says("b", queued("r"))},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("q"), 1, "a"}, {queued("r"), 1, "b"}},
		},
		{"a terminating member does not count", []gang.Member{says("a", queued("q")), says("b", queued("r"), leaves), says("c", gang.Share{}), says("d", gang.Share{})}, gang.Ready, queued("q"), nil},
		{"another scheduler's member does not count", []gang.Member{says("a", queued("q")), says("b", queued("r"), foreign), says("c", gang.Share{}), says("d", gang.Share{})}, gang.Ready, queued("q"), nil},
		{
			"running members that disagree decide nothing",
			[]gang.Member{says("a", queued("q"), runs), says("b", queued("r"), runs), says("c", gang.Share{}, runs)},
			gang.Disagreeing,
			gang.Share{},
			[]gang.ShareCount{{queued("q"), 1, "a"}, {queued("r"), 1, "b"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				g := gang.New(gang.Key{Name: "a"})
				observe(g, rapid.Permutation(tc.members).Draw(t, "members"))
				if g.Phase() != tc.phase {
					t.Errorf("phase %s, want %s", g.Phase(), tc.phase)
				}
				got := gang.Share{Queue: g.Queue(), ExpectedRuntime: g.ExpectedRuntime()}
				if g.NonPreemptible() {
					got.Preemptible = gang.NeverPreempted
				}
				if got != tc.want {
					t.Errorf("the gang says %+v, want %+v", got, tc.want)
				}
				if diff := cmp.Diff(tc.differ, g.Explain().Shares); diff != "" {
					t.Errorf("contradictions (-want +got):\n%s", diff)
				}
				if claims := g.Explain().Claims; len(claims) > 0 {
					t.Errorf("the members agree on their claim, and the explanation has %+v", claims)
				}
			})
		})
	}
}

// TestMembersThatAreDeletedUseTheirQueueUntilTheyAreGone checks which queue counts for what a gang uses while members are being deleted.
func TestMembersThatAreDeletedUseTheirQueueUntilTheyAreGone(t *testing.T) {
	former, next := revision("1", 100), revision("2", 200)
	for _, tc := range []struct {
		name    string
		members []gang.Member
		queue   string
	}{
		{"all run and are deleted", []gang.Member{says("a", queued("q"), runs, leaves), says("b", queued("q"), runs, leaves)}, "q"},
		{"one of them says it", []gang.Member{says("a", queued("q"), runs, leaves), says("b", gang.Share{}, runs, leaves)}, "q"},
		{"others say nothing", []gang.Member{says("a", queued("q"), runs, leaves), says("b", gang.Share{})}, "q"},
		{"others say another queue", []gang.Member{says("a", queued("q"), runs, leaves), says("b", queued("r"))}, "r"},
		{"others disagree", []gang.Member{says("a", queued("q"), runs, leaves), says("b", queued("r")), says("c", queued("s"))}, ""},
		{"they never ran", []gang.Member{says("a", queued("q"), leaves), says("b", queued("q"), leaves)}, ""},
		{"another scheduler's pods", []gang.Member{says("a", queued("q"), runs, leaves, foreign)}, ""},
		{"of two revisions", []gang.Member{says("a", queued("q"), runs, leaves, former), says("b", queued("r"), runs, leaves, next)}, "r"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				g := gang.New(gang.Key{Name: "a"})
				observe(g, rapid.Permutation(tc.members).Draw(t, "members"))
				if g.Queue() != tc.queue {
					t.Errorf("queue %q, want %q", g.Queue(), tc.queue)
				}
				for _, m := range tc.members {
					g.Remove(m.UID, time.Unix(1000, 0))
				}
				if g.Queue() != "" {
					t.Errorf("queue %q of a gang without members", g.Queue())
				}
			})
		})
	}
}

// TestShareOfAnotherRunDoesNotCount checks the executors of a former driver.
func TestShareOfAnotherRunDoesNotCount(t *testing.T) {
	g := newRunsOf(t, 2)
	g.observe("e0", "n", "d1", 1, gang.Spec{Role: "executor", Share: queued("former")})
	spec := driving(2)
	spec.MinAvailable, spec.Share = 3, queued("q")
	g.observe("d2", "", "", 5, spec)
	if g.Phase() != gang.Ready || g.Queue() != "q" {
		t.Errorf("phase %s, queue %q; want Ready in queue q", g.Phase(), g.Queue())
	}
}

// enters returns which of the members may enter the scheduling queue.
func enters(g *gang.Gang, names ...string) string {
	var may []string
	for _, name := range names {
		if g.Enter(name, time.Unix(1000, 0)) == gang.Go {
			may = append(may, name)
		}
	}
	return strings.Join(may, " ")
}

// TestRunningMembersDecideAndOnlyThoseThatDifferWait checks members that come to a gang that runs.
func TestRunningMembersDecideAndOnlyThoseThatDifferWait(t *testing.T) {
	for _, tc := range []struct {
		name           string
		running        gang.Share
		come           []gang.Member
		queue, entered string
	}{
		{"another queue", queued("q"), []gang.Member{says("x", queued("r")), says("y", queued("q")), says("z", gang.Share{})}, "q", "y z"},
		{
			"two others, where the running ones are silent",
			gang.Share{},
			[]gang.Member{says("x", queued("q")), says("y", queued("r")), says("z", gang.Share{})},
			"", "z",
		},
		{
			"the queue is right, and not the rest", queued("q"),
			[]gang.Member{
				says("x", gang.Share{Queue: "q", Preemptible: gang.MayBePreempted}), says("y", gang.Share{Queue: "q", Preemptible: gang.NeverPreempted}),
				says("z", queued("q")),
			},
			"q", "z",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gang.New(gang.Key{Name: "a"})
			observe(g, []gang.Member{says("a", tc.running, runs), says("b", tc.running, runs), says("c", tc.running, runs)})
			observe(g, tc.come)
			if g.Phase() != gang.Running || g.Queue() != tc.queue {
				t.Errorf("phase %s, queue %q; want Running in %q", g.Phase(), g.Queue(), tc.queue)
			}
			if entered := enters(g, "x", "y", "z"); entered != tc.entered {
				t.Errorf("%q enter, want %q", entered, tc.entered)
			}
			if kind := g.Explain().Kind; kind != gang.KindDisagree {
				t.Errorf("the explanation is of kind %q", kind)
			}
		})
	}
}

// TestMembersThatDifferDoNotCountForWhatTheGangHas checks members that wait in a gang that runs.
func TestMembersThatDifferDoNotCountForWhatTheGangHas(t *testing.T) {
	g := gang.New(gang.Key{Name: "a"})
	observe(g, []gang.Member{
		says("a", queued("q"), runs), says("b", queued("q"), runs), says("c", queued("q"), runs),
		says("x", queued("r")), says("y", gang.Share{}), says("z", queued("r"), func(m *gang.Member) { m.Gated = true }),
	})
	if have := g.Explain().Have; have != 4 {
		t.Errorf("the gang has %d members, want the 3 that run, and y", have)
	}
}

// TestMemberIsNotifiedAndWokenWhenItAgrees follows the only member that names another queue than those that run.
func TestMemberIsNotifiedAndWokenWhenItAgrees(t *testing.T) {
	g, now := gang.New(gang.Key{Name: "a"}), time.Unix(1000, 0)
	observe(g, []gang.Member{says("a", queued("q"), runs), says("b", queued("q"), runs), says("c", queued("q"), runs)})
	told := func(queue string) (notified []string) {
		t.Helper()
		g.Observe(says("x", queued(queue)), now)
		g.Enter("x", now)
		now = now.Add(2 * time.Second)
		for _, d := range g.Tick(now) {
			if n, ok := d.(gang.Notify); ok && !n.Refresh {
				for _, m := range n.Members {
					notified = append(notified, m.Name+" "+string(n.Kind))
				}
			}
		}
		return notified
	}
	for _, queue := range []string{"r", "s"} { // another queue is another event
		if diff := cmp.Diff([]string{"x Disagree"}, told(queue)); diff != "" {
			t.Errorf("notified of queue %s (-want +got):\n%s", queue, diff)
		}
	}
	if again := told("s"); again != nil {
		t.Errorf("notified again: %v", again)
	}
	decisions := g.Observe(says("x", queued("q")), now)
	if diff := cmp.Diff([]gang.Decision{gang.Activate{Members: []gang.Ref{{Name: "x", UID: "x"}}}}, decisions); diff != "" {
		t.Errorf("decisions for the member that agrees (-want +got):\n%s", diff)
	}
}

// TestNewestRevisionDeterminesTheShare checks a rollout that changes the queue, in any order in which the pods are seen.
func TestNewestRevisionDeterminesTheShare(t *testing.T) {
	former, next := queued("q"), queued("r")
	rollout := []gang.Member{
		says("a", former, revision("1", 100), runs), says("b", former, revision("1", 100), runs), says("c", former, revision("1", 100), runs),
		says("d", next, revision("2", 200)),
	}
	replacement := says("e", former, revision("1", 300))
	leftover := says("g", queued("p"), revision("0", 50)) // of a revision of which nobody runs
	stranger := says("f", queued("s"), revision("", 300))
	rapid.Check(t, func(t *rapid.T) {
		g := gang.New(gang.Key{Name: "a"})
		observe(g, rapid.Permutation(append(rollout, replacement, leftover)).Draw(t, "members"))
		if g.Queue() != "r" || g.Phase() != gang.Running {
			t.Fatalf("phase %s, queue %q; want Running in the newest revision's queue r", g.Phase(), g.Queue())
		}
		if entered := enters(g, "d", "e", "g"); entered != "d e" || !g.Alone("e") || g.Alone("d") {
			t.Fatalf("%q enter, the replacement of a pod of the former revision alone: %t", entered, g.Alone("e"))
		}
		g.Observe(stranger, time.Unix(1000, 0)) // it has no revision: nobody knows which queue is newer
		if entered := enters(g, "d", "e", "f"); entered != "e" || g.Queue() != "q" {
			t.Fatalf("%q enter, in queue %q; want what the running pods say", entered, g.Queue())
		}
	})
}

// TestManyRevisionsAndManyValuesDisagree checks the bound on the values that the revisions of a template may have.
func TestManyRevisionsAndManyValuesDisagree(t *testing.T) {
	for values, want := range map[int]gang.Phase{8: gang.Ready, 9: gang.Disagreeing} {
		g := gang.New(gang.Key{Name: "a"})
		for i := range 9 {
			m := says(fmt.Sprint(i), queued(fmt.Sprint("q", i%values)), revision(fmt.Sprint(i), int64(100+i)))
			m.Spec.MinAvailable = 1
			observe(g, []gang.Member{m})
		}
		if g.Phase() != want {
			t.Errorf("9 revisions with %d queues: phase %s, want %s", values, g.Phase(), want)
		}
	}
}

// TestMembersWithTooManyDifferentValuesListOldestAndNewest checks the explanation of a gang in which each member has another
// value: the cost must not grow with the gang.
func TestMembersWithTooManyDifferentValuesListOldestAndNewest(t *testing.T) {
	for i, share := range []func(i int) gang.Share{
		func(i int) gang.Share { return queued(fmt.Sprint("q", i)) },
		func(i int) gang.Share { return gang.Share{ExpectedRuntime: time.Duration(i+1) * time.Second} },
		func(i int) gang.Share { return gang.Share{Topology: gang.StatedTopology{Spread: fmt.Sprint("k", i)}} },
	} {
		g := gang.New(gang.Key{Name: "a"})
		observe(g, []gang.Member{
			says("former", share(0), revision("", 50), leaves), says("later", share(64), revision("", 500), foreign),
		})
		for j := range 65 {
			observe(g, []gang.Member{says(fmt.Sprint(j), share(j), revision("", int64(100+j)))})
		}
		want := []gang.ShareCount{{share(0), 1, "0"}, {share(64), 1, "64"}}
		if diff := cmp.Diff(want, g.Explain().Shares); diff != "" {
			t.Errorf("%d (-want +got):\n%s", i, diff)
		}
		g.Remove("64", time.Unix(1000, 0))
		if shown := g.Explain().Shares; len(shown) != 4 {
			t.Errorf("%d: of 64 values %d are shown, want 4", i, len(shown))
		}
	}
}
