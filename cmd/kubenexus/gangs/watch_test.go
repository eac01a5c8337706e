package gangs

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

// seen returns what a watcher writes when the cluster has these pods, so long after the beginning.
func seen(t *testing.T, w *watcher, after time.Duration, pods []*corev1.Pod) string {
	t.Helper()
	var out strings.Builder
	w.out = &out
	exists := func(uid string) bool {
		return slices.ContainsFunc(pods, func(p *corev1.Pod) bool { return string(p.UID) == uid })
	}
	if err := w.show(gangread.Among(pods, scheduler.Names(), now.Add(after)), exists); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWatchWritesALineForEachChange(t *testing.T) {
	w := newWatcher(nil, "", false)
	ended := func(i int, p *corev1.Pod) {
		running(i, p)
		p.Status.Phase = corev1.PodSucceeded
	}
	for _, step := range []struct {
		name  string
		after time.Duration
		pods  []*corev1.Pod
		want  string
	}{
		{"first the table", 0, slices.Concat(pods("train", 2, says("one is missing")), pods("spark", 2, nil)), `
GANG    PODS     STARTED   PHASE        QUEUE   AGE   WHY
spark   2 of 2   0         Ready        -       11m   -
train   2 of 3   0         Incomplete   -       11m   one is missing
`},
		{"time alone is no change", time.Minute, slices.Concat(pods("train", 2, says("one is missing")), pods("spark", 2, nil)), "\n"},
		{"one gang changes", 2 * time.Minute, slices.Concat(pods("train", 3, says("no room")), pods("spark", 2, nil)), `
train   3 of 3   0         Ready        -       14m   no room
`},
		{"both change, and one ends", 3 * time.Minute, slices.Concat(pods("train", 3, running), pods("spark", 2, ended)), `
spark   2 of 2   0         Ended        -       11m   -
train   3 of 3   3         Running      -       15m   -
`},
		{"pods that are invalid are said once", 4 * time.Minute, slices.Concat(pods("train", 3, running), pods("odd", 1, invalid)), `
Pod team-a/odd-0 is in no gang: min-available is zero
`},
		{"the other is deleted", 5 * time.Minute, pods("odd", 1, invalid), `
train   3 of 3   3         Deleted      -       15m   -
`},
		{"and is there again", 6 * time.Minute, pods("train", 3, running), `
train   3 of 3   3         Running      -       18m   -
`},
	} {
		if diff := cmp.Diff(strings.TrimPrefix(step.want, "\n"), seen(t, w, step.after, step.pods)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func invalid(i int, p *corev1.Pod) {
	says("min-available is zero")(i, p)
	p.Status.Conditions[0].Reason = "InvalidGangAnnotation"
	p.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "0"
}

func TestWatchWritesDocuments(t *testing.T) {
	w := newWatcher(nil, "json", false)
	var phases []string
	for i, all := range [][]*corev1.Pod{pods("train", 2, nil), pods("train", 2, nil), pods("train", 3, nil), nil} {
		decoder := json.NewDecoder(strings.NewReader(seen(t, w, time.Duration(i)*time.Minute, all)))
		for decoder.More() {
			var got Document
			if err := decoder.Decode(&got); err != nil {
				t.Fatal(err)
			}
			phases = append(phases, got.Kind+" "+got.Key.Name+" "+string(got.Phase))
		}
	}
	if diff := cmp.Diff([]string{"Gang train Incomplete", "Gang train Ready", "Gang train Deleted"}, phases); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w = newWatcher(nil, "yaml", false)
	if got := seen(t, w, 0, pods("train", 3, nil)); !strings.HasPrefix(got, "---\napiVersion: kubenexus.io/v1alpha1\n") {
		t.Errorf("as YAML, got\n%s", got)
	}
	w = newWatcher(nil, "name", false)
	if got := seen(t, w, 0, slices.Concat(pods("train", 3, nil), pods("odd", 1, invalid))); got != "gang/train\n" {
		t.Errorf("as a name, got %q", got)
	}
}
