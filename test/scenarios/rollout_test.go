package scenarios

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// controllersWithRevisions make pods of gangs of so many members; resize changes their number and what they say of it.
var controllersWithRevisions = []struct {
	kind, resource string
	make           func(m maker, size int32)
}{
	{"Deployment", "deployments", func(m maker, size int32) {
		m.create(appsv1.SchemeGroupVersion, "Deployment", &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec:       appsv1.DeploymentSpec{Replicas: &size, Selector: m.selector(), Template: m.pod(nil)},
		})
	}},
	{"StatefulSet", "statefulsets", func(m maker, size int32) {
		m.create(appsv1.SchemeGroupVersion, "StatefulSet", &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: appsv1.StatefulSetSpec{
				Replicas: &size, Selector: m.selector(), Template: m.pod(nil), PodManagementPolicy: appsv1.ParallelPodManagement,
			},
		})
	}},
}

// TestRolloutToAnotherSize: a rolling update that changes min-available with the number of replicas comes to its end, also when the scheduler
// is restarted in between.
func TestRolloutToAnotherSize(t *testing.T) {
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2"}
	for _, c := range controllersWithRevisions {
		for _, sizes := range [][2]int32{{4, 6}, {6, 4}} {
			t.Run(fmt.Sprintf("%s/%d-to-%d", c.kind, sizes[0], sizes[1]), func(t *testing.T) {
				scheduler := startScheduler(t, args...)
				s := newScenario(t, fmt.Sprintf("rollout-%s-%d", c.resource, sizes[0]))
				s.awaitNodes(ours)
				s.addNodes(t, "node", 3)
				c.make(maker{s: s, t: t, gang: gangAnnotations("web", int(sizes[0]))}, sizes[0])
				s.runningWith(t, int(sizes[0]), fmt.Sprint(sizes[0]))

				s.resize(t, c.resource, sizes[1], fmt.Sprint(sizes[1]))
				scheduler.Kill()
				startScheduler(t, args...)
				s.runningWith(t, int(sizes[1]), fmt.Sprint(sizes[1]))
			})
		}
	}
}

// TestOldRevisionHealsWhileTheNewOneWaits: a new revision that asks for more members than there are waits and says so. A pod of the old one that
// is lost meanwhile is replaced.
func TestOldRevisionHealsWhileTheNewOneWaits(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "rollout-that-waits")
	s.awaitNodes(ours)
	s.addNodes(t, "node", 3)
	controllersWithRevisions[0].make(maker{s: s, t: t, gang: gangAnnotations("web", 4)}, 4)
	s.runningWith(t, 4, "4")
	s.resize(t, "deployments", 4, "9")
	process.Within(t, patience, "the new pods to say that they wait for more", func() (bool, string) {
		for _, pod := range s.membersWith(t, "9") {
			message, waits := s.scheduledCondition(pod.Name)
			if !waits || message != fmt.Sprintf("gang %s/web has 5 of the 9 pods it needs; waiting for 4 more", s.namespace) {
				return false, pod.Name + ": " + message
			}
		}
		return len(s.membersWith(t, "9")) == 2, fmt.Sprint(len(s.membersWith(t, "9")))
	})
	old := s.membersWith(t, "4")
	if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, old[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "another pod of the old revision to be bound", func() (bool, string) {
		bound := 0
		for _, pod := range s.membersWith(t, "4") {
			if pod.Name != old[0].Name && pod.Spec.NodeName != "" {
				bound++
			}
		}
		return bound == 3, fmt.Sprint(bound)
	})
}

// resize changes a controller's replicas and the min-available of its pods.
func (s *scenario) resize(t *testing.T, resource string, replicas int32, size string) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec": {"replicas": %d, "template": {"metadata": {"annotations": {%q: %q}}}}}`, replicas, sizeAnnotation, size)
	var err error
	if resource == "deployments" {
		_, err = suite.client.AppsV1().Deployments(s.namespace).Patch(s.ctx, "web", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	} else {
		_, err = suite.client.AppsV1().StatefulSets(s.namespace).Patch(s.ctx, "web", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// membersWith returns the pods that say that min-available is so much, and are not being deleted.
func (s *scenario) membersWith(t *testing.T, size string) (members []corev1.Pod) {
	t.Helper()
	list, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range list.Items {
		if pod.Annotations[sizeAnnotation] == size && pod.DeletionTimestamp == nil {
			members = append(members, pod)
		}
	}
	return members
}

// runningWith waits until so many pods run that say that min-available is so much, and no others exist.
func (s *scenario) runningWith(t *testing.T, pods int, size string) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("%d pods with min-available %s to run", pods, size), func() (bool, string) {
		running := 0
		members := s.membersWith(t, size)
		for _, pod := range members {
			if pod.Status.Phase == corev1.PodRunning {
				running++
			}
		}
		list, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
		return err == nil && running == pods && len(list.Items) == pods,
			fmt.Sprintf("%d run, %d exist, %d pods in all, error %v", running, len(members), len(list.Items), err)
	})
}
