package conventions

import (
	"cmp"
	"maps"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The labels that Spark sets on the pods that it creates (Constants.scala in apache/spark).
const (
	sparkRoleLabel = "spark-role"
	sparkAppLabel  = "spark-app-selector"
	sparkDriver    = "driver"
	sparkExecutor  = "executor"
)

// spark reads the gang of a pod that has only Spark's labels.
type spark struct{}

// Applies reports whether the pod has both of Spark's labels.
func (spark) Applies(pod Pod) bool {
	role, _ := sparkRole(pod)
	return role != "" && checkName(pod.Labels[sparkAppLabel]) == ""
}

// Beside returns nil: any other convention takes precedence, and Spark's labels then only set the role.
func (spark) Beside(Reader, Pod) error { return nil }

// Read reads a gang whose min-available is the sum of its roles.
func (spark) Read(pod Pod) (*gang.Spec, error) {
	s := &gang.Spec{Name: pod.Labels[sparkAppLabel], Unnamed: true}
	if err := cmp.Or(readRoles(pod, s), readChoices(pod, s)); err != nil {
		return nil, err
	}
	s.MinAvailable = int32(s.Roles.Total())
	return s, nil
}

// sparkRole returns the role in Spark's label, or "", and whether pods of that role create the others.
func sparkRole(pod Pod) (role string, creates bool) {
	switch role = pod.Labels[sparkRoleLabel]; role {
	case sparkDriver, sparkExecutor:
		return role, role == sparkDriver
	default:
		return "", false
	}
}

// sparkLabelsOf returns the labels that the role declares and those that Spark sets.
func sparkLabelsOf(role gang.Role, app string) map[string]string {
	labels := map[string]string{sparkAppLabel: app}
	if role.Name == sparkExecutor {
		labels[sparkRoleLabel] = sparkExecutor
	}
	maps.Copy(labels, role.Labels)
	return labels
}
