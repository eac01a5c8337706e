package conventions_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func sparkLabels(role string) map[string]string {
	return map[string]string{"spark-role": role, "spark-app-selector": "spark-1"}
}

func TestReadSpark(t *testing.T) {
	for _, tc := range []struct {
		name   string
		labels map[string]string
		want   *gang.Spec
	}{
		{"an executor", sparkLabels("executor"), &gang.Spec{Name: "spark-1", Unnamed: true, Role: "executor"}},
		{"a driver without declared executors", sparkLabels("driver"), &gang.Spec{Name: "spark-1", Unnamed: true, Role: "driver", Creates: true}},
		{"an unknown role", sparkLabels("friend"), nil},
		{"no application", map[string]string{"spark-role": "driver"}, nil},
		{"an application whose name is invalid for a gang", map[string]string{"spark-role": "driver", "spark-app-selector": "-"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) { reads(t, conventions.Pod{Labels: tc.labels}, tc.want) })
	}
}
