package conventions_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	count, cpu, memory = "spark-executor-count", "spark-executor-cpu", "spark-executor-mem"
	dynamic, least     = "spark-dynamic-allocation-enabled", "spark-dynamic-allocation-min-executor-count"
	gpu                = "spark-executor-nvidia.com/gpu"
)

func TestReadPalantir(t *testing.T) {
	driver := gang.Role{Name: "driver", Min: 1, Creates: true}
	executors := gang.Role{Name: "executor", Min: 10, Requests: map[string]string{"cpu": "1", "memory": "1408Mi"}}
	spark := gang.Spec{Name: "spark-1", Unnamed: true, Role: "driver", Creates: true, MinAvailable: 11}
	for _, tc := range []struct {
		name                string
		labels, annotations map[string]string
		want                gang.Spec
		roles               []gang.Role
	}{
		{
			"Palantir's annotations", sparkLabels("driver"),
			map[string]string{count: "10", cpu: "1", memory: "1408Mi"},
			spark,
			[]gang.Role{driver, executors},
		},
		{
			"Palantir's dynamic allocation", sparkLabels("driver"),
			map[string]string{dynamic: "true", least: "10", count: "99", cpu: "1", memory: "1408Mi"},
			spark,
			[]gang.Role{driver, executors},
		},
		{
			"dynamic allocation from 0", sparkLabels("driver"),
			map[string]string{dynamic: "true", least: "0"},
			gang.Spec{Name: "spark-1", Unnamed: true, Role: "driver", Creates: true, MinAvailable: 1},
			[]gang.Role{driver, {Name: "executor", Requests: map[string]string{}}},
		},
		{
			"executors need no annotations, and Palantir's apply to the driver only", sparkLabels("executor"),
			map[string]string{count: "x"},
			gang.Spec{Name: "spark-1", Unnamed: true, Role: "executor"},
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			declares(t, conventions.Pod{Labels: tc.labels, Annotations: tc.annotations}, tc.want, tc.roles)
		})
	}
}

func TestPalantirsAnnotationsAreChecked(t *testing.T) {
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		want        string
	}{
		{"an executor count in words", map[string]string{count: "ten"}, "set it to the number of executors"},
		{"too many executors", map[string]string{count: "2000"}, "at most 1999"},
		{"executors without a memory request", map[string]string{count: "2", cpu: "1"}, "annotation " + memory + " is missing"},
		{
			"a slow quantity of Spark's",
			map[string]string{count: "2", cpu: "1e10000000", memory: "1Gi"},
			"annotation " + cpu + ` has the value "1e10000000"`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, err := conventions.Parse(conventions.Pod{Labels: sparkLabels("driver"), Annotations: tc.annotations})
			var p *conventions.Problem
			if !errors.As(err, &p) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Parse returned %+v, %v; want a problem with %q", spec, err, tc.want)
			}
		})
	}
}

// TestSparkCountsInKibibytes checks the suffix "k", which means 1000 in Kubernetes and 1024 in Spark.
func TestSparkCountsInKibibytes(t *testing.T) {
	annotations := map[string]string{count: "2", cpu: "1", memory: "2097152k"}
	_, err := conventions.Parse(conventions.Pod{Labels: sparkLabels("driver"), Annotations: annotations})
	if err == nil || !strings.Contains(err.Error(), `write "2097152Ki"`) {
		t.Errorf("Parse: %v", err)
	}
	if _, err := conventions.Parse(conventions.Pod{Annotations: asking("memory", "2097152k")}); err != nil {
		t.Errorf("Parse rejects a quantity that Kubernetes itself writes: %v", err)
	}
}
