package gang_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	koordinatorName = "gang.scheduling.koordinator.sh/name"
	koordinatorSize = "gang.scheduling.koordinator.sh/min-available"
	volcanoSize     = "scheduling.volcano.sh/group-min-member"
)

type keys = map[string]string

// TestKeysThatSayTheSameAreRead: whoever labels pods as the first coscheduling plugin asked for, or names a gang and its size
// by another product's keys, has said all that there is to say. The dialect is empty where none of ours is spoken: the profile decides.
func TestKeysThatSayTheSameAreRead(t *testing.T) {
	ours := &gang.Spec{Dialect: "Coscheduling", Name: "a", MinAvailable: 3}
	theirs := &gang.Spec{Name: "a", MinAvailable: 3}
	for _, tc := range []struct {
		name                string
		labels, annotations keys
		want                *gang.Spec
	}{
		{"our keys as labels", keys{group: "a", size: "3"}, nil, ours},
		{"the batch keys as labels", keys{batchGroup: "a", batchSize: "3"}, nil, &gang.Spec{Dialect: "BatchPermit", Name: "a", MinAvailable: 3}},
		{"the name as a label, the size as an annotation", keys{group: "a"}, keys{size: "3"}, ours},
		{"both as both", keys{group: "a", size: "3"}, keys{group: "a", size: "3"}, ours},
		{"Koordinator's annotations", nil, keys{koordinatorName: "a", koordinatorSize: "3"}, theirs},
		{"Koordinator's keys as labels", keys{koordinatorName: "a", koordinatorSize: "3"}, nil, theirs},
		{"Volcano's annotations", nil, keys{"scheduling.k8s.io/group-name": "a", volcanoSize: "3"}, theirs},
		{"Volcano's newer name", nil, keys{"scheduling.volcano.sh/group-name": "a", volcanoSize: "3"}, theirs},
		{
			"two products that agree", nil,
			keys{koordinatorName: "a", koordinatorSize: "3", "scheduling.k8s.io/group-name": "a", volcanoSize: "3"},
			theirs,
		},
		{"ours count before theirs", nil, keys{group: "a", size: "3", koordinatorName: "b", koordinatorSize: "5"}, ours},
		{"ours as labels count before theirs", keys{group: "a", size: "3"}, keys{koordinatorName: "b", koordinatorSize: "5"}, ours},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := gang.Parse(tc.labels, tc.annotations, gang.Dialects())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, spec); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
			if u := gang.FindUnknown(tc.labels, tc.annotations, spec); u != nil {
				t.Errorf("and it says that it cannot be followed: %v", u)
			}
		})
	}
}

func TestParseSaysWhetherALabelOrAnAnnotationIsWrong(t *testing.T) {
	for _, tc := range []struct {
		name                string
		labels, annotations keys
		want                string
	}{
		{"a size in words", keys{group: "a", size: "three"}, nil, `label ` + size + ` has the value "three": it is not a whole number`},
		{"an empty name", keys{group: "", size: "3"}, nil, `label ` + group + ` has the value "": it is empty`},
		{"a name alone", keys{group: "a"}, nil, `annotation ` + size + ` is missing: ` + group + ` names gang "a"`},
		{
			"a label and an annotation that contradict",
			keys{group: "a", size: "2"},
			keys{group: "a", size: "3"},
			`annotation ` + size + ` has the value "3": the label of the same name has the value "2"; make both say the same`,
		},
		{"one dialect as labels, one as annotations", keys{group: "a", size: "3"}, keys{batchGroup: "b"}, `annotation ` + batchGroup + ` has the value "b": this pod also`},
		{"the same the other way round", keys{batchGroup: "b"}, keys{group: "a", size: "3"}, `label ` + batchGroup + ` has the value "b": this pod also`},
		{"Koordinator's size", nil, keys{koordinatorName: "a", koordinatorSize: "0"}, `annotation ` + koordinatorSize + ` has the value "0": it is less than 1`},
		{
			"two products that contradict", nil,
			keys{koordinatorName: "a", koordinatorSize: "3", "scheduling.k8s.io/group-name": "a", volcanoSize: "4"},
			`annotation ` + volcanoSize + ` has the value "4": ` + koordinatorSize + ` has the value "3"; make both say the same`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := gang.Parse(tc.labels, tc.annotations, gang.Dialects())
			var p *gang.Problem
			if !errors.As(err, &p) || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("Parse returned %+v, %v, want %q", spec, err, tc.want)
			}
		})
	}
}

// TestOtherProductsKeysAreFound, wherever they are.
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
		for where, pod := range map[gang.Where][2]keys{gang.InLabel: {carried, nil}, gang.InAnnotation: {nil, carried}} {
			t.Run(where.String()+" "+key, func(t *testing.T) {
				spec, err := gang.Parse(pod[0], pod[1], gang.Dialects())
				if spec != nil || err != nil {
					t.Fatalf("Parse read it: %+v, %v", spec, err)
				}
				want := &gang.Unknown{Where: where, Key: key, Value: "2", Product: product}
				if diff := cmp.Diff(want, gang.FindUnknown(pod[0], pod[1], spec)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

func TestWhatCountsBesideOtherProductsKeys(t *testing.T) {
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
		{"Spark's labels, which do not say how many", spark, keys{yunikorn: "[]"}, yunikorn},
		{"a driver that declares its executors", spark, keys{yunikorn: "[]", "spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi"}, ""},
		{"a role of a gang of Spark's", spark, keys{yunikorn: "[]", "kubenexus.io/role": "driver"}, ""},
		{"more than our annotations could say", nil, keys{koordinatorName: "a", koordinatorSize: "3", "gang.scheduling.koordinator.sh/groups": `["x/a","x/b"]`}, "gang.scheduling.koordinator.sh/groups"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := gang.Parse(tc.labels, tc.annotations, gang.Dialects())
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u := gang.FindUnknown(tc.labels, tc.annotations, spec); u != nil {
				got = u.Key
			}
			if got != tc.unknown {
				t.Errorf("found %q, want %q", got, tc.unknown)
			}
		})
	}
}

func TestUnknownNamesTheKeyTheValueAndTheRemedy(t *testing.T) {
	u := &gang.Unknown{
		Where: gang.InLabel, Key: "scheduling.x-k8s.io/pod-group", Value: "train", Product: "scheduler-plugins",
		Dialects: []gang.Dialect{gang.Coscheduling()},
	}
	want := `the label scheduling.x-k8s.io/pod-group of scheduler-plugins has the value "train": it ties this pod to others, and this ` +
		`scheduler does not read it; to start them together, set the annotations ` + group + ` and ` + size + ` on all of them; to schedule ` +
		`them one by one, remove this label, or set unknownGangs: Schedule in the arguments of the plugin Coscheduling`
	if u.Error() != want {
		t.Errorf("got  %s\nwant %s", u, want)
	}
	u.Value, u.Dialects = strings.Repeat("ü", 5000), gang.Dialects()
	if len(u.Error()) > 900 {
		t.Errorf("%d bytes do not fit into an event: %s", len(u.Error()), u)
	}
}

// TestSchedulingGroup: the scheduler places such a pod by Kubernetes' own pod groups before it asks any plugin, so both together
// cannot be followed.
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
			spec, err := gang.Parse(tc.labels, tc.annotations, gang.Dialects())
			if err != nil {
				t.Fatal(err)
			}
			if err := gang.InSchedulingGroup("pg", tc.annotations, spec); !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
