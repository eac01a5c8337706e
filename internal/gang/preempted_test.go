package gang_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// running returns a gang whose members run, created one second after another. change changes the i-th member.
func running(members, minAvailable int, change func(i int, m *gang.Member)) *gang.Gang {
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	for i := range members {
		m := one(i, minAvailable)
		m.Created = start.Add(time.Duration(i) * time.Second)
		m.Node, m.Scheduled = "node", start.Add(time.Minute)
		if change != nil {
			change(i, &m)
		}
		g.Observe(m, start.Add(time.Minute))
	}
	return g
}

// names writes the names of members without the name of their gang, in their order.
func names(refs []gang.Ref) string {
	var all []string
	for _, ref := range refs {
		all = append(all, strings.TrimPrefix(ref.Name, "a-"))
	}
	return strings.Join(all, " ")
}

// What goes together and what is surplus. Surplus is in the order in which it goes.
func TestSplit(t *testing.T) {
	roles := gang.NewRoles(gang.Role{Name: "launcher", Min: 1}, gang.Role{Name: "worker", Min: 2})
	withRoles := func(launchers int) func(int, *gang.Member) {
		return func(i int, m *gang.Member) {
			m.Spec.Roles, m.Spec.Role = roles, "worker"
			if i < launchers {
				m.Spec.Role = "launcher"
			}
		}
	}
	for _, tc := range []struct {
		name         string
		members, min int
		change       func(i int, m *gang.Member)
		// needed is sorted.
		needed, surplus string
		never           bool
	}{
		{name: "all are needed", members: 3, min: 3, needed: "0 1 2"},
		{name: "the last are surplus", members: 5, min: 2, needed: "0 1", surplus: "4 3 2"},
		{
			name: "the newest is the last, whatever its name", members: 3, min: 2, needed: "1 2", surplus: "0",
			change: func(i int, m *gang.Member) { m.Created = start.Add(time.Duration(9-i) * time.Second) },
		},
		{
			name: "equally old ones go by name", members: 3, min: 1, needed: "0", surplus: "2 1",
			change: func(_ int, m *gang.Member) { m.Created = start },
		},
		{
			name: "a member that ends is neither, and is no surplus of others", members: 4, min: 2, needed: "1 2", surplus: "3",
			change: func(i int, m *gang.Member) { m.Terminating = i == 0 },
		},
		{
			name: "a gang that has too few goes as a whole", members: 3, min: 3, needed: "1 2",
			change: func(i int, m *gang.Member) { m.Terminating = i == 0 },
		},
		{
			name: "a member that waits does not count", members: 4, min: 2, needed: "0 1", surplus: "2",
			change: func(i int, m *gang.Member) {
				if i == 3 {
					m.Node = ""
				}
			},
		},
		{
			name: "nothing runs", members: 2, min: 2, never: true,
			change: func(_ int, m *gang.Member) { m.Node = "" },
		},
		{
			name: "a pod of another scheduler protects nobody", members: 4, min: 2, needed: "0 1", surplus: "2",
			change: func(i int, m *gang.Member) { m.Foreign = i == 3 },
		},
		{name: "every role keeps its minimum", members: 5, change: withRoles(2), needed: "0 2 3", surplus: "4 1"},
		{name: "the last of a role stays though it is the last of all", members: 4, change: func(i int, m *gang.Member) {
			m.Spec.Roles, m.Spec.Role = roles, "worker"
			if i == 3 {
				m.Spec.Role = "launcher"
			}
		}, needed: "0 1 3", surplus: "2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			needed, surplus, ok := running(tc.members, tc.min, tc.change).Split()
			slices.SortFunc(needed, func(a, b gang.Ref) int { return strings.Compare(a.Name, b.Name) })
			if ok == tc.never {
				t.Fatalf("may be preempted: %v", ok)
			}
			if ok && (names(needed) != tc.needed || names(surplus) != tc.surplus) {
				t.Errorf("needed %q, surplus %q; want %q and %q", names(needed), names(surplus), tc.needed, tc.surplus)
			}
		})
	}
}

// A member that succeeded counts for min-available, so one more of those that run is surplus.
func TestSplitCountsSuccess(t *testing.T) {
	g := running(3, 2, nil)
	g.Finish(gang.Finished{UID: "0", Name: "a-0", OwnerUID: "job", Node: "node", Succeeded: true, At: start.Add(time.Hour)}, start.Add(time.Hour))
	g.Remove("0", start.Add(time.Hour))
	needed, surplus, ok := g.Split()
	if !ok || names(needed) != "1" || names(surplus) != "2" {
		t.Errorf("needed %q, surplus %q, may be preempted: %v; want 1 and 2", names(needed), names(surplus), ok)
	}
}

// While a gang starts, nothing of it is preempted: some members would be bound when the others are gone.
func TestSplitOfAGangThatStarts(t *testing.T) {
	g := running(3, 3, func(_ int, m *gang.Member) { m.Node = "" })
	for i := range 3 {
		g.Enter(fmt.Sprint(i), start.Add(time.Minute))
	}
	now := start.Add(2 * time.Minute)
	g.Begin("0", true, now)
	g.Task(now)
	var plan gang.Planned
	for i := range 3 {
		plan.Pins = append(plan.Pins, gang.Pin{UID: fmt.Sprint(i), Node: "node"})
	}
	if ok, _ := g.Commit("0", plan, now); !ok {
		t.Fatal("the gang does not start")
	}
	if _, _, ok := g.Split(); ok {
		t.Error("it may be preempted while all members are being bound")
	}
	for i := range 3 {
		m := one(i, 3)
		m.Created, m.Node, m.Scheduled = start.Add(time.Duration(i)*time.Second), "node", now
		g.Observe(m, now)
		if _, _, ok := g.Split(); ok != (i == 2) {
			t.Errorf("it may be preempted with %d of 3 bound: %v", i+1, ok)
		}
	}
}

// preempted is a gang of four that is preempted as a whole.
type preempted struct {
	*gang.Gang
	now     time.Time
	evicted []string
	because []gang.Explanation
}

func newPreempted() *preempted {
	p := &preempted{Gang: running(4, 4, nil), now: start.Add(time.Hour)}
	p.Preempted(gang.ByWhy{Taker: "gang default/b", Priority: 1000, Reason: gang.PreemptInQueue, Whole: true}, p.now)
	return p
}

func (p *preempted) tick(long time.Duration) {
	for end := p.now.Add(long); p.now.Before(end); {
		p.now = p.now.Add(100 * time.Millisecond)
		for _, decision := range p.Tick(p.now) {
			if evict, ok := decision.(gang.Evict); ok {
				p.evicted, p.because = append(p.evicted, names(evict.Members)), append(p.because, evict.Because)
			}
		}
	}
}

// The members are asked by whom preempts them, however long that takes.
func TestPreemptedGangDoesNotEvictItself(t *testing.T) {
	p := newPreempted()
	p.tick(10 * time.Minute)
	if len(p.evicted) > 0 {
		t.Errorf("it evicted %v", p.evicted)
	}
}

// If the preemptor is deleted while its victims terminate, the other members of the victim gang are evicted too. The event names the preemptor.
func TestRestOfAPreemptedGangGoes(t *testing.T) {
	for name, some := range map[string]func(*preempted){
		"one is gone": func(p *preempted) { p.Remove("1", p.now) },
		"one ends": func(p *preempted) {
			m := one(1, 4)
			m.Created, m.Node, m.Scheduled, m.Terminating = start.Add(time.Second), "node", start.Add(time.Minute), true
			p.Observe(m, p.now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPreempted()
			some(p)
			p.PreemptionEnded(p.now)
			p.tick(6 * time.Second)
			if want := []string{"0 2 3"}; !slices.Equal(p.evicted, want) {
				t.Fatalf("it evicted %q, want %q", p.evicted, want)
			}
			if by := p.because[0].By; p.because[0].Kind != gang.KindPreempted || by == nil || by.Taker != "gang default/b" {
				t.Errorf("the eviction says %+v, want the preemptor default/b", p.because[0])
			}
		})
	}
}

// If the preemptor goes away before any member was asked to end, the gang goes on.
func TestPreemptedGangThatNobodyAskedGoesOn(t *testing.T) {
	p := newPreempted()
	p.PreemptionEnded(p.now)
	late := one(4, 4)
	late.Created = p.now
	p.Observe(late, p.now)
	if verdict := p.Enter("4", p.now); verdict == gang.Go {
		t.Error("a further member starts although the members may be about to end")
	}
	p.tick(10 * time.Minute)
	if len(p.evicted) > 0 {
		t.Errorf("it evicted %v", p.evicted)
	}
	if verdict := p.Enter("4", p.now); verdict != gang.Go {
		t.Errorf("a further member of the running gang waits: %v", verdict)
	}
}
