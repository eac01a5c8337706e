package conventions_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	role  = conventions.RoleAnnotation
	roles = conventions.RolesAnnotation

	// driven declares a creator and the ten pods that it creates.
	driven = `[{"name":"driver","min":1,"creates":true},{"name":"executor","min":10,"requests":{"cpu":"1","memory":"1408Mi"}}]`
)

// declares checks the result of Parse for a pod, with the roles compared separately.
func declares(t *testing.T, pod conventions.Pod, want gang.Spec, roles []gang.Role) {
	t.Helper()
	got, err := conventions.Parse(pod)
	if err != nil || got == nil {
		t.Fatalf("Parse: %v, %v", got, err)
	}
	declared := got.Roles.All()
	got.Roles = nil
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(roles, declared); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestParseReadsRoles(t *testing.T) {
	requests := map[string]string{"cpu": "1", "memory": "1408Mi"}
	driver := gang.Role{Name: "driver", Min: 1, Creates: true}
	executors := gang.Role{Name: "executor", Min: 10, Requests: requests}
	driving := gang.Spec{Convention: "Coscheduling", Name: "a", Role: "driver", Creates: true, MinAvailable: 11}
	for _, tc := range []struct {
		name                string
		labels, annotations map[string]string
		want                gang.Spec
		roles               []gang.Role
	}{
		{
			"a creator and its executors", nil,
			map[string]string{group: "a", role: "driver", roles: driven},
			driving,
			[]gang.Role{driver, executors},
		},
		{
			"min-available that agrees", nil,
			map[string]string{group: "a", size: "11", role: "driver", roles: driven},
			driving,
			[]gang.Role{driver, executors},
		},
		{
			"Spark's label is a role", sparkLabels("driver"),
			map[string]string{group: "a", roles: driven},
			driving,
			[]gang.Role{driver, executors},
		},
		{
			"the annotation takes precedence over Spark's label", sparkLabels("driver"),
			map[string]string{group: "a", role: "executor", roles: driven},
			gang.Spec{Convention: "Coscheduling", Name: "a", Role: "executor", MinAvailable: 11},
			[]gang.Role{driver, executors},
		},
		{
			"roles without a creator, min-available above the minimums", nil,
			map[string]string{group: "a", size: "5", roles: `[{"name":"launcher","min":1},{"name":"worker","min":2}]`},
			gang.Spec{Convention: "Coscheduling", Name: "a", MinAvailable: 5},
			[]gang.Role{{Name: "launcher", Min: 1}, {Name: "worker", Min: 2}},
		},
		{
			"without requests the creator cannot wait", nil,
			map[string]string{group: "a", role: "driver", roles: `[{"name":"driver","min":1,"creates":true},{"name":"executor","min":10}]`},
			driving,
			[]gang.Role{{Name: "executor", Min: 10}},
		},
		{
			"node selector and tolerations", nil,
			map[string]string{group: "a", roles: `[{"name":"w","min":2,"nodeSelector":{"pool":"x"},"tolerations":[{"key":"spot"}]}]`},
			gang.Spec{Convention: "Coscheduling", Name: "a", MinAvailable: 2},
			[]gang.Role{{Name: "w", Min: 2, NodeSelector: map[string]string{"pool": "x"}, Tolerations: []gang.Toleration{{Key: "spot"}}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			declares(t, conventions.Pod{Labels: tc.labels, Annotations: tc.annotations}, tc.want, tc.roles)
		})
	}
}

// TestLeadsIsTheOlderSpellingOfCreates checks that both are read and must agree if a role has both.
func TestLeadsIsTheOlderSpellingOfCreates(t *testing.T) {
	read := func(says string) (*gang.Spec, error) {
		list := `[{"name":"driver","min":1` + says + `},{"name":"executor","min":10,"requests":{"cpu":"1"}}]`
		return conventions.Parse(conventions.Pod{Annotations: map[string]string{group: "a", role: "driver", roles: list}})
	}
	for says, creates := range map[string]bool{
		``:                                 false,
		`,"creates":true`:                  true,
		`,"leads":true`:                    true,
		`,"creates":false`:                 false,
		`,"leads":false`:                   false,
		`,"leads":null`:                    false,
		`,"creates":true,"leads":true`:     true,
		`,"creates":false,"leads":false`:   false,
		`,"creates":null,"leads":true`:     true,
		`,"tolerations":[],"creates":true`: true,
	} {
		spec, err := read(says)
		if err != nil {
			t.Errorf("%s: %v", says, err)
			continue
		}
		if spec.Creates != creates || (spec.Roles.Creator() != nil) != creates {
			t.Errorf("%s is read as %+v with the creator %v, want %t", says, spec, spec.Roles.Creator(), creates)
		}
	}
	for says, want := range map[string]string{
		`,"creates":true,"leads":false`: `role "driver" has "creates":true and "leads":false, which mean the same; keep "creates" and remove "leads"`,
		`,"creates":false,"leads":true`: `role "driver" has "creates":false and "leads":true, which mean the same; keep "creates" and remove "leads"`,
		`,"leads":"yes"`:                "it cannot be read",
	} {
		var p *conventions.Problem
		if spec, err := read(says); !errors.As(err, &p) || p.Annotation != roles || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Parse returned %+v, %v; want a problem with %q", says, spec, err, want)
		}
	}
}

func TestParseRejectsInvalidRoles(t *testing.T) {
	many := strings.Repeat(`{"name":"a","min":1},`, 17)
	for _, tc := range []struct {
		name                string
		labels, annotations map[string]string
		want                string
	}{
		{"not JSON", nil, map[string]string{roles: "executor=10"}, "it cannot be read"},
		{"an object", nil, map[string]string{roles: `{"name":"a","min":1}`}, "it cannot be read"},
		{"null", nil, map[string]string{roles: "null"}, "it has 0 roles"},
		{"an unknown field", nil, map[string]string{roles: `[{"name":"a","minimum":1}]`}, `unknown field "minimum"`},
		{"a fraction", nil, map[string]string{roles: `[{"name":"a","min":1.5}]`}, "it cannot be read"},
		{"beyond int32", nil, map[string]string{roles: `[{"name":"a","min":2147483648}]`}, "it cannot be read"},
		{"two lists", nil, map[string]string{roles: `[{"name":"a","min":1}] []`}, "there is text after the list"},
		{"17 roles", nil, map[string]string{roles: "[" + strings.TrimSuffix(many, ",") + "]"}, "it has 17 roles"},
		{"a duplicate role", nil, map[string]string{roles: `[{"name":"a","min":1},{"name":"a","min":2}]`}, `declares role "a" twice`},
		{"below 0", nil, map[string]string{roles: `[{"name":"a","min":-1}]`}, "min is -1"},
		{"a creator with minimum 0", nil, map[string]string{roles: `[{"name":"a","min":0,"creates":true}]`}, "min is 0"},
		{"no member is needed", nil, map[string]string{roles: `[{"name":"a","min":0}]`}, "the minimums sum to 0"},
		{"too many", nil, map[string]string{roles: `[{"name":"a","min":1999},{"name":"b","min":2}]`}, "the minimums sum to 2001"},
		{
			"sums beyond int32", nil,
			map[string]string{roles: `[{"name":"a","min":2147483647},{"name":"b","min":2147483647}]`},
			"the minimums sum to 4294967294",
		},
		{"a quantity that is slow to parse", nil, map[string]string{
			roles: `[{"name":"a","min":1,"requests":{"cpu":"1234567890123456789e10000000"}}]`,
		}, `is not a valid resource request`},
		{"a request of 0", nil, map[string]string{roles: `[{"name":"a","min":1,"requests":{"cpu":"0"}}]`}, `is not a valid resource request`},
		{"an invalid resource name", nil, map[string]string{roles: `[{"name":"a","min":1,"requests":{"c p u":"1"}}]`}, `is not a valid resource request`},
		{
			"thousands of resources", nil,
			map[string]string{roles: `[{"name":"a","min":1,"requests":{` + manyRequests(17) + `}}]`},
			"more than 16 requests",
		},
		{
			"two creators", nil,
			map[string]string{roles: `[{"name":"a","min":1,"creates":true},{"name":"b","min":1,"creates":true}]`},
			"both create the others",
		},
		{"a name with capitals", nil, map[string]string{roles: `[{"name":"Driver","min":1}]`}, `name "Driver": a role has a name`},
		{"the pod's own role is not declared", nil, map[string]string{role: "worker", roles: driven}, `it declares no role "worker"`},
		{"the pod has no role", nil, map[string]string{roles: driven}, "annotation " + role + " is missing"},
		{"an invalid role name", nil, map[string]string{role: "a b", size: "2"}, `has the value "a b": a role has a name`},
		{
			"min-available that differs from the roles of a creator", nil,
			map[string]string{role: "driver", roles: driven, size: "12"},
			"sum to 11; make both agree",
		},
		{"min-available below the minimums", nil, map[string]string{roles: `[{"name":"a","min":3}]`, size: "2"}, "sum to 3, which is more"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			annotations := map[string]string{group: "a"}
			maps.Copy(annotations, tc.annotations)
			spec, err := conventions.Parse(conventions.Pod{Labels: tc.labels, Annotations: annotations})
			var p *conventions.Problem
			if !errors.As(err, &p) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Parse returned %+v, %v; want a problem with %q", spec, err, tc.want)
			}
		})
	}
}

func manyRequests(n int) string {
	requests := make([]string, n)
	for i := range requests {
		requests[i] = fmt.Sprintf(`"example.com/r%d":"1"`, i)
	}
	return strings.Join(requests, ",")
}

// FuzzRoles checks that accepted roles are within the limits.
func FuzzRoles(f *testing.F) {
	f.Add(driven, "driver", "")
	f.Add(`[{"name":"worker","min":2000}]`, "", "3")
	f.Add(`[{"name":"w","min":2,"topologyPreferred":"c,d","topologySliceRequired":"e","topologySliceSize":2}]`, "", "")
	f.Fuzz(func(t *testing.T, declared, own, sparkCount string) {
		annotations := map[string]string{group: "a", role: own, count: sparkCount, cpu: "1", memory: "1Gi"}
		if declared != "" {
			annotations[roles] = declared
		}
		spec, err := conventions.Parse(conventions.Pod{Labels: sparkLabels("driver"), Annotations: annotations})
		if err != nil || spec == nil {
			return
		}
		if total := spec.Roles.Total(); total < 0 || total > 2000 || int(spec.MinAvailable) < total {
			t.Errorf("%d declared, min-available %d", total, spec.MinAvailable)
		}
	})
}
