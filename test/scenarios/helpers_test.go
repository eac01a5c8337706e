package scenarios

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

var smallNode = controlplane.NodeShape{CPU: "4", Memory: "16Gi", Pods: 110}

// gang creates the first members of a gang, of one CPU each.
func (s *scenario) gang(name string, members, minAvailable int) {
	s.t.Helper()
	for i := range members {
		spec := podSpec{
			namespace: s.namespace, name: fmt.Sprintf("%s-%d", name, i), cpu: "1",
			scheduler: ours, annotations: gangAnnotations(name, minAvailable),
		}
		if err := create(s, spec.pod()); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *scenario) remove(group string) {
	s.t.Helper()
	err := suite.client.CoreV1().Pods(s.namespace).DeleteCollection(s.ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)},
		metav1.ListOptions{LabelSelector: groupLabel + "=" + group})
	if err != nil {
		s.t.Fatal(err)
	}
}

// countBound returns how many pods of a group, or of all if it is empty, are bound.
func (s *scenario) countBound(group string) (int, error) {
	options := metav1.ListOptions{}
	if group != "" {
		options.LabelSelector = groupLabel + "=" + group
	}
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, options)
	if err != nil {
		return 0, err
	}
	bound := 0
	for _, pod := range pods.Items {
		if pod.Spec.NodeName != "" {
			bound++
		}
	}
	return bound, nil
}

func (s *scenario) allBound(t *testing.T, want int) {
	t.Helper()
	s.boundIs(t, "", want)
}

func (s *scenario) boundIs(t *testing.T, group string, want int) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("%d pods of %q to be bound", want, group), func() (bool, string) {
		bound, err := s.countBound(group)
		return bound == want && err == nil, fmt.Sprintf("%d bound, error %v", bound, err)
	})
}

// saidOfAll waits until so many pods have an event that says to which node they were bound.
func (s *scenario) saidOfAll(t *testing.T, pods int) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("%d pods to have the event Scheduled", pods), func() (bool, string) {
		events, err := suite.client.EventsV1().Events(s.namespace).List(s.ctx, metav1.ListOptions{FieldSelector: "reason=Scheduled"})
		return err == nil && len(events.Items) == pods, fmt.Sprint(len(events.Items), err)
	})
}

// waitsWith waits until the pod's PodScheduled condition says why it waits.
func (s *scenario) waitsWith(t *testing.T, name, why string) {
	t.Helper()
	process.Within(t, patience, name+" to say why it waits", func() (bool, string) {
		message, waits := s.scheduledCondition(name)
		return waits && strings.Contains(message, why), message
	})
}

// whyWaits waits until the pod's PodScheduled condition says why it waits, and returns that.
func (s *scenario) whyWaits(t *testing.T, name string) (why string) {
	t.Helper()
	process.Within(t, patience, name+" to say why it waits", func() (waits bool, message string) {
		why, waits = s.scheduledCondition(name)
		return waits, why
	})
	return why
}

// scheduledCondition returns what the pod's PodScheduled condition says, and whether that is why it waits.
func (s *scenario) scheduledCondition(name string) (message string, waits bool) {
	pod, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return err.Error(), false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return c.Message, c.Status == corev1.ConditionFalse
		}
	}
	return "no PodScheduled condition", false
}
