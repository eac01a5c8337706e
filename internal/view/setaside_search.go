package view

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/setaside"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// search is the search for the fewest running pods that a gang has to wait for.
type search struct {
	*view
	request AsideRequest
	ledger  *ledger.Ledger
	// pool are the nodes that a member could use, uses by class those that its members could use.
	pool []int
	uses [][]bool
	// aside are the nodes on which capacity is set aside for the gang already.
	aside []bool
	// releases are the running pods of the pool in the order in which they are waited for, infos the pods.
	releases []setaside.Release
	infos    []fwk.PodInfo
	// members are those of the last plan that fits, with their nodes.
	members []spot
}

// spot is a node for a member of a class.
type spot struct{ class, node int }

// findPool finds the nodes that members could use if they were empty.
func (w *search) findPool() {
	pool := map[int]struct{}{}
	for _, c := range w.classes {
		if w.stopped() {
			return
		}
		uses, takes := make([]bool, len(w.snapshot)), c.Amounts()
		affinity := nodeaffinity.GetRequiredNodeAffinity(c.info.GetPod())
		for i, node := range w.snapshot {
			uses[i] = c.excludes(node.Node()) == nil && admits(node.Node(), c.info.GetPod(), affinity) &&
				(!w.bounded || requests.Capacity(takes, node) > 0 || !w.counted())
			if uses[i] {
				pool[i] = struct{}{}
			}
		}
		w.uses = append(w.uses, uses)
	}
	for i := range w.snapshot {
		if _, in := pool[i]; in {
			w.pool = append(w.pool, i)
		}
	}
}

func (w *search) names() []string {
	names := make([]string, len(w.pool))
	for i, node := range w.pool {
		names[i] = w.snapshot[node].Node().Name
	}
	return names
}

// find returns after how many of the releases the gang fits, and false if it does not even after all of them.
func (w *search) find() (ended int, found bool) {
	w.findReleases()
	return setaside.Shortest(w.atLeast(), len(w.releases), w.fits)
}

// findReleases finds the running pods of the pool that may end.
func (w *search) findReleases() {
	aside := sets.New(w.request.Aside...)
	w.aside = make([]bool, len(w.snapshot))
	var pods []*corev1.Pod
	for _, node := range w.pool {
		w.aside[node] = aside.Has(w.snapshot[node].Node().Name)
		for _, info := range w.snapshot[node].GetPods() {
			if pod := info.GetPod(); mayEnd(pod) {
				w.releases = append(w.releases, setaside.Release{Pod: len(w.infos), Node: node})
				w.infos = append(w.infos, info)
				pods = append(pods, pod)
			}
		}
	}
	for i, runtime := range w.ledger.Runtimes(pods) {
		r := &w.releases[i]
		r.Ends, r.Stays = endOf(pods[i], runtime, w.request.Now)
	}
	setaside.Order(w.releases, func(node int) bool { return w.aside[node] }, w.request.Now)
}

// mayEnd is false for pods that end with their node only, and for placeholders.
func mayEnd(pod *corev1.Pod) bool {
	if slots.IsPlaceholder(pod) {
		return false
	}
	owner := metav1.GetControllerOf(pod)
	return owner == nil || owner.Kind != "DaemonSet" && owner.Kind != "Node"
}

// endOf returns when a pod ends that runs so long, zero if that is unknown, and whether it is not expected to end by itself.
func endOf(pod *corev1.Pod, runtime time.Duration, now time.Time) (ends time.Time, stays bool) {
	stays = pod.Spec.RestartPolicy == corev1.RestartPolicyAlways
	if deleted := pod.DeletionTimestamp; deleted != nil {
		if now.Sub(deleted.Time) > hangs {
			return time.Time{}, stays
		}
		return deleted.Time, false
	}
	if runtime == 0 {
		return time.Time{}, stays
	}
	started := ledger.StartedAt(pod)
	if started.IsZero() {
		started = now // it is being bound
	}
	return started.Add(runtime), false
}

// atLeast returns a number of releases that the gang has to wait for at least, by the free resources alone.
func (w *search) atLeast() int {
	if !w.bounded {
		return 0
	}
	room, rooms := make([][]int, len(w.classes)), make([]int, len(w.classes))
	for i := range w.classes {
		room[i] = make([]int, len(w.snapshot))
		for _, node := range w.pool {
			w.measure(room[i], &rooms[i], i, node, w.snapshot[node])
		}
	}
	copies := map[int]fwk.NodeInfo{}
	for ended, r := range w.releases {
		if w.stopped() || w.enough(rooms) {
			return ended
		}
		node := copies[r.Node]
		if node == nil {
			node = w.snapshot[r.Node].Snapshot()
			copies[r.Node] = node
		}
		if err := node.RemovePod(klog.FromContext(w.ctx), w.infos[r.Pod].GetPod()); err != nil {
			return 0 // cannot happen: the node has the pod
		}
		for i := range w.classes {
			w.measure(room[i], &rooms[i], i, r.Node, node)
		}
	}
	return len(w.releases)
}

// measure updates how many members of the class have room on the node, and on all nodes.
func (w *search) measure(room []int, all *int, class, node int, info fwk.NodeInfo) {
	has := 0
	if w.uses[class][node] {
		has = min(w.classes[class].Room(info), len(w.classes[class].pods))
	}
	*all += has - room[node]
	room[node] = has
}

// enough reports whether so much room for each class may be enough for the gang.
func (w *search) enough(rooms []int) bool {
	total := 0
	for i, c := range w.classes {
		if rooms[i] < c.must {
			return false
		}
		total += min(rooms[i], len(c.pods))
	}
	return total >= w.request.Task.Need
}

// fits reports whether the gang fits once so many pods have ended, and keeps the plan if it does.
func (w *search) fits(ended int) bool {
	if w.err != nil {
		return true // ends the search
	}
	w.begin()
	defer w.rollBack()
	if w.assumeEnded(w.releases[:ended]); w.err != nil {
		return true
	}
	found, fits := w.view.find(w.sizedAfter(ended), w.request.Task.Need, placement.Pack)
	if fits {
		w.members = w.members[:0]
		for class, nodes := range found.Nodes {
			for _, node := range nodes {
				w.members = append(w.members, spot{class, node})
			}
		}
	}
	return fits
}

// assumeEnded assumes that these pods have ended.
func (w *search) assumeEnded(ended []setaside.Release) {
	changes := make([]change, len(ended))
	if len(ended) > 0 {
		if _, err := w.nodeNamed(w.snapshot[0].Node().Name); err != nil { // makes a copy of the list of nodes
			w.err = err
			return
		}
	}
	for i, r := range ended {
		changes[i] = change{info: w.infos[r.Pod], node: r.Node, removed: true}
	}
	if err := w.assume(changes); err != nil && w.err == nil {
		w.err = err
	}
}

// sizedAfter describes the classes to the planner. Nodes on which capacity is set aside come first, then others on which no pod has to end,
// so that capacity that is free does not move without need.
func (w *search) sizedAfter(ended int) []placement.Class {
	tiers := make([]uint16, len(w.snapshot))
	for i := range w.snapshot {
		if !w.aside[i] {
			tiers[i] = 1
		}
	}
	for _, r := range w.releases[:ended] {
		tiers[r.Node] |= 2
	}
	sized := make([]placement.Class, len(w.classes))
	for i, c := range w.classes {
		sized[i] = placement.Class{Members: len(c.pods), Must: c.must, Local: c.local, Tiers: tiers}
		if c.stateful {
			sized[i].Cost = statefulCost
		}
		if len(w.classes) > 1 {
			sized[i].Size = w.dominantShare(c)
		}
	}
	return sized
}

// plan describes the last plan that fits, for which so many pods have to end.
func (w *search) plan(ended int) AsidePlan {
	p := AsidePlan{Pool: w.names()}
	awaited := w.releases[:ended]
	if last, known := setaside.Estimate(awaited); known {
		p.After, p.Ends = w.who(w.infos[last.Pod].GetPod()), last.Ends
	}
	free := w.freeNow()
	chosen := w.choose(free)
	for _, i := range chosen {
		at := w.members[i]
		p.Slots = append(p.Slots, slots.Aside{Node: w.snapshot[at.node].Node().Name, Requests: w.classes[at.class].Request})
		if free[i] {
			p.Held++
		}
	}
	if ended > 0 {
		p.CouldStart = w.couldStart(ended, chosen)
	}
	p.Anew = slices.ContainsFunc(w.request.Aside, func(name string) bool {
		_, err := w.framework.SnapshotSharedLister().NodeInfos().Get(name)
		return err != nil
	})
	return p
}

// who names a pod's gang, or the pod.
func (w *search) who(pod *corev1.Pod) string {
	if key, member := w.request.GangOf(pod); member {
		return "gang " + key.String()
	}
	return "pod " + pod.Namespace + "/" + pod.Name
}

// freeNow reports for each member of the plan whether its capacity is free now.
func (w *search) freeNow() []bool {
	free := make([]bool, len(w.members))
	w.Reset()
	for i, at := range w.members {
		if free[i] = w.Fits(at.class, at.node); free[i] {
			w.Place(at.class, at.node)
		}
	}
	w.Reset()
	return free
}

// choose returns the members of the plan that the gang needs to start: those that it must have, and as many others as it needs. Those whose
// capacity is free come first.
func (w *search) choose(free []bool) []int {
	order := make([]int, len(w.members))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case free[a] == free[b]:
			return 0
		case free[a]:
			return -1
		}
		return 1
	})
	must := make([]int, len(w.classes))
	for i, c := range w.classes {
		must[i] = c.must
	}
	var chosen, others []int
	for _, i := range order {
		if class := w.members[i].class; must[class] > 0 {
			must[class]--
			chosen = append(chosen, i)
		} else {
			others = append(others, i)
		}
	}
	if more := w.request.Task.Need - len(chosen); more > 0 {
		chosen = append(chosen, others[:min(more, len(others))]...)
	}
	return chosen
}

// couldStart returns the latest known end that the members really wait for: without it, they do not fit on the node. It is zero if none is
// found.
func (w *search) couldStart(ended int, chosen []int) time.Time {
	awaited := w.releases[:ended]
	if last, known := setaside.Estimate(awaited); known {
		return last.Ends // one pod less is not enough
	}
	on := map[int][]int{}
	for _, i := range chosen {
		on[w.members[i].node] = append(on[w.members[i].node], w.members[i].class)
	}
	candidates := slices.DeleteFunc(slices.Clone(awaited), func(r setaside.Release) bool { return !r.Known() || on[r.Node] == nil })
	slices.SortFunc(candidates, func(a, b setaside.Release) int {
		return cmp.Or(b.Ends.Compare(a.Ends), cmp.Compare(a.Pod, b.Pod))
	})
	for _, r := range candidates[:min(len(candidates), checkedEnds)] {
		if w.needed(r, awaited, on[r.Node]) {
			return r.Ends
		}
	}
	return time.Time{}
}

// needed reports whether members of these classes do not fit on the node while the pod runs, even if the others that are waited for ended.
func (w *search) needed(r setaside.Release, awaited []setaside.Release, classes []int) bool {
	w.begin()
	defer w.rollBack()
	w.assumeEnded(slices.DeleteFunc(slices.Clone(awaited), func(o setaside.Release) bool { return o.Node != r.Node || o.Pod == r.Pod }))
	for _, class := range classes {
		if !w.Fits(class, r.Node) {
			return true
		}
		w.Place(class, r.Node)
	}
	return false
}
