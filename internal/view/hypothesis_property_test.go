package view

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// view returns a view for the world's gang. The members are classified as if further pods were running, too.
func (h *harness) view(t fataler, w *world, further ...*corev1.Pod) *view {
	t.Helper()
	union := *w
	union.running = slices.Concat(w.running, further)
	h.set(t, &union)
	promised, err := promises(h.framework, w.members)
	if err != nil {
		t.Fatalf("%v", err)
	}
	classes, err := classify(h.ctx, team{pods: w.members}, h.snapshot.NodeInfos(), promised)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if len(further) > 0 {
		h.set(t, w)
	}
	return h.viewOf(t, classes, promised)
}

func (h *harness) viewOf(t fataler, classes []*class, promised map[string][]fwk.PodInfo) *view {
	t.Helper()
	v, err := newView(h.ctx, h.framework, classes, promised, h.planner.namespaceLabels(testNamespace))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

// answer is a view's answer for a class and a node.
type answer struct {
	Room int
	Fits bool
}

func answers(t fataler, v *view) [][]answer {
	t.Helper()
	all := make([][]answer, len(v.classes))
	for c := range v.classes {
		for n := range v.nodes {
			all[c] = append(all[c], answer{v.Room(c, n), v.Fits(c, n)})
		}
	}
	if v.err != nil {
		t.Fatalf("asking the view: %v", v.err)
	}
	return all
}

func find(v *view, w *world) (placement.Plan, bool) {
	return placement.Find(v, placement.Gang{Classes: v.sized(), Min: w.need, Strategy: strategies[w.placement]})
}

// picture is a deep copy of a view.
type picture struct {
	Answers             [][]answer
	Same                []fwk.NodeInfo // the nodes without members, not copied
	Snapshot, Nodes     []fwk.NodeInfo
	Changed, Placed, On []int
	Promised            map[string][]fwk.PodInfo
	Inside              sets.Set[int]
	Changes, Undo, Held int
	Classes             []class
	States              []map[fwk.StateKey]fwk.StateData
	Skipped             []sets.Set[string]
	Sized               []placement.Class
}

func pictureOf(t fataler, v *view) picture {
	t.Helper()
	p := picture{
		Answers: answers(t, v), Same: slices.Clone(v.snapshot), Changed: append([]int{}, v.changed...),
		Placed: append([]int{}, v.placed...), On: append([]int{}, v.on...), Promised: v.promised, Inside: copyOf(v.inside),
		Changes: len(v.changes), Undo: len(v.undo), Held: len(v.allocations.held), Sized: v.sized(),
	}
	for i := range v.nodes {
		p.Snapshot, p.Nodes = append(p.Snapshot, v.snapshot[i].Snapshot()), append(p.Nodes, v.nodes[i].Snapshot())
	}
	for _, c := range v.classes {
		copied := *c
		copied.repelled = maps.Clone(c.repelled)
		copied.base, copied.state, copied.levels, copied.floors, copied.version = nil, nil, nil, nil, 0
		if c.stateful {
			copied.version = v.version - c.version
		}
		p.Classes = append(p.Classes, copied)
		for _, state := range []fwk.CycleState{c.base, c.state} {
			states := map[fwk.StateKey]fwk.StateData{}
			for _, plugin := range []string{names.InterPodAffinity, names.PodTopologySpread, names.VolumeRestrictions} {
				key := fwk.StateKey("PreFilter" + plugin)
				if data, err := state.Read(key); err == nil {
					states[key] = data.Clone()
				}
			}
			p.States = append(p.States, states)
			p.Skipped = append(p.Skipped, state.GetSkipFilterPlugins().Clone())
		}
	}
	return p
}

// difference compares pictures deeply. It ignores the contents of pods and nodes, and what has no meaning: the order of two domains with
// equally few pods, and the generations of nodes.
func difference(a, b picture) string {
	return cmp.Diff(a, b, cmp.Exporter(func(reflect.Type) bool { return true }),
		cmp.Comparer(func(a, b fwk.PodInfo) bool { return a == b }),
		cmp.Comparer(func(a, b *corev1.Node) bool { return a == b }),
		cmp.Comparer(func(a, b *corev1.Pod) bool { return a == b }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Same" }, cmp.Comparer(func(a, b []fwk.NodeInfo) bool {
			return slices.Equal(a, b)
		})),
		cmp.FilterPath(func(p cmp.Path) bool {
			return slices.Contains([]string{".podInfo", ".namespaceLabels", ".Constraints", ".TopologyValue", ".Generation"}, p.Last().String())
		}, cmp.Ignore()))
}

// assumed is the simple reference implementation: it keeps what the hypotheses assume in lists.
type assumed struct {
	running, slots []*corev1.Pod
	inside         sets.Set[string] // nil means all
}

func (a assumed) clone() assumed {
	return assumed{running: slices.Clone(a.running), slots: slices.Clone(a.slots), inside: copyOf(a.inside)}
}

// copyOf copies a set; nil, which means all, stays nil.
func copyOf[T comparable](s sets.Set[T]) sets.Set[T] {
	if s == nil {
		return nil
	}
	return s.Clone()
}

// drawSome draws some of the elements, and returns the others too.
func drawSome[T any](d dice, from []T) (some, others []T) {
	for _, e := range from {
		if d.one(3) {
			some = append(some, e)
		} else {
			others = append(others, e)
		}
	}
	return some, others
}

// supposer makes random hypotheses about a random cluster.
type supposer struct {
	dice
	*world
	view   *view
	now    assumed
	before []assumed
	saw    []picture
	unused []*corev1.Pod // slots that are not used yet
}

// step opens, changes or closes a hypothesis, or plans under it.
func (s *supposer) step(t fataler) {
	t.Helper()
	var err error
	switch s.dice(8) {
	case 0, 1:
		s.begin(t)
	case 2:
		var gone []*corev1.Pod
		gone, s.now.running = drawSome(s.dice, s.now.running)
		err = s.view.without(gone...)
	case 3:
		var some []*corev1.Pod
		some, s.unused = drawSome(s.dice, s.unused)
		s.now.slots = append(s.now.slots, some...)
		err = s.view.with(slotsOf(some)...)
	case 4:
		nodes := sets.New[string]()
		some, _ := drawSome(s.dice, s.nodes)
		for _, n := range some {
			nodes.Insert(n.Name)
		}
		err = s.view.only(nodes)
		if s.now.inside == nil {
			s.now.inside = nodes
		} else {
			s.now.inside = s.now.inside.Intersection(nodes)
		}
	case 5:
		find(s.view, s.world)
	case 6:
		s.view.Reset()
	case 7:
		s.end(t)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, s.world)
	}
}

func (s *supposer) begin(t fataler) {
	t.Helper()
	s.saw, s.before = append(s.saw, pictureOf(t, s.view)), append(s.before, s.now.clone())
	s.view.begin()
}

func (s *supposer) end(t fataler) {
	t.Helper()
	last := len(s.saw) - 1
	if last < 0 {
		return
	}
	if s.one(3) {
		s.view.commit()
	} else {
		s.view.rollBack()
		s.now = s.before[last]
		if diff := difference(s.saw[last], pictureOf(t, s.view)); diff != "" {
			t.Fatalf("the view was rolled back, and is another one than before:\n%s\n%s", diff, s.world)
		}
	}
	s.saw, s.before = s.saw[:last], s.before[:last]
}

func slotsOf(pods []*corev1.Pod) []slot {
	var slots []slot
	for _, p := range pods {
		info, err := framework.NewPodInfo(p)
		if err != nil {
			panic(err)
		}
		slots = append(slots, slot{node: p.Spec.NodeName, info: info})
	}
	return slots
}

// TestHypotheses: rolling back restores the view, and a view under hypotheses equals the view of a cluster in which they hold.
func TestHypotheses(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		d := rolled(t)
		w := drawWorld(d, false)
		for _, p := range w.running {
			if d.one(6) {
				p.DeletionTimestamp = &metav1.Time{}
			}
		}
		var unused []*corev1.Pod
		for i := range d(6) {
			unused = append(unused, drawRunning(d, w, fmt.Sprintf("s%d", i)))
		}
		s := supposer{dice: d, world: w, view: h.view(t, w, unused...), now: assumed{running: w.running}, unused: unused}
		for range 1 + d(16) {
			s.step(t)
		}
		for len(s.saw) > 0 {
			s.end(t)
		}
		s.view.Reset()
		got, sized := answers(t, s.view), s.view.sized()
		plan, ok := find(s.view, w)
		s.compare(t, h, got, sized, plan, ok)
	})
}

// compare compares the view's answers with those of a view of a cluster in which the hypotheses hold.
func (s *supposer) compare(t fataler, h *harness, got [][]answer, sized []placement.Class, plan placement.Plan, ok bool) {
	t.Helper()
	really := *s.world
	really.running = slices.Concat(s.now.running, s.now.slots)
	h.set(t, &really)
	fresh := make([]*class, len(s.view.classes))
	for i, c := range s.view.classes {
		fresh[i] = &class{equals: c.equals}
	}
	v := h.viewOf(t, fresh, s.view.promised)
	if s.now.inside != nil {
		v.inside = sets.New[int]()
		for i, n := range v.nodes {
			if s.now.inside.Has(n.Node().Name) {
				v.inside.Insert(i)
			}
		}
	}
	if s.repellingNominations() {
		s.noneTooMany(t, v, got)
		return
	}
	want := answers(t, v)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("really, and hypothetically:\n%s\ngone: all but %d, slots %d, inside %v\n%s", diff, len(s.now.running), len(s.now.slots),
			s.now.inside, s.world)
	}
	same := true
	for i, class := range v.sized() {
		if diff := cmp.Diff(class.Tiers, sized[i].Tiers); diff != "" {
			t.Fatalf("class %d is ranked really, and hypothetically:\n%s\n%s", i, diff, s.world)
		}
		same = same && cmp.Equal(class, sized[i])
	}
	if !same {
		return // a class stays pairwise without the pod that made it so, and may be placed later then
	}
	if really, fits := find(v, s.world); fits != ok || really.Placed != plan.Placed {
		t.Fatalf("really %d placed, %v; hypothetically %d placed, %v\n%s", really.Placed, fits, plan.Placed, ok, s.world)
	}
}

// repellingNominations reports whether a nominated pod may have anti-affinity. The view may then count it where upstream misses it, but not
// the other way round.
func (s *supposer) repellingNominations() bool {
	return slices.ContainsFunc(s.nominations, func(p nomination) bool { return p.pod.Spec.Affinity != nil })
}

func (s *supposer) noneTooMany(t fataler, v *view, got [][]answer) {
	t.Helper()
	for c, nodes := range answers(t, v) {
		for n, want := range nodes {
			if got[c][n].Room != want.Room || got[c][n].Fits && !want.Fits {
				t.Fatalf("class %d, node %d: hypothetically %+v, really %+v\n%s", c, n, got[c][n], want, s.world)
			}
		}
	}
}
