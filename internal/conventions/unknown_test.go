package conventions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// TestOtherProductsKeysAreFound checks each key as a label and as an annotation.
func TestOtherProductsKeysAreFound(t *testing.T) {
	for key, product := range map[string]string{
		"scheduling.x-k8s.io/pod-group":         "scheduler-plugins",
		"pod-group.scheduling.sigs.k8s.io":      "scheduler-plugins",
		"scheduling.k8s.io/group-name":          "Volcano",
		"scheduling.volcano.sh/group-name":      "Volcano",
		volcanoSize:                             "Volcano",
		koordinatorName:                         "Koordinator",
		koordinatorSize:                         "Koordinator",
		"gang.scheduling.koordinator.sh/groups": "Koordinator",
		"yunikorn.apache.org/task-group-name":   "YuniKorn",
		"yunikorn.apache.org/task-groups":       "YuniKorn",
		"kueue.x-k8s.io/pod-group-name":         "Kueue",
		"pod-group-name":                        "KAI",
	} {
		carried := keys{"app": "a", key: "2"}
		for where, pod := range map[conventions.Where][2]keys{conventions.InLabel: {carried, nil}, conventions.InAnnotation: {nil, carried}} {
			t.Run(where.String()+" "+key, func(t *testing.T) {
				spec, err := conventions.Parse(conventions.Pod{Labels: pod[0], Annotations: pod[1]})
				if spec != nil || err != nil {
					t.Fatalf("Parse returned %+v, %v, want nothing", spec, err)
				}
				want := &conventions.Unknown{Where: where, Key: key, Value: "2", Product: product}
				if diff := cmp.Diff(want, conventions.FindUnknown(conventions.Pod{Labels: pod[0], Annotations: pod[1]}, spec)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

func TestOurKeysTakePrecedenceOverOtherProducts(t *testing.T) {
	const yunikorn, kueue = "yunikorn.apache.org/task-groups", "kueue.x-k8s.io/pod-group-name"
	spark := sparkLabels("driver")
	for _, tc := range []struct {
		name                string
		labels, annotations keys
		unknown             string
	}{
		{"a plain pod", keys{"app": "a", "batch.kubernetes.io/job-name": "a"}, nil, ""},
		{"a key without a value", keys{"scheduling.x-k8s.io/pod-group": ""}, nil, ""},
		{"our annotations", keys{kueue: "a"}, keys{group: "a", size: "3"}, ""},
		{"our labels", keys{kueue: "a", group: "a", size: "3"}, nil, ""},
		{"Spark's labels alone", spark, nil, ""},
		{"Spark's labels without a number of executors", spark, keys{yunikorn: "[]"}, yunikorn},
		{"a driver that declares its executors", spark, keys{yunikorn: "[]", "spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi"}, ""},
		{"a role in a Spark gang", spark, keys{yunikorn: "[]", "kubenexus.io/role": "driver"}, ""},
		{"a group of gangs, which our annotations cannot express", nil, keys{koordinatorName: "a", koordinatorSize: "3", "gang.scheduling.koordinator.sh/groups": `["x/a","x/b"]`}, "gang.scheduling.koordinator.sh/groups"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := conventions.Parse(conventions.Pod{Labels: tc.labels, Annotations: tc.annotations})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u := conventions.FindUnknown(conventions.Pod{Labels: tc.labels, Annotations: tc.annotations}, spec); u != nil {
				got = u.Key
			}
			if got != tc.unknown {
				t.Errorf("found %q, want %q", got, tc.unknown)
			}
		})
	}
}

func TestUnknownNamesTheKeyTheValueAndTheRemedy(t *testing.T) {
	u := &conventions.Unknown{
		Where: conventions.InLabel, Key: "scheduling.x-k8s.io/pod-group", Value: "train", Product: "scheduler-plugins",
		Conventions: []conventions.Convention{conventions.Coscheduling()},
	}
	want := `the label scheduling.x-k8s.io/pod-group of scheduler-plugins has the value "train": it ties this pod to others, and this ` +
		`scheduler does not read it; to start them together, set the annotations ` + group + ` and ` + size + ` on all of them; to schedule ` +
		`them one by one, remove this label, or set unknownGangs: Schedule in the arguments of the plugin Coscheduling`
	if u.Error() != want {
		t.Errorf("got  %s\nwant %s", u, want)
	}
	u.Value, u.Conventions = strings.Repeat("ü", 5000), conventions.All()
	if len(u.Error()) > 900 {
		t.Errorf("%d bytes do not fit into an event: %s", len(u.Error()), u)
	}
}

// TestSchedulingGroup checks pods that name a pod group of Kubernetes. The scheduler schedules such a pod in its pod group cycle
// before it calls any plugin, so the pod cannot have a gang, too.
func TestSchedulingGroup(t *testing.T) {
	for _, tc := range []struct {
		name                string
		labels, annotations keys
		want                string
	}{
		{"alone", nil, nil, `the field spec.schedulingGroup of Kubernetes has the value "pg": it ties this pod to others`},
		{"with Spark's labels", sparkLabels("driver"), nil, `the field spec.schedulingGroup of Kubernetes has the value "pg": it ties this pod to others`},
		{"with our annotations", nil, keys{group: "a", size: "3"}, `field spec.schedulingGroup has the value "pg": this pod also belongs to gang "a"`},
		{"with our labels", keys{group: "a", size: "3"}, nil, `field spec.schedulingGroup has the value "pg": this pod also belongs to gang "a"`},
		{"with keys that say the same", nil, keys{koordinatorName: "a", koordinatorSize: "3"}, `field spec.schedulingGroup has the value "pg": this pod also belongs to gang "a"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := conventions.Parse(conventions.Pod{Labels: tc.labels, Annotations: tc.annotations})
			if err != nil {
				t.Fatal(err)
			}
			if err := conventions.InSchedulingGroup("pg", conventions.Pod{Annotations: tc.annotations}, spec); !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
