package setaside_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/setaside"
)

func at(second int64) time.Time { return time.Unix(second, 0) }

var now = at(1000)

// release draws a running pod. One in three has a known end.
func release(pod int) *rapid.Generator[setaside.Release] {
	return rapid.Custom(func(t *rapid.T) setaside.Release {
		r := setaside.Release{Pod: pod, Node: rapid.IntRange(0, 4).Draw(t, "node")}
		if rapid.IntRange(0, 2).Draw(t, "known") == 0 {
			r.Ends = at(rapid.Int64Range(990, 1010).Draw(t, "ends"))
		} else {
			r.Stays = rapid.Bool().Draw(t, "stays")
		}
		return r
	})
}

func releases(t *rapid.T) []setaside.Release {
	all := make([]setaside.Release, rapid.IntRange(0, 20).Draw(t, "releases"))
	for i := range all {
		all[i] = release(i).Draw(t, "release")
	}
	return all
}

// TestTheOrderOfReleases: known ends first by time, none before now; then node by node, and the order of the input does not count.
func TestTheOrderOfReleases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := releases(t)
		aside := func(node int) bool { return node == 2 }
		other := rapid.Permutation(all).Draw(t, "other order")
		setaside.Order(all, aside, now)
		setaside.Order(other, aside, now)
		if !slices.Equal(all, other) {
			t.Fatalf("the order depends on that of the input:\n%v\n%v", all, other)
		}
		unknown := slices.IndexFunc(all, func(r setaside.Release) bool { return !r.Known() })
		if unknown < 0 {
			unknown = len(all)
		}
		for i, r := range all {
			switch {
			case r.Known() != (i < unknown):
				t.Fatalf("release %d of %v is after one with an unknown end", i, all)
			case r.Known() && r.Ends.Before(now):
				t.Fatalf("release %d of %v ends before now", i, all)
			case r.Known() && i > 0 && r.Ends.Before(all[i-1].Ends):
				t.Fatalf("release %d of %v ends before the one that it follows", i, all)
			}
		}
		left := slices.Clone(all[unknown:])
		for len(left) > 0 {
			best, size := left[0].Node, 0
			stays := func(node int) (n, of int) {
				for _, r := range all[unknown:] {
					if r.Node == node {
						of++
						if r.Stays {
							n++
						}
					}
				}
				return n, of
			}
			for _, r := range left {
				mine, count := stays(best)
				theirs, others := stays(r.Node)
				better := slices.Compare(rank(theirs, others, aside(r.Node)), rank(mine, count, aside(best)))
				if better < 0 {
					t.Fatalf("node %d comes before node %d in %v", best, r.Node, all)
				}
			}
			for size < len(left) && left[size].Node == best {
				size++
			}
			left = left[size:]
			if slices.ContainsFunc(left, func(r setaside.Release) bool { return r.Node == best }) {
				t.Fatalf("node %d comes twice in %v", best, all)
			}
		}
	})
}

// rank orders nodes: without pods that stay, where capacity is set aside, with the fewest pods.
func rank(stay, pods int, aside bool) []int {
	r := []int{min(stay, 1), 1, stay, pods}
	if aside {
		r[1] = 0
	}
	return r
}

// TestTheShortestWait is as long as one that tries every number finds, and is found with few questions.
func TestTheShortestWait(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "releases")
		need := rapid.IntRange(0, 310).Draw(t, "needed")
		low := rapid.IntRange(0, min(n, need)).Draw(t, "lower bound")
		asked, most := 0, 0
		ended, found := setaside.Shortest(low, n, func(ended int) bool {
			asked, most = asked+1, max(most, ended)
			return ended >= need
		})
		switch {
		case found != (need <= n):
			t.Fatalf("found: %t", found)
		case found && ended != need:
			t.Fatalf("%d are waited for, want %d", ended, need)
		case asked > 20:
			t.Fatalf("asked %d times", asked)
		case most > 2*(need-low)+low:
			t.Fatalf("asked for %d, with %d needed and at least %d", most, need, low)
		}
	})
}

// TestWithoutMonotonyTheLastReleaseStillCounts: one less does not fit.
func TestWithoutMonotonyTheLastReleaseStillCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := rapid.SliceOfN(rapid.Bool(), 1, 40).Draw(t, "fits")
		ended, found := setaside.Shortest(0, len(answers)-1, func(ended int) bool { return answers[ended] })
		if found && (!answers[ended] || ended > 0 && answers[ended-1]) {
			t.Fatalf("%d of %v", ended, answers)
		}
		if !found && answers[len(answers)-1] {
			t.Fatalf("nothing found in %v", answers)
		}
	})
}

func TestTheEstimateNeedsAllEnds(t *testing.T) {
	early, late, unknown := setaside.Release{Ends: at(1001), Pod: 1}, setaside.Release{Ends: at(1002), Pod: 2}, setaside.Release{}
	for _, tc := range []struct {
		name    string
		awaited []setaside.Release
		want    int
	}{
		{"nothing is waited for", nil, 0},
		{"all ends are known", []setaside.Release{early, late}, 2},
		{"one is not", []setaside.Release{early, late, unknown}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if last, known := setaside.Estimate(tc.awaited); last.Pod != tc.want || known != (tc.want != 0) {
				t.Errorf("after pod %d (%t), want %d", last.Pod, known, tc.want)
			}
		})
	}
}

func TestWhoMayUseWhatIsSetAside(t *testing.T) {
	start := now.Add(time.Minute)
	for _, tc := range []struct {
		name  string
		aside setaside.Aside
		user  setaside.User
		want  bool
	}{
		{"nothing is known", setaside.Aside{}, setaside.User{}, false},
		{"it ends, but the start is unknown", setaside.Aside{}, setaside.User{Runtime: time.Second}, false},
		{"it ends just in time", setaside.Aside{CouldStart: start}, setaside.User{Runtime: time.Minute}, true},
		{"it ends too late", setaside.Aside{CouldStart: start}, setaside.User{Runtime: time.Minute + 1}, false},
		{"its end is unknown", setaside.Aside{CouldStart: start}, setaside.User{}, false},
		{"it outranks the gang", setaside.Aside{}, setaside.User{Outranks: true}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.aside.Admits(tc.user, now); got != tc.want {
				t.Errorf("admitted: %t", got)
			}
		})
	}
}

// TestUsersDoNotPutOffTheStart: however often the plan is renewed, a user ends before the time at which the gang first could start.
func TestUsersDoNotPutOffTheStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		found := func() setaside.Aside {
			return setaside.Aside{CouldStart: at(rapid.Int64Range(1000, 1100).Draw(t, "could start"))}
		}
		first := found()
		aside := first
		for range rapid.IntRange(0, 5).Draw(t, "renewals") {
			aside = aside.Renew(found(), false)
		}
		if user := (setaside.User{Runtime: first.CouldStart.Sub(now) + 1}); aside.Admits(user, now) {
			t.Fatalf("admitted until %v, the gang could start at %v", aside.CouldStart, first.CouldStart)
		}
		if later := (setaside.Aside{CouldStart: first.CouldStart.Add(time.Hour)}); aside.Renew(later, true) != later {
			t.Fatal("a new plan keeps the old start")
		}
	})
}

func TestOneGangInEachPool(t *testing.T) {
	var pools setaside.Pools
	if !pools.Free([]string{"a", "b"}) {
		t.Error("a pool is taken at the start")
	}
	pools.Take([]string{"a", "b"})
	if pools.Free([]string{"b", "c"}) || !pools.Free([]string{"c"}) || pools.Size() != 2 {
		t.Error("not the nodes a and b are taken")
	}
}
