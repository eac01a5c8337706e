package gangread_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// TestTrackerAgreesWithAmong: whatever happens to pods, one after the other, the tracker has the gangs that Among finds among all of them.
func TestTrackerAgreesWithAmong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := podWorld{t: t, pods: map[string]*corev1.Pod{}, tracker: gangread.NewTracker(serving), known: map[gang.Key]string{}}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) { w.create() },
			"update": func(*rapid.T) { w.update() },
			"end":    func(*rapid.T) { w.end() },
			"delete": func(*rapid.T) { w.delete() },
			"look":   func(*rapid.T) { w.look() },
		})
		w.look()
		for name := range w.pods {
			w.tracker.Remove(w.pods[name].UID)
		}
		w.pods = nil
		w.look()
		if weight := w.tracker.Weight(); weight != 0 {
			t.Errorf("without pods, %d are kept", weight)
		}
	})
}

// podWorld is an API server with pods, and a tracker that gets an event for each change.
type podWorld struct {
	t       *rapid.T
	pods    map[string]*corev1.Pod
	uids    []types.UID
	version int
	tracker *gangread.Tracker
	known   map[gang.Key]string
}

func (w *podWorld) chance(one int, what string) bool {
	return rapid.IntRange(1, one).Draw(w.t, what) == 1
}

func (w *podWorld) one(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(w.t, what)
}

// set stores a pod, and tells the tracker.
func (w *podWorld) set(pod *corev1.Pod) {
	w.version++
	pod.ResourceVersion = strconv.Itoa(w.version)
	w.pods[pod.Name] = pod
	w.tracker.Set(pod.DeepCopy())
}

func (w *podWorld) create() {
	w.version++
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "p" + strconv.Itoa(rapid.IntRange(0, 15).Draw(w.t, "name")), UID: types.UID("uid-" + strconv.Itoa(w.version)),
		Namespace: w.one("namespace", "team-a", "team-b"), Labels: map[string]string{"noise": strconv.Itoa(w.version)},
		Annotations:       map[string]string{"cni.example.com/ip": strconv.Itoa(w.version)},
		CreationTimestamp: metav1.NewTime(now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(w.t, "age")) * time.Second)),
	}}
	if w.pods[pod.Name] != nil {
		return
	}
	w.uids = append(w.uids, pod.UID)
	pod.Spec = corev1.PodSpec{
		SchedulerName: w.one("scheduler", serving[0], serving[0], serving[0], "default-scheduler"),
		Containers: []corev1.Container{{Name: "a", Image: "b", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(w.one("cpu", "1", "500m", "0")), "nvidia.com/gpu": resource.MustParse("1"),
		}}}},
		Tolerations: []corev1.Toleration{{Key: "a", Operator: corev1.TolerationOpExists}},
	}
	if w.chance(3, "prioritized") {
		pod.Spec.Priority = new(rapid.Int32Range(-5, 5).Draw(w.t, "priority"))
	}
	if w.chance(8, "gated") {
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"}}
	}
	if w.chance(8, "deadline") {
		pod.Spec.ActiveDeadlineSeconds = new(int64(60))
	}
	w.own(pod)
	w.annotate(pod)
	w.set(pod)
}

// own gives the pod an owner: a Job, another controller, or a pod that exists, or did.
func (w *podWorld) own(pod *corev1.Pod) {
	kind := w.one("owner", "", "Job", "Job", "Pod", "Pod", "ReplicaSet")
	owner := metav1.OwnerReference{APIVersion: "batch/v1", Kind: kind, Controller: new(true)}
	switch owner.Kind {
	case "":
		pod.OwnerReferences = nil
		return
	case "Pod":
		owner.APIVersion, owner.UID = "v1", rapid.SampledFrom(append(w.uids, "uid-of-nobody")).Draw(w.t, "creator")
	default:
		owner.Name = w.one("owner's name", "x", "y")
		owner.UID = types.UID(owner.Kind + "-" + owner.Name)
	}
	pod.OwnerReferences = []metav1.OwnerReference{owner}
}

// annotate makes the pod a member of a gang in one of many ways, or of none, or wrongly.
func (w *podWorld) annotate(pod *corev1.Pod) {
	group, size := w.one("gang", "g", "h"), w.one("size", "1", "2", "3", "x")
	says := map[string]map[string]string{
		"pod-group": {"pod-group.scheduling.sigs.k8s.io/name": group, "pod-group.scheduling.sigs.k8s.io/min-available": size},
		"size":      {"pod-group.scheduling.sigs.k8s.io/min-available": size},
		"batch":     {"batch.scheduling.k8s.io/group": group, "batch.scheduling.k8s.io/min-available": size},
		"volcano":   {"scheduling.volcano.sh/group-name": group, "scheduling.volcano.sh/group-min-member": size},
		"kueue":     {"kueue.x-k8s.io/pod-group-name": group},
		"index": {
			"pod-group.scheduling.sigs.k8s.io/min-available": "2", "batch.kubernetes.io/job-completion-index": w.one("index", "0", "1"),
		},
		"queue": {
			"pod-group.scheduling.sigs.k8s.io/name": group, "pod-group.scheduling.sigs.k8s.io/min-available": "2",
			"kubenexus.io/queue": w.one("queue", "research", "serving"), "kubenexus.io/topology-required": "example.com/rack",
			"kubenexus.io/expected-runtime": "1h", "kubenexus.io/preemptible": "false",
		},
		"roles": {
			"pod-group.scheduling.sigs.k8s.io/name": group, "kubenexus.io/role": w.one("role", "driver", "executor"),
			"kubenexus.io/roles": `[{"name":"driver","min":1,"creates":true},{"name":"executor","min":2,"requests":{"cpu":"1"}}]`,
		},
		"member": {"pod-group.scheduling.sigs.k8s.io/name": group, "kubenexus.io/role": "executor"},
		"spark":  {"spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi"},
		"none":   {},
	}
	pod.Annotations = map[string]string{"cni.example.com/ip": pod.Name}
	maps.Copy(pod.Annotations, says[w.one("says", slices.Sorted(maps.Keys(says))...)])
	labels := []map[string]string{
		{},
		{},
		{"spark-app-selector": "spark-" + group, "spark-role": w.one("spark's role", "driver", "executor")},
		{"jobset.sigs.k8s.io/jobset-name": "set", "jobset.sigs.k8s.io/restart-attempt": w.one("attempt", "0", "1")},
		{"leaderworkerset.sigs.k8s.io/name": "lws", "leaderworkerset.sigs.k8s.io/group-index": w.one("index", "0", "1")},
		{"controller-revision-hash": "1"},
		{"ray.io/cluster": "ray"},
	}
	pod.Labels = map[string]string{"noise": pod.Name}
	maps.Copy(pod.Labels, labels[rapid.IntRange(0, len(labels)-1).Draw(w.t, "labels")])
}

// some returns a copy of a pod that exists, or nil.
func (w *podWorld) some() *corev1.Pod {
	if len(w.pods) == 0 {
		return nil
	}
	return w.pods[w.one("pod", slices.Sorted(maps.Keys(w.pods))...)].DeepCopy()
}

func (w *podWorld) update() {
	pod := w.some()
	if pod == nil {
		return
	}
	at := metav1.NewTime(now.Add(-time.Duration(rapid.IntRange(0, 9).Draw(w.t, "since")) * time.Second))
	switch w.one("update", "bind", "bind", "refuse", "refuse", "place", "delete", "ungate", "annotate", "own", "other") {
	case "bind":
		pod.Spec.NodeName = w.one("node", "n1", "n2")
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: at}}
	case "place": // created with a node
		pod.Spec.NodeName = "n1"
		pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:nodeName":{}}}`)}}
	case "refuse":
		pod.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "GangUnschedulable", Message: w.one("why", "", "a", "b"),
			LastTransitionTime: at,
		}}
	case "delete":
		pod.DeletionTimestamp = new(at)
	case "ungate":
		pod.Spec.SchedulingGates = nil
	case "annotate":
		w.annotate(pod)
	case "own":
		w.own(pod)
	case "other":
		pod.Status.PodIP = "10.0.0.1"
	}
	w.set(pod)
}

func (w *podWorld) end() {
	pod := w.some()
	if pod == nil {
		return
	}
	pod.Status.Phase = corev1.PodPhase(w.one("phase", string(corev1.PodSucceeded), string(corev1.PodFailed)))
	ended := metav1.NewTime(now.Add(-time.Duration(rapid.IntRange(0, 9).Draw(w.t, "ended")) * time.Second))
	if w.chance(3, "rejected") {
		pod.Status.Reason = "OutOfcpu"
	} else {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: ended}},
		}}
	}
	w.set(pod)
}

func (w *podWorld) delete() {
	if pod := w.some(); pod != nil {
		delete(w.pods, pod.Name)
		w.tracker.Remove(pod.UID)
	}
}

// look compares what the tracker has said so far with all gangs.
func (w *podWorld) look() {
	err := w.tracker.Look(now, func(key gang.Key, found *gangread.Found) error {
		if delete(w.known, key); found != nil {
			w.known[key] = asJSON(found.Gang) + asJSON(found.Brief())
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	all := slices.SortedFunc(maps.Values(w.pods), func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	want := map[gang.Key]string{}
	for _, g := range gangread.Among(all, serving, now).Items {
		want[g.Key] = asJSON(g) + asJSON(gangread.BriefOf(g, all))
	}
	if diff := gocmp.Diff(want, w.known); diff != "" {
		w.t.Fatalf("the tracker (+) does not have the gangs among all pods (-): %s", diff)
	}
}

func asJSON(of any) string {
	text, err := json.Marshal(of)
	if err != nil {
		return err.Error()
	}
	return string(text) + "\n"
}

// TestTrackerKeepsWhatIsRare: why a gang waits for a minute, and that most of its members wait for no reason.
func TestTrackerKeepsWhatIsRare(t *testing.T) {
	rejected := member("a", 0, "")
	rejected.Spec.NodeName = "n1"
	rejected.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "OutOfcpu"}
	rejected.CreationTimestamp = metav1.NewTime(now.Add(-5 * time.Second))
	for what, pods := range map[string][]*corev1.Pod{
		"rejected by a kubelet":    {member("a", 1, "x"), member("a", 2, "x"), rejected},
		"most are without reasons": {member("a", 0, "x"), member("a", 1, ""), member("a", 2, "")},
	} {
		tracker := gangread.NewTracker(serving)
		for _, pod := range pods {
			tracker.Set(pod)
		}
		err := tracker.Look(now, func(_ gang.Key, found *gangread.Found) error {
			if diff := gocmp.Diff(gangread.Among(pods, serving, now).Items[0], found.Gang); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// visited looks, and returns the keys and the reasons of the gangs that were visited.
func visited(t *testing.T, tracker *gangread.Tracker) []string {
	t.Helper()
	var all []string
	err := tracker.Look(now, func(key gang.Key, found *gangread.Found) error {
		text := key.Name + ": gone"
		if found != nil {
			text = key.Name + ": " + found.Gang.Reason
		}
		all = append(all, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTrackerLooksOnlyAtWhatChanged: other gangs are not visited, nor is one of which a pod changed in a way that is no concern of it.
func TestTrackerLooksOnlyAtWhatChanged(t *testing.T) {
	tracker := gangread.NewTracker(serving)
	for i, group := range []string{"a", "b", "c", "c"} {
		tracker.Set(member(group, i, "why"))
	}
	wants := func(what string, want ...string) {
		t.Helper()
		if got := visited(t, tracker); !slices.Equal(got, want) {
			t.Errorf("%s: visited %q, want %q", what, got, want)
		}
	}
	wants("at first", "a: why", "b: why", "c: why")
	wants("nothing changed")
	ready := member("b", 1, "why")
	ready.Status.PodIP = "10.0.0.1"
	tracker.Set(ready)
	wants("a pod got an address")
	tracker.Set(member("b", 1, "another"))
	wants("another reason", "b: another")
	moved := member("b", 1, "another")
	moved.Annotations["pod-group.scheduling.sigs.k8s.io/name"] = "a"
	tracker.Set(moved)
	wants("the only pod of b is in a", "a: another", "b: gone")
	if weight := tracker.Weight(); weight != 4 {
		t.Errorf("4 pods count as %d", weight)
	}
	plain := member("c", 2, "")
	plain.Annotations = nil
	tracker.Set(plain)
	wants("a pod left its gang", "c: why")
	if weight := tracker.Weight(); weight != 3 {
		t.Errorf("3 pods in gangs count as %d", weight)
	}
}

// TestTrackerStopsAtAnError, which is that of the visit.
func TestTrackerStopsAtAnError(t *testing.T) {
	tracker := gangread.NewTracker(serving)
	tracker.Set(member("a", 0, ""))
	tracker.Set(member("b", 1, ""))
	stop, visits := errors.New("stop"), 0
	err := tracker.Look(now, func(gang.Key, *gangread.Found) error { visits++; return stop })
	if !errors.Is(err, stop) || visits != 1 {
		t.Errorf("%d visits ended with %v", visits, err)
	}
}

// TestLongAnnotationsCount for as many pods as they take memory of.
func TestLongAnnotationsCount(t *testing.T) {
	tracker := gangread.NewTracker(serving)
	pod := member("a", 0, string(make([]byte, 10<<10)))
	pod.Annotations["example.com/unread"] = string(make([]byte, 100<<10))
	tracker.Set(pod)
	if weight := tracker.Weight(); weight != 11 {
		t.Errorf("a pod with a reason of 10 KiB counts as %d", weight)
	}
}

// TestBrief has of a gang what a list shows.
func TestBrief(t *testing.T) {
	tracker := gangread.NewTracker(serving)
	for i := range 3 {
		pod := member("train", i, "why")
		pod.Annotations["kubenexus.io/queue"] = "research"
		pod.Spec.Priority = new(int32(i))
		pod.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("1500m"), corev1.ResourceMemory: resource.MustParse("2Gi"),
		}}}}
		switch i {
		case 0:
			pod.Spec.NodeName = "n1"
		case 1:
			pod.Status.Phase = corev1.PodSucceeded
		}
		tracker.Set(pod)
	}
	var got string
	err := tracker.Look(now, func(_ gang.Key, found *gangread.Found) error {
		got = asJSON(found.Brief())
		return nil
	})
	want := fmt.Sprintf(`{"key":{"namespace":"team-a","name":"train","convention":"Coscheduling"},"phase":"Running",`+
		`"scheduler":"kubenexus-scheduler","created":%s,"reason":"why","needs":{"minAvailable":2,"have":3,"running":2},"queue":"research",`+
		`"priority":2,"pods":2,"nodes":1,"requests":{"cpu":"3","memory":"4Gi"}}`+"\n", strings.TrimSpace(asJSON(now.Add(-12*time.Minute))))
	if err != nil || got != want {
		t.Errorf("got %s, want %s (%v)", got, want, err)
	}
}
