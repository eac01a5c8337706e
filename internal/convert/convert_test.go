package convert

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// update writes the files with what is wanted: go test ./internal/convert -update
var update = flag.Bool("update", false, "rewrite the .want.yaml and .notices files in testdata")

const ours = "kubenexus-scheduler"

// TestManifests converts each manifest of testdata and compares the result, and what the user is told, with the files beside it.
func TestManifests(t *testing.T) {
	manifests, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	converted := 0
	for _, manifest := range manifests {
		name, isWanted := strings.CutSuffix(manifest, ".want.yaml")
		if isWanted {
			continue
		}
		converted++
		name = strings.TrimSuffix(name, ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(manifest)
			if err != nil {
				t.Fatal(err)
			}
			got, notices := Convert([]File{{Name: filepath.Base(manifest), Text: text}}, ours)
			said := ""
			for i := range notices {
				said += notices[i].String() + "\n"
			}
			same(t, name+".want.yaml", string(got))
			same(t, name+".notices", said)
			again, notices := Convert([]File{{Name: "again", Text: got}}, ours)
			if diff := cmp.Diff(string(got), string(again)); diff != "" {
				t.Errorf("what was converted is changed once more (-once +twice):\n%s", diff)
			}
			for i := range notices {
				if !notices[i].Failed && !strings.Contains(notices[i].Text, "left as it is") {
					t.Errorf("what was converted is not clean: %s", &notices[i])
				}
			}
		})
	}
	if converted < 9 {
		t.Errorf("only %d manifests were found", converted)
	}
}

// same compares a text with that of a file.
func same(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// A PodGroup may be in another file than its pods.
func TestFilesBelongTogether(t *testing.T) {
	group := File{"group.yaml", []byte("apiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroup\nmetadata: {name: a}\nspec: {minMember: 4}\n")}
	pod := File{"pod.yaml", []byte("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a-0\n  labels: {scheduling.x-k8s.io/pod-group: a}\n" +
		"spec:\n  containers: [{name: main, image: busybox}]\n")}
	for _, files := range [][]File{{group, pod}, {pod, group}} {
		got, notices := Convert(files, ours)
		const want = `apiVersion: v1
kind: Pod
metadata:
  name: a-0
  annotations:
    pod-group.scheduling.sigs.k8s.io/name: a
    pod-group.scheduling.sigs.k8s.io/min-available: "4"
spec:
  schedulerName: kubenexus-scheduler
  containers: [{name: main, image: busybox}]
`
		if diff := cmp.Diff(want, string(got)); diff != "" || len(notices) > 0 {
			t.Errorf("%v (-want +got):\n%s", notices, diff)
		}
	}
}

// What is JSON stays JSON.
func TestJSON(t *testing.T) {
	const list = `{"apiVersion": "v1", "kind": "List", "items": [
		{"apiVersion": "scheduling.x-k8s.io/v1alpha1", "kind": "PodGroup", "metadata": {"name": "a"}, "spec": {"minMember": 4}},
		{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a-0", "labels": {"scheduling.x-k8s.io/pod-group": "a"}},
		 "spec": {"priority": 1, "containers": [{"name": "main", "image": "busybox"}]}}]}`
	got, notices := Convert([]File{{"list.json", []byte(list)}}, ours)
	var pods struct{ Items []corev1.Pod }
	if err := json.Unmarshal(got, &pods); err != nil || len(notices) > 0 {
		t.Fatalf("%v, notices %v\n%s", err, notices, got)
	}
	if len(pods.Items) != 1 || pods.Items[0].Spec.SchedulerName != ours || *pods.Items[0].Spec.Priority != 1 {
		t.Errorf("got %s", got)
	}
}

// What is the same for the YAML of others, but could take up the machine, is refused.
func TestDocumentsThatGrow(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	for name, text := range map[string]string{
		"aliases of aliases": b.String(),
		"an alias of itself": "a: &a [*a]\n",
		"levels":             strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"a list":             "[]",
		"a text":             "text",
	} {
		got, notices := Convert([]File{{name, []byte(text)}}, ours)
		if len(notices) != 1 || !notices[0].Failed || strings.TrimSpace(string(got)) != strings.TrimSpace(text) {
			t.Errorf("%s: got %.80s and %v", name, got, notices)
		}
	}
}

// FuzzConvert: no manifest crashes the command, and what it writes can be read again.
func FuzzConvert(f *testing.F) {
	manifests, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, manifest := range manifests {
		text, err := os.ReadFile(manifest)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, notices := Convert([]File{{"f", text}}, ours)
		for i := range notices {
			if notices[i].Failed {
				return
			}
		}
		_, notices = Convert([]File{{"f", once}}, ours)
		for i := range notices {
			if notices[i].Failed {
				t.Fatalf("%s\n%s", &notices[i], once)
			}
		}
	})
}
