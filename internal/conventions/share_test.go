package conventions_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	queue       = "kubenexus.io/queue"
	preemptible = "kubenexus.io/preemptible"
	runtime     = "kubenexus.io/expected-runtime"
)

// gangs are pods of every convention, without anything about their share.
func gangs() map[string]conventions.Pod {
	return map[string]conventions.Pod{
		"pod-group":   {Annotations: keys{group: "a", size: "2"}},
		"batch":       {Annotations: keys{batchGroup: "a", batchSize: "2"}},
		"Koordinator": {Annotations: keys{koordinatorName: "a", koordinatorSize: "2"}},
		"Volcano":     {Annotations: keys{volcanoName: "a", volcanoSize: "2"}},
		"Spark":       {Labels: sparkLabels("driver"), Annotations: keys{}},
	}
}

// TestEveryConventionAndPodsWithoutAGangSayTheirShare checks that the annotations hold in each convention and alone.
func TestEveryConventionAndPodsWithoutAGangSayTheirShare(t *testing.T) {
	want := gang.Share{Queue: "research", Preemptible: gang.NeverPreempted, ExpectedRuntime: 2 * time.Hour}
	for name, pod := range gangs() {
		t.Run(name, func(t *testing.T) {
			silent, err := conventions.Parse(pod)
			if err != nil {
				t.Fatal(err)
			}
			if silent.Share != (gang.Share{}) {
				t.Errorf("a pod that says nothing has the share %+v", silent.Share)
			}
			pod.Annotations[queue], pod.Annotations[preemptible], pod.Annotations[runtime] = "research", "false", "2h"
			spec, err := conventions.Parse(pod)
			if err != nil || spec.Share != want {
				t.Errorf("Parse returned %+v, %v; want the share %+v", spec, err, want)
			}
		})
	}
	share, err := conventions.ShareOf(conventions.Pod{Annotations: keys{queue: "research", preemptible: "false", runtime: "2h"}})
	if err != nil || share != want {
		t.Errorf("ShareOf returned %+v, %v; want %+v", share, err, want)
	}
}

func TestQueueIsAnAnnotationOrALabel(t *testing.T) {
	for name, pod := range map[string]conventions.Pod{
		"an annotation": {Annotations: keys{queue: "research"}},
		"a label":       {Labels: keys{queue: "research"}},
		"both":          {Annotations: keys{queue: "research"}, Labels: keys{queue: "research"}},
	} {
		if share, err := conventions.ShareOf(pod); err != nil || share.Queue != "research" {
			t.Errorf("%s: ShareOf returned %+v, %v", name, share, err)
		}
	}
	longest := strings.Repeat("x", 63)
	if share, err := conventions.ShareOf(conventions.Pod{Labels: keys{queue: longest}}); err != nil || share.Queue != longest {
		t.Errorf("ShareOf returned %+v, %v for a name of 63", share, err)
	}
}

// TestBadShareIsAProblem checks the same errors for a member and for a pod without a gang.
func TestBadShareIsAProblem(t *testing.T) {
	const name = `a queue has a name of at most 63 lower-case letters, digits and '-', such as "research"`
	const long = `set it to a duration above 0 and up to 720h0m0s`
	for _, tc := range []struct {
		annotations, labels keys
		want                string
	}{
		{keys{queue: ""}, nil, `annotation ` + queue + ` has the value "": ` + name},
		{keys{queue: "Research"}, nil, `annotation ` + queue + ` has the value "Research": ` + name},
		{keys{queue: "a.b"}, nil, `annotation ` + queue + ` has the value "a.b": ` + name},
		{keys{queue: "-a"}, nil, `annotation ` + queue + ` has the value "-a": ` + name},
		{keys{queue: strings.Repeat("x", 64)}, nil, `annotation ` + queue + ` has the value "` + strings.Repeat("x", 64) + `": ` + name},
		{nil, keys{queue: "A"}, `label ` + queue + ` has the value "A": ` + name},
		{
			keys{queue: "a"},
			keys{queue: "b"},
			`annotation ` + queue + ` has the value "a": the label of the same name has the value "b"; make both say the same`,
		},
		{keys{preemptible: ""}, nil, `annotation ` + preemptible + ` has the value "": set it to "true" or "false"`},
		{keys{preemptible: "False"}, nil, `annotation ` + preemptible + ` has the value "False": set it to "true" or "false"`},
		{keys{runtime: "2"}, nil, `annotation ` + runtime + ` has the value "2": ` + long},
		{keys{runtime: "0s"}, nil, `annotation ` + runtime + ` has the value "0s": ` + long},
		{keys{runtime: "-1h"}, nil, `annotation ` + runtime + ` has the value "-1h": ` + long},
		{keys{runtime: "720h1ns"}, nil, `annotation ` + runtime + ` has the value "720h1ns": ` + long},
	} {
		pod := conventions.Pod{Annotations: keys{}, Labels: tc.labels}
		maps.Copy(pod.Annotations, tc.annotations)
		share, err := conventions.ShareOf(pod)
		var p *conventions.Problem
		if !errors.As(err, &p) || !strings.HasPrefix(err.Error(), tc.want) || share != (gang.Share{}) {
			t.Errorf("ShareOf returned %+v, %v, want the problem %q", share, err, tc.want)
		}
		pod.Annotations[group], pod.Annotations[size] = "a", "2"
		refuses(t, pod, tc.want)
	}
	if share, err := conventions.ShareOf(conventions.Pod{Annotations: keys{runtime: "720h"}}); err != nil || share.ExpectedRuntime != 720*time.Hour {
		t.Errorf("ShareOf returned %+v, %v for 30 days", share, err)
	}
}

// roleList is a list of two roles with these fields.
func roleList(first, second string) string {
	return fmt.Sprintf(`[{"name":"launcher","min":1%s},{"name":"worker","min":2%s}]`, first, second)
}

func TestRolesSayTheShareOfTheirGang(t *testing.T) {
	all := gang.Share{Queue: "research", Preemptible: gang.NeverPreempted, ExpectedRuntime: 2 * time.Hour}
	for _, tc := range []struct {
		name        string
		roles       string
		annotations keys
		want        gang.Share
	}{
		{"nothing", roleList("", ""), nil, gang.Share{}},
		{"null is nothing", roleList(`,"queue":null,"preemptible":null,"expectedRuntime":null`, ""), nil, gang.Share{}},
		{"all", roleList(`,"queue":"research","preemptible":false,"expectedRuntime":"2h"`, ""), nil, all},
		{"as in the annotation", roleList(`,"preemptible":"false"`, ""), nil, gang.Share{Preemptible: gang.NeverPreempted}},
		{"true", roleList(`,"preemptible":true`, ""), nil, gang.Share{Preemptible: gang.MayBePreempted}},
		{"one role for both", roleList("", `,"queue":"research"`), nil, gang.Share{Queue: "research"}},
		{"both roles", roleList(`,"queue":"research"`, `,"queue":"research"`), nil, gang.Share{Queue: "research"}},
		{
			"some in each", roleList(`,"queue":"research"`, `,"preemptible":false`),
			keys{runtime: "120m", queue: "research"},
			all,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			annotations := keys{group: "a", roles: tc.roles}
			maps.Copy(annotations, tc.annotations)
			spec, err := conventions.Parse(conventions.Pod{Annotations: annotations})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, spec.Share); diff != "" {
				t.Errorf("share (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRolesWithABadShareAreAProblem(t *testing.T) {
	for _, tc := range []struct {
		name        string
		roles       string
		annotations keys
		key, want   string
	}{
		{"a queue", roleList(`,"queue":"A"`, ""), nil, roles, `role "launcher": queue "A": a queue has a name`},
		{"an empty queue", roleList("", `,"queue":""`), nil, roles, `role "worker": queue "": a queue has a name`},
		{"a number", roleList(`,"preemptible":1`, ""), nil, roles, `1 is neither true nor false`},
		{"another word", roleList(`,"preemptible":"True"`, ""), nil, roles, `"True" is neither true nor false`},
		{"a runtime", roleList(`,"expectedRuntime":"a day"`, ""), nil, roles, `role "launcher": expectedRuntime "a day": set it to a duration`},
		{"a runtime of seconds", roleList(`,"expectedRuntime":3600`, ""), nil, roles, `it cannot be read`},
		{
			"two queues", roleList(`,"queue":"a"`, `,"queue":"b"`), nil, roles,
			`its roles say queue "a" and "b" of one gang; keep one of them`,
		},
		{
			"two answers", roleList(`,"preemptible":true`, `,"preemptible":false`), nil, roles,
			`its roles say preemptible "true" and "false" of one gang`,
		},
		{
			"two runtimes", roleList(`,"expectedRuntime":"1h"`, `,"expectedRuntime":"2h"`), nil, roles,
			`its roles say expectedRuntime "1h0m0s" and "2h0m0s" of one gang`,
		},
		{
			"another queue than the pod's", roleList(`,"queue":"a"`, ""),
			keys{queue: "b"},
			queue, `annotation ` + queue + ` has the value "b": ` + roles + ` says "a"; make both say the same, or remove one of them`,
		},
		{
			"another answer than the pod's", roleList(`,"preemptible":false`, ""),
			keys{preemptible: "true"},
			preemptible, `has the value "true": ` + roles + ` says "false"`,
		},
		{
			"another runtime than the pod's", roleList(`,"expectedRuntime":"1h"`, ""),
			keys{runtime: "30m"},
			runtime, `has the value "30m": ` + roles + ` says "1h0m0s"`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			annotations := keys{group: "a", roles: tc.roles}
			maps.Copy(annotations, tc.annotations)
			spec, err := conventions.Parse(conventions.Pod{Annotations: annotations})
			var p *conventions.Problem
			if !errors.As(err, &p) || p.Annotation != tc.key || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Parse returned %+v, %v; want a problem of %s with %q", spec, err, tc.key, tc.want)
			}
		})
	}
	label := conventions.Pod{Annotations: keys{group: "a", roles: roleList(`,"queue":"a"`, "")}, Labels: keys{queue: "b"}}
	refuses(t, label, `label `+queue+` has the value "b": `+roles+` says "a"`)
}
