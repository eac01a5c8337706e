package scenarios

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	schedulingv1alpha2 "k8s.io/api/scheduling/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestPodsInPodGroupsOfKubernetes: with spec.schedulingGroup and the gate GenericWorkload, upstream places a pod by its own pod groups
// before any plugin is asked. Such pods wait and say so, also those with our annotations; and only where the arguments say so,
// upstream's pod groups place them.
func TestPodsInPodGroupsOfKubernetes(t *testing.T) {
	if !serves(t, "scheduling.k8s.io/v1alpha2", "podgroups") {
		t.Skip("this API server has no pod groups")
	}
	s := newScenario(t, "pod-groups")
	if err := suite.plane.AddNodes(s.ctx, "pod-groups", 4, smallNode); err != nil {
		t.Fatal(err)
	}
	group := &schedulingv1alpha2.PodGroup{ObjectMeta: metav1.ObjectMeta{Name: "train"}}
	group.Spec.SchedulingPolicy.Gang = &schedulingv1alpha2.GangSchedulingPolicy{MinCount: 2}
	if _, err := suite.client.SchedulingV1alpha2().PodGroups(s.namespace).Create(s.ctx, group, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	inGroup := func(name string, annotations map[string]string) {
		pod := podSpec{namespace: s.namespace, name: name, cpu: "1", scheduler: ours, annotations: annotations}.pod()
		pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group.Name}
		if err := create(s, pod); err != nil {
			t.Fatal(err)
		}
	}
	config := func(unknownGangs string) string {
		return "--config=" + writeConfig(t, `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: KUBECONFIG
profiles:
- schedulerName: kubenexus-scheduler
  plugins:
    multiPoint:
      enabled:
      - name: Coscheduling
  pluginConfig:
  - name: Coscheduling
    args:
      unknownGangs: `+unknownGangs+"\n")
	}
	gates := "--feature-gates=GenericWorkload=true,GangScheduling=true"
	scheduler := startScheduler(t, "--leader-elect=false", gates, config("Wait"))
	inGroup("train-0", nil)
	inGroup("train-1", nil)
	inGroup("both-0", gangAnnotations("both", 1))
	const (
		unknown = `the field spec.schedulingGroup of Kubernetes has the value "train": it ties this pod to others`
		both    = `field spec.schedulingGroup has the value "train": this pod also belongs to gang "both" by its annotations or labels`
	)
	s.waitsWith(t, "train-0", unknown)
	s.waitsWith(t, "train-1", unknown)
	s.waitsWith(t, "both-0", both)
	process.Within(t, patience, "an event UnknownGang", func() (bool, string) {
		events, err := suite.client.EventsV1().Events(s.namespace).List(s.ctx, metav1.ListOptions{})
		for _, e := range events.Items {
			if e.Reason == "UnknownGang" && e.Type == corev1.EventTypeWarning && strings.Contains(e.Note, unknown) {
				return true, ""
			}
		}
		return false, fmt.Sprint(err)
	})
	s.boundIs(t, "train", 0)
	s.boundIs(t, "both", 0)

	scheduler.Kill()
	scheduler = startScheduler(t, "--leader-elect=false", gates, config("Schedule"), "-v=4")
	s.boundIs(t, "train", 2)
	if len(scheduler.Log.Lines("attempting to schedule pod group")) == 0 {
		t.Error("upstream's pod groups did not place the pods")
	}
	s.boundIs(t, "both", 0)
	s.waitsWith(t, "both-0", both)
}
