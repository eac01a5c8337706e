package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// driverOf is a driver that declares an executor with these fields in addition to its requests.
func driverOf(fields string) *corev1.Pod {
	return annotatedPod("driver", "1", map[string]string{
		"pod-group.scheduling.sigs.k8s.io/name": "app",
		conventions.RoleAnnotation:              "driver",
		conventions.RolesAnnotation: `[{"name":"driver","min":1,"creates":true},
			{"name":"executor","min":2,"requests":{"cpu":"1"},` + fields + `}]`,
	})
}

// sees observes the pod and returns the roles of its gang and the pod's events.
func sees(pod *corev1.Pod) ([]gang.Role, []string) {
	l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(1000, 0)))
	l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{})
	l.Observe(pod)
	return l.DeclaredBy(pod.UID), said(l.Tick())
}

// TestInvalidRolesAreReported checks that the event names the role and the field.
func TestInvalidRolesAreReported(t *testing.T) {
	const spread = `"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"`
	for _, tc := range []struct{ name, fields, want string }{
		{"a misspelled affinity", `"affinity":{"nodeAfinity":{}}`, `affinity has an unknown field "nodeAfinity"`},
		{
			"a field deep in an affinity",
			`"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerm":[]}}}`,
			`affinity has an unknown field "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerm"`,
		},
		{"another case", `"affinity":{"NodeAffinity":{}}`, `affinity has an unknown field "NodeAffinity"`},
		{"a list", `"affinity":[]`, "affinity cannot be read (json: cannot unmarshal array"},
		{
			"an unknown operator",
			`"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
				{"matchExpressions":[{"key":"pool","operator":"Is","values":["a"]}]}]}}}`,
			"affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator",
		},
		{
			"an invalid selector",
			`"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
				{"topologyKey":"zone","labelSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}]}}`,
			"affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector",
		},
		{
			"no topology key", `"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}`,
			"affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
		},
		{"a constraint's field", spread + `,"maxskew":2}]`, `topologySpreadConstraints has an unknown field "[0].maxskew"`},
		{"not a list", `"topologySpreadConstraints":{}`, "topologySpreadConstraints cannot be read"},
		{"no skew", `"topologySpreadConstraints":[{"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]`, "topologySpreadConstraints[0].maxSkew"},
		{"no action", `"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone"}]`, "topologySpreadConstraints[0].whenUnsatisfiable"},
		{"a spread selector", spread + `,"labelSelector":{"matchLabels":{"a b":"c"}}}]`, "topologySpreadConstraints[0].labelSelector"},
		{"a label", `"labels":{"app":"a b"}`, "labels:"},
		{"a node label", `"nodeSelector":{"pool":"a b"}`, "nodeSelector"},
		{"a toleration", `"tolerations":[{"key":"spot","operator":"Is"}]`, "tolerations[0].operator"},
		{"a toleration without a key", `"tolerations":[{"operator":"Equal","value":"x"}]`, "tolerations[0].operator"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			roles, notified := sees(driverOf(tc.fields))
			if len(notified) != 1 || !strings.Contains(notified[0], `role "executor": `+tc.want) || roles != nil {
				t.Errorf("events %q, want %q; roles %+v, want none", notified, tc.want, roles)
			}
		})
	}
	long := strings.Repeat(`{"key":"k","operator":"Exists"},`, 300)
	_, notified := sees(driverOf(`"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
		{"matchExpressions":[` + strings.TrimSuffix(long, ",") + `]}]}}}`))
	if len(notified) != 1 || !strings.Contains(notified[0], `role "executor": its affinity and topologySpreadConstraints have more than 8192 bytes`) {
		t.Errorf("events %q, want the limit in bytes", notified)
	}
}

// TestDeclaredPodHasAllFieldsOfItsRole compares it with a pod as the API server would create it.
func TestDeclaredPodHasAllFieldsOfItsRole(t *testing.T) {
	roles, notified := sees(driverOf(`"nodeSelector":{"pool":"batch"},"tolerations":[{"key":"spot","operator":"Exists","effect":"NoExecute","tolerationSeconds":60}],
		"labels":{"app":"etl"},
		"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
			{"topologyKey":"host","labelSelector":{},"matchLabelKeys":["app"]}]}},
		"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule",
			"labelSelector":{"matchLabels":{"app":"other","tier":"work"}}}]`))
	if len(roles) != 2 || len(notified) != 0 {
		t.Fatalf("roles %+v, events %q; want two roles and no event", roles, notified)
	}
	pod, err := ledger.Declared("default", roles[1])
	if err != nil {
		t.Fatal(err)
	}
	seconds := int64(60)
	want := corev1.PodSpec{
		NodeSelector: map[string]string{"pool": "batch"},
		Tolerations:  []corev1.Toleration{{Key: "spot", Operator: "Exists", Effect: "NoExecute", TolerationSeconds: &seconds}},
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: "host", MatchLabelKeys: []string{"app"},
				LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
					{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: []string{"etl"}},
				}},
			}},
		}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other", "tier": "work"}},
		}},
		Containers: pod.Spec.Containers,
	}
	if diff := cmp.Diff(want, pod.Spec); diff != "" {
		t.Errorf("specification (-want +got):\n%s", diff)
	}
	// The pod is one of the pods among which it is spread, unless its labels say otherwise.
	if diff := cmp.Diff(map[string]string{"app": "etl", "tier": "work"}, pod.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// sparkDriver is a driver as Spark creates it, in its own node pool.
func sparkDriver(annotations map[string]string) *corev1.Pod {
	pod := annotatedPod("driver", "1", annotations)
	pod.Labels = map[string]string{"spark-role": "driver", "spark-app-selector": "spark-1"}
	pod.Spec.NodeSelector = map[string]string{"pool": "spark"}
	pod.Spec.Tolerations = []corev1.Toleration{{Key: "pool", Operator: "Equal", Value: "spark", Effect: "NoSchedule"}}
	pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: "In", Values: []string{"a"}}},
		}}},
	}, PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
		TopologyKey: "zone", MatchLabelKeys: []string{"spark-role"},
		LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{ // as the API server merges it
			{Key: "spark-role", Operator: metav1.LabelSelectorOpIn, Values: []string{"driver"}},
		}},
	}}}}
	return pod
}

// TestPalantirExecutorsInheritTheDriversNodeConstraints: the annotations of Palantir's scheduler cannot express node constraints,
// so the driver's apply.
func TestPalantirExecutorsInheritTheDriversNodeConstraints(t *testing.T) {
	driver := sparkDriver(map[string]string{
		"spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi",
	})
	roles, notified := sees(driver)
	if len(roles) != 2 || len(notified) != 0 {
		t.Fatalf("roles %+v, events %q; want two roles and no event", roles, notified)
	}
	executor, err := ledger.Declared("default", roles[1])
	if err != nil {
		t.Fatal(err)
	}
	got := []any{executor.Labels, executor.Spec.NodeSelector, executor.Spec.Tolerations, executor.Spec.Affinity}
	want := []any{
		map[string]string{"spark-role": "executor", "spark-app-selector": "spark-1"},
		driver.Spec.NodeSelector, driver.Spec.Tolerations,
		&corev1.Affinity{NodeAffinity: driver.Spec.Affinity.NodeAffinity}, // the affinity to pods applies to the driver only
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("executor (-want +got):\n%s", diff)
	}
}

// TestDeclaredExecutorsDoNotInherit: roles can express node constraints, so the driver's do not apply.
func TestDeclaredExecutorsDoNotInherit(t *testing.T) {
	roles, notified := sees(sparkDriver(map[string]string{
		conventions.RolesAnnotation: `[{"name":"driver","min":1,"creates":true},{"name":"executor","min":2,"requests":{"cpu":"1"}}]`,
	}))
	if len(roles) != 2 || len(notified) != 0 {
		t.Fatalf("roles %+v, events %q; want two roles and no event", roles, notified)
	}
	executor, err := ledger.Declared("default", roles[1])
	if err != nil || executor.Spec.NodeSelector != nil || executor.Spec.Tolerations != nil || executor.Spec.Affinity != nil {
		t.Errorf("the executor is %+v, %v; want no constraints of the driver", executor.Spec, err)
	}
	if diff := cmp.Diff(map[string]string{"spark-role": "executor", "spark-app-selector": "spark-1"}, executor.Labels); diff != "" {
		t.Errorf("labels, including Spark's (-want +got):\n%s", diff)
	}
}

// TestExecutorsInheritAddedTolerations checks a toleration that is added to a pending driver.
func TestExecutorsInheritAddedTolerations(t *testing.T) {
	driver := sparkDriver(map[string]string{
		"spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi",
	})
	l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(1000, 0)))
	l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{})
	for version := range 3 {
		driver = driver.DeepCopy()
		driver.ResourceVersion = fmt.Sprint(version + 1)
		driver.Spec.Tolerations = append(driver.Spec.Tolerations, corev1.Toleration{Key: fmt.Sprint("k", version), Operator: "Exists"})
		l.Observe(driver)
		if roles := l.DeclaredBy(driver.UID); len(roles) != 2 || len(roles[1].Tolerations) != version+2 {
			t.Fatalf("roles %+v, want %d tolerations", roles, version+2)
		}
	}
}

// TestAcceptedQuantitiesAreValid checks that an accepted quantity is at least a mebibyte, a millicore or a device, and a whole
// number of devices.
func TestAcceptedQuantitiesAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"cpu", "memory", "nvidia.com/gpu"}).Draw(t, "resource")
		text := rapid.StringMatching(`[0-9]{1,12}(\.[0-9]{1,4})?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2}|g|mb|B)?`).Draw(t, "quantity")
		roles, notified := sees(annotatedPod("driver", "1", map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name": "app",
			conventions.RoleAnnotation:              "driver",
			conventions.RolesAnnotation: fmt.Sprintf(`[{"name":"driver","min":1,"creates":true},
				{"name":"executor","min":2,"requests":{%q:%q}}]`, name, text),
		}))
		if len(notified) > 0 {
			return
		}
		pod, err := ledger.Declared("default", roles[1])
		if err != nil {
			t.Fatalf("%s %q was accepted: %v", name, text, err)
		}
		q := pod.Spec.Containers[0].Resources.Requests[corev1.ResourceName(name)]
		switch {
		case name == "cpu" && q.MilliValue() < 1,
			name == "memory" && q.Value() < 1<<20,
			name == "nvidia.com/gpu" && (q.Value() < 1 || q.Cmp(*resource.NewQuantity(q.Value(), resource.DecimalSI)) != 0):
			t.Fatalf("%s %q was accepted as %s", name, text, q.String())
		}
	})
}
