package convert

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// readable are the pairs of keys of others that the scheduler reads by itself.
var readable = [][2]string{
	{"gang.scheduling.koordinator.sh/name", "gang.scheduling.koordinator.sh/min-available"},
	{"scheduling.k8s.io/group-name", "scheduling.volcano.sh/group-min-member"},
	{"scheduling.volcano.sh/group-name", "scheduling.volcano.sh/group-min-member"},
	{"pod-group.scheduling.sigs.k8s.io/name", "pod-group.scheduling.sigs.k8s.io/min-available"},
}

// TestTheGangStaysTheSame: what the scheduler reads of a manifest that it understands without a conversion is what it reads of the
// converted one; and what it would reject is not converted.
func TestTheGangStaysTheSame(t *testing.T) {
	names := rapid.SampledFrom([]string{"a", "train-1", "A_b.c", "two words", "-", ""})
	sizes := rapid.SampledFrom([]string{"1", "3", "2000", "0", "-1", "many", "", "99999999999"})
	rapid.Check(t, func(t *rapid.T) {
		pod := corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{
				Name: "pod", Annotations: map[string]string{"example.com/note": "no: yes"}, Labels: map[string]string{"app": "a"},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}},
		}
		for range rapid.IntRange(1, 2).Draw(t, "products") {
			keys := rapid.SampledFrom(readable).Draw(t, "keys")
			for i, values := range []*rapid.Generator[string]{names, sizes} {
				to := rapid.SampledFrom([]map[string]string{pod.Annotations, pod.Labels}).Draw(t, "where")
				to[keys[i]] = values.Draw(t, keys[i])
			}
		}
		before, beforeErr := parse(&pod)
		text, err := json.Marshal(&pod)
		if err != nil {
			t.Fatal(err)
		}
		converted, notices := Convert([]File{{Name: "pod", Text: text}}, ours)
		var now corev1.Pod
		if err := yaml.UnmarshalStrict(converted, &now); err != nil {
			t.Fatalf("%v\n%s", err, converted)
		}
		failed := false
		for i := range notices {
			failed = failed || notices[i].Failed
		}
		if beforeErr != nil {
			if diff := cmp.Diff(&pod, &now); diff != "" || !failed {
				t.Fatalf("%v: failed %t, and it was changed:\n%s", beforeErr, failed, diff)
			}
			return
		}
		after, err := parse(&now)
		if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(gang.Spec{}, "Convention")); before != nil && (err != nil || diff != "") {
			t.Fatalf("%v\n(-before +after):\n%s\n%s", err, diff, converted)
		}
		if before != nil && now.Spec.SchedulerName != ours {
			t.Fatalf("the schedulerName is %q, and the notices %v:\n%s", now.Spec.SchedulerName, notices, converted)
		}
		if unknown := conventions.FindUnknown(podOf(&now), after); !failed && unknown != nil {
			t.Fatalf("%v\n%s", unknown, converted)
		}
		now.Annotations, now.Labels, now.Spec.SchedulerName = pod.Annotations, pod.Labels, ""
		if diff := cmp.Diff(&pod, &now); diff != "" {
			t.Fatalf("something else was changed:\n%s", diff)
		}
	})
}

func podOf(pod *corev1.Pod) conventions.Pod {
	return conventions.Pod{Annotations: pod.Annotations, Labels: pod.Labels}
}

func parse(pod *corev1.Pod) (*gang.Spec, error) { return conventions.Parse(podOf(pod)) }
