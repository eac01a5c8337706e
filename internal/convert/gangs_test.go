package convert

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// TestGangsOfTheResult: the scheduler sees in what was converted the gangs that were meant, with all of their pods, also where several
// controllers make them.
func TestGangsOfTheResult(t *testing.T) {
	for file, want := range map[string][]string{
		"coscheduling":        {"train: 2 of 2 pods, Ready"},
		"coscheduling-labels": {"a: 1 of 2 pods, Incomplete"},
		"coscheduling-old":    {"web: 3 of 3 pods, Ready"},
		"koordinator":         {"one: 4 of 4 pods, Ready"},
		"kubeflow":            {"resnet: 4 of 3 pods, Ready"},
		"volcano":             {"ring: 4 of 3 pods, Ready", "sized: 2 of 2 pods, Ready"},
		"volcano-job":         {"single: 2 of 2 pods, Ready", "tf: 4 of 3 pods, Ready"},
		"yunikorn":            {"sleep-0001: 5 of 5 pods, Ready", "spark-1: 1 of 4 pods, Ready"},
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + file + ".want.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, g := range gangread.Among(podsOf(t, string(text)), []string{ours}, time.Unix(0, 0)).Items {
				got = append(got, fmt.Sprintf("%s: %d of %d pods, %s", g.Key.Name, g.Needs.Have, g.Needs.MinAvailable, g.Phase))
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// podsOf returns the pods that the objects of a manifest make. PodGroups and Volcano's Jobs that are left make none.
func podsOf(t *testing.T, manifest string) []*corev1.Pod {
	t.Helper()
	var pods []*corev1.Pod
	manifest = strings.Replace(manifest, "apiVersion: batch/v1\n  kind: CronJob", "apiVersion: v1\n  kind: ConfigMap", 1) // it makes no pods yet
	for document := range strings.SplitSeq(manifest, "---\n") {
		objects, err := workload.Parse([]byte(document), "team")
		if err != nil {
			if !strings.Contains(document, "kind: PodGroup") && !strings.Contains(document, "batch.volcano.sh") {
				t.Fatal(err)
			}
			continue
		}
		for n, set := range workload.Sets(objects) {
			for i := range set.Count {
				pod := set.Pod
				pod.Namespace = set.Namespace
				pod.Name = fmt.Sprintf("%s%s-%d-%d", pod.GenerateName, pod.Name, n, i)
				pod.UID = types.UID(set.Object + pod.Name)
				pods = append(pods, &pod)
			}
		}
	}
	return pods
}
