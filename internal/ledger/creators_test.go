package ledger_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// group is a gang whose creator declares executors, or, with no executors, a gang without a creator.
type group struct {
	name      string
	executors int
	need      int
	choices
}

// TestCreatorsAndLosses drives a scheduler with gangs that have creators, with members that end or are lost, and with restarts.
// Slots must not leak, must not be assigned twice, and must not block the members for which they are held.
func TestCreatorsAndLosses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 6)
		groups := rapid.SliceOfN(rapid.Custom(drawGroup), 1, 3).Draw(t, "groups")
		for i := range groups {
			groups[i].name = fmt.Sprint("g", i)
		}
		started := map[string]bool{}
		check := func(t *rapid.T) {
			checkStatuses(t, s)
			for _, g := range groups {
				if s.overbooked() || s.heldBy(g.name) > g.executors {
					t.Fatalf("%d slots are held for %d executors of %s\n%s", s.heldBy(g.name), g.executors, g.name, s)
				}
				n := s.count(g.name, bound)
				if g.executors == 0 && n > 0 && s.starting(g.name)+s.succeeded(g.name) < g.need && !started[g.name] {
					t.Fatalf("gang %s started with %d of the %d members that it needs\n%s", g.name, n, g.need, s)
				}
				started[g.name] = s.starting(g.name) > 0
			}
		}
		t.Repeat(steps(s, groups, check))

		s.rest(150 * time.Second)
		check(t)
		quietCreators(t, s, groups)
		for _, name := range sortedKeys(s.ended) {
			s.collect(s.ended[name])
		}
		everythingGoes(t, s)
		if s.follow(); len(s.held) > 0 || s.wrong != "" {
			t.Fatalf("all pods are deleted, and %d slots are held; %s", len(s.held), s.wrong)
		}
	})
}

func drawGroup(t *rapid.T) group {
	g := group{executors: rapid.IntRange(0, 4).Draw(t, "executors"), choices: choices{
		wholeGang: rapid.Bool().Draw(t, "wholeGang"), evictsPartial: rapid.Bool().Draw(t, "evictsPartial"),
		reservation: time.Duration(rapid.IntRange(1, 20).Draw(t, "reservation")) * time.Second,
	}}
	g.need = g.executors + 1
	if g.executors == 0 {
		g.need = rapid.IntRange(1, 4).Draw(t, "need")
	}
	return g
}

func steps(s *simulation, groups []group, check func(*rapid.T)) map[string]func(*rapid.T) {
	created := 0
	name := func() string { created++; return fmt.Sprintf("p%03d", created) }
	pick := func(t *rapid.T, at place) *simPod {
		var found []*simPod
		for _, p := range s.sorted() {
			if at == "" || p.at == at {
				found = append(found, p)
			}
		}
		if len(found) == 0 {
			return nil
		}
		return rapid.SampledFrom(found).Draw(t, "pod")
	}
	return map[string]func(*rapid.T){
		"creator": func(t *rapid.T) {
			if g := rapid.SampledFrom(groups).Draw(t, "gang"); g.executors > 0 {
				s.addCreator(name(), g.name, g.executors, g.choices, rapid.Bool().Draw(t, "informerFirst"))
			}
		},
		"execute": func(t *rapid.T) {
			g, first := rapid.SampledFrom(groups).Draw(t, "gang"), rapid.Bool().Draw(t, "informerFirst")
			if g.executors > 0 {
				s.execute(name(), g.name, g.executors, g.choices, rapid.Bool().Draw(t, "silent"), first)
			} else {
				s.createChoosing(name(), g, first)
			}
		},
		"plain": func(t *rapid.T) { s.create(name(), "", 0, rapid.Bool().Draw(t, "informerFirst"), false) },
		"remove": func(t *rapid.T) {
			if p := pick(t, ""); p != nil {
				s.remove(p)
			}
		},
		"succeed": func(t *rapid.T) {
			if p := pick(t, bound); p != nil {
				s.end(p, corev1.PodSucceeded, false, rapid.Bool().Draw(t, "finishedFirst"))
			}
		},
		"lose": func(t *rapid.T) {
			if p := pick(t, bound); p != nil {
				s.end(p, corev1.PodFailed, rapid.Bool().Draw(t, "rejects"), rapid.Bool().Draw(t, "finishedFirst"))
			}
		},
		"collect": func(t *rapid.T) {
			if names := sortedKeys(s.ended); len(names) > 0 {
				s.collect(s.ended[rapid.SampledFrom(names).Draw(t, "ended")])
			}
		},
		"nodeGone": func(t *rapid.T) { s.nodeGone(rapid.SampledFrom(s.nodes()).Draw(t, "node")) },
		"restart":  func(t *rapid.T) { s.restart(rapid.Bool().Draw(t, "entersEarly")) },
		"cycle":    func(*rapid.T) { s.cycle() },
		"deliver":  s.deliverSome,
		"time":     func(*rapid.T) { s.rest(100 * time.Millisecond) },
		"seconds":  func(t *rapid.T) { s.rest(time.Duration(rapid.IntRange(1, 6).Draw(t, "seconds")) * time.Second) },
		"":         check,
	}
}

// quietCreators checks a scheduler that has nothing left to do.
func quietCreators(t *rapid.T, s *simulation, groups []group) {
	s.follow()
	capacity := sum(s.usable(nil))
	for _, g := range groups {
		creators, running, pending := 0, s.count(g.name, bound), 0
		runs := g.executors == 0 // executors do not run without a creator
		for _, p := range s.pods {
			runs = runs || p.group == g.name && p.at == bound && p.executors > 0
			if p.group == g.name && p.at != bound {
				pending++
				if p.executors > 0 {
					creators++
				}
			}
		}
		complete := creators > 0 || g.executors == 0 && pending >= g.need
		switch {
		case s.count(g.name, binding) > 0 || s.heldBy(g.name) > 0:
			t.Fatalf("gang %s holds %d slots needlessly\n%s", g.name, s.heldBy(g.name), s)
		case running == 0 && complete && capacity >= g.need:
			t.Fatalf("gang %s needs %d members, has %d, and waits although it fits\n%s", g.name, g.need, pending, s)
		case running > 0 && runs && pending > 0 && capacity > 0:
			t.Fatalf("%d members of the running gang %s wait although there is free capacity\n%s", pending, g.name, s)
		}
	}
	before := s.cycles
	s.rest(2 * time.Minute)
	if s.cycles != before {
		t.Fatalf("%d scheduling cycles although nothing changed\n%s", s.cycles-before, s)
	}
}
