package view

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// dice returns a number from 0 to n-1. It is a random number generator or rapid's, which shrinks.
type dice func(n int) int

func (d dice) one(in int) bool { return d(in) == in-1 }

func pick[T any](d dice, from ...T) T { return from[d(len(from))] }

const (
	zoneKey = corev1.LabelTopologyZone
	hostKey = corev1.LabelHostname
	gpu     = corev1.ResourceName("nvidia.com/gpu")
)

func testNode(name, zone string, res map[corev1.ResourceName]string) *st.NodeWrapper {
	return st.MakeNode().Name(name).Label(hostKey, name).Label(zoneKey, zone).Capacity(res)
}

func testPod(name string) *st.PodWrapper {
	return st.MakePod().Namespace(testNamespace).Name(name).UID(name).Priority(10)
}

func apps(values ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: values},
	}}
}

// drawWorld draws a cluster and a gang. A plain gang has one class whose filters look at one node only.
func drawWorld(d dice, plain bool) *world {
	w := &world{placement: pick(d, gang.Pack, gang.Spread)}
	zones := 1 + d(3)
	for i := range 3 + d(13) {
		w.nodes = append(w.nodes, drawNode(d, fmt.Sprintf("n%d", i), fmt.Sprintf("z%d", d(zones))))
	}
	for i := range d(2 * len(w.nodes)) {
		w.running = append(w.running, drawRunning(d, w, fmt.Sprintf("r%d", i)))
	}
	classes := 1 + d(3)
	if plain {
		classes = 1
	}
	for c := range classes {
		w.members = append(w.members, drawClass(d, c, classes, 1+d(12/classes), plain)...)
	}
	w.need = len(w.members)
	if d.one(3) {
		w.need = 1 + d(len(w.members))
	}
	for i := range d(3) {
		other := drawNominated(d, fmt.Sprintf("p%d", i))
		w.nominations = append(w.nominations, nomination{other, drawName(d, w)})
	}
	if d.one(4) {
		w.nominations = append(w.nominations, nomination{pick(d, w.members...), drawName(d, w)})
	}
	return w
}

func drawName(d dice, w *world) string { return w.nodes[d(len(w.nodes))].Name }

func drawNode(d dice, name, zone string) *corev1.Node {
	res := map[corev1.ResourceName]string{
		corev1.ResourceCPU: pick(d, "2", "4", "8"), corev1.ResourceMemory: pick(d, "4Gi", "8Gi"),
		corev1.ResourcePods: pick(d, "32", "32", "3"),
	}
	if d.one(3) {
		res[gpu] = pick(d, "1", "4")
	}
	n := testNode(name, zone, res).Label("disk", pick(d, "hdd", "ssd"))
	if d.one(10) {
		delete(n.Labels, zoneKey)
	}
	if d.one(6) {
		n.Taints([]corev1.Taint{{Key: "dedicated", Value: "x", Effect: corev1.TaintEffectNoSchedule}})
	}
	if d.one(12) {
		n.Unschedulable(true)
	}
	return n.Obj()
}

func drawRunning(d dice, w *world, name string) *corev1.Pod {
	p := testPod(name).Node(drawName(d, w)).Label("app", pick(d, "a", "b", "c", "x", "y")).
		Req(map[corev1.ResourceName]string{corev1.ResourceCPU: pick(d, "100m", "1"), corev1.ResourceMemory: "512Mi"})
	if d.one(8) {
		p.PodAntiAffinity(pick(d, hostKey, zoneKey), apps(pick(d, "a", "b", "c")), st.PodAntiAffinityWithRequiredReq)
	}
	if d.one(10) { // repel some members of what would otherwise be one class
		p.PodAntiAffinity(hostKey, &metav1.LabelSelector{MatchLabels: map[string]string{"index": pick(d, "0", "1")}},
			st.PodAntiAffinityWithRequiredReq)
	}
	if d.one(8) {
		p.HostPort(pick(d, int32(8080), 9090))
	}
	return p.Obj()
}

func drawNominated(d dice, name string) *corev1.Pod {
	p := testPod(name).Label("app", pick(d, "a", "b", "x")).Priority(pick(d, int32(5), 10, 20)).
		Req(map[corev1.ResourceName]string{corev1.ResourceCPU: pick(d, "1", "2")})
	switch d(8) {
	case 5:
		p.HostPort(8080)
	case 6:
		p.PodAntiAffinity(pick(d, hostKey, zoneKey), apps("a", "b"), st.PodAntiAffinityWithRequiredReq)
	case 7:
		p.PodAntiAffinity(hostKey, &metav1.LabelSelector{MatchLabels: map[string]string{"index": "0"}},
			st.PodAntiAffinityWithRequiredReq)
	}
	return p.Obj()
}

// drawClass draws pods that are equal except for an index.
func drawClass(d dice, class, classes, count int, plain bool) []*corev1.Pod {
	app := string(rune('a' + class))
	like := testPod("").Label("app", app)
	res := map[corev1.ResourceName]string{corev1.ResourceCPU: pick(d, "100m", "500m", "1", "1500m", "3")}
	if d.one(2) {
		res[corev1.ResourceMemory] = pick(d, "256Mi", "1Gi", "3Gi")
	}
	if d.one(6) {
		res[gpu] = "1"
	}
	like.Req(res)
	drawLocal(d, like)
	if !plain {
		for range 1 + d(2) {
			drawPairwise(d, like, app, string(rune('a'+d(classes))))
		}
	}
	if d.one(2) {
		like.Toleration("dedicated")
	}
	var pods []*corev1.Pod
	for i := range count {
		p := like.Obj().DeepCopy()
		p.Name = fmt.Sprintf("%s%d", app, i)
		p.UID = types.UID(p.Name)
		p.Labels["index"] = fmt.Sprint(i)
		pods = append(pods, p)
	}
	return pods
}

// drawLocal draws constraints on the node alone.
func drawLocal(d dice, p *st.PodWrapper) {
	switch d(8) {
	case 4:
		p.NodeSelector(map[string]string{"disk": "ssd"})
	case 5:
		p.NodeAffinityIn(zoneKey, []string{"z0", "z1"}, st.NodeSelectorTypeMatchExpressions)
	case 6:
		p.NodeAffinityNotIn("disk", []string{"hdd"})
	case 7:
		p.HostPort(8080)
	}
}

// drawPairwise draws constraints on other pods, of the gang or not.
func drawPairwise(d dice, p *st.PodWrapper, own, other string) {
	key := pick(d, hostKey, zoneKey)
	switch d(15) {
	case 12:
		p.PodAntiAffinity(key, apps(own, other), st.PodAntiAffinityWithPreferredReq)
	case 13:
		p.PodAffinity(key, apps(other), st.PodAffinityWithPreferredReq)
	case 14:
		p.SpreadConstraint(1, key, corev1.ScheduleAnyway, apps(own), nil, nil, nil, nil)
	case 0:
		p.PodAntiAffinity(hostKey, apps(own), st.PodAntiAffinityWithRequiredReq)
	case 1:
		p.PodAntiAffinity(key, apps(other), st.PodAntiAffinityWithRequiredReq)
	case 2:
		p.PodAntiAffinity(key, apps("x"), st.PodAntiAffinityWithRequiredReq)
	case 3:
		p.PodAffinity(key, apps(own), st.PodAffinityWithRequiredReq)
	case 4:
		p.PodAffinity(key, apps(other), st.PodAffinityWithRequiredReq)
	case 5:
		p.PodAffinity(zoneKey, apps("x", "y"), st.PodAffinityWithRequiredReq)
	case 6:
		p.SpreadConstraint(1+d(2), key, corev1.DoNotSchedule, apps(own), nil, nil, nil, nil)
	case 7:
		p.SpreadConstraint(1+d(2), zoneKey, corev1.DoNotSchedule, apps(own, other), nil, nil, nil, nil)
	case 8:
		p.PodAntiAffinity(hostKey, &metav1.LabelSelector{MatchLabels: map[string]string{"index": "0"}},
			st.PodAntiAffinityWithRequiredReq)
	case 9:
		terms := &metav1.LabelSelector{MatchLabels: map[string]string{"app": other}}
		p.PodAntiAffinity(key, terms, st.PodAntiAffinityWithRequiredReq)
		last := p.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		last[len(last)-1].NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}
	}
}
