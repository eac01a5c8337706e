package install

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// runsImage waits until the only scheduler pod has an image with this tag.
func (s *stranger) runsImage(t *testing.T, tag string) {
	t.Helper()
	process.Within(t, patience, "pods of "+tag+" alone", func() (bool, string) {
		pods := s.pods(t, "kube-system", schedulerPods)
		return len(pods) == 1 && strings.HasSuffix(pods[0].Spec.Containers[0].Image, ":"+tag), fmt.Sprintf("%d pods", len(pods))
	})
}

// refusedNothing checks that the scheduler's logs have no refused requests.
func (s *stranger) refusedNothing(t *testing.T) {
	t.Helper()
	for name, log := range s.kubelet.logs() {
		if lines := log.Lines("forbidden"); len(lines) > 0 {
			t.Errorf("pod %s was refused:\n%s", name, strings.Join(lines, ""))
		}
	}
}

// anotherLeads makes a change and waits until another process leads. When kubectl reports that the rollout is done, the old process may
// still lead, because its pod is being deleted.
func (s *stranger) anotherLeads(t *testing.T, change func()) {
	t.Helper()
	const lease = "kubenexus-scheduler"
	before := s.leader(t, lease)
	change()
	process.Within(t, patience, "another leader", func() (bool, string) {
		now := s.leader(t, lease)
		return now != "" && now != before, fmt.Sprintf("%q leads, and %q did", now, before)
	})
}

// leader returns the holder of the lease, or "".
func (s *stranger) leader(t *testing.T, lease string) string {
	t.Helper()
	found, err := suite.client.CoordinationV1().Leases("kube-system").Get(t.Context(), lease, metav1.GetOptions{})
	if err != nil || found.Spec.HolderIdentity == nil {
		return ""
	}
	return *found.Spec.HolderIdentity
}

// member returns a pod of a gang. A label names the gang, too.
func (s *stranger) member(gang string, i, minAvailable int) *corev1.Pod {
	pod := member(fmt.Sprintf("%s-%d", gang, i), gang, minAvailable, "100m")
	pod.Namespace, pod.Labels = strangers, map[string]string{"gang": gang}
	return pod
}

func (s *stranger) members(t *testing.T, gang string, count, minAvailable int) {
	t.Helper()
	for i := range count {
		create(t, s.member(gang, i, minAvailable))
	}
}

func (s *stranger) pods(t *testing.T, namespace, selector string) []corev1.Pod {
	t.Helper()
	list, err := suite.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// areTheSame checks that the pods are still the same, on the same nodes or unbound, and not being deleted.
func (s *stranger) areTheSame(t *testing.T, selector string, before []corev1.Pod) {
	t.Helper()
	state := func(pods []corev1.Pod) map[types.UID]string {
		all := map[types.UID]string{}
		for _, pod := range pods {
			all[pod.UID] = fmt.Sprintf("%s on %q, deleted: %v", pod.Name, pod.Spec.NodeName, pod.DeletionTimestamp)
		}
		return all
	}
	was, is := state(before), state(s.pods(t, strangers, selector))
	if fmt.Sprint(was) != fmt.Sprint(is) {
		t.Errorf("the pods with %s were %v and are %v", selector, was, is)
	}
}

func (s *stranger) allBound(t *testing.T, namespace, selector string, count int) {
	t.Helper()
	process.Within(t, patience, "pods with "+selector+" to be bound", func() (bool, string) {
		bound, why := 0, "no pods"
		for _, pod := range s.pods(t, namespace, selector) {
			if pod.Spec.NodeName != "" {
				bound++
			}
			why = whyPending(&pod)
		}
		return bound == count, fmt.Sprintf("%d of %d are; %s", bound, count, why)
	})
}

func (s *stranger) allSay(t *testing.T, selector, why string) {
	t.Helper()
	process.Within(t, patience, "pods with "+selector+" to say why they wait", func() (bool, string) {
		for _, pod := range s.pods(t, strangers, selector) {
			if !strings.Contains(whyPending(&pod), why) {
				return false, whyPending(&pod)
			}
		}
		return true, ""
	})
}

// event waits for an event with the reason on one of the pods.
func (s *stranger) event(t *testing.T, reason, namespace, selector string) corev1.Event {
	t.Helper()
	var found corev1.Event
	process.Within(t, patience, reason+" of pods with "+selector, func() (bool, string) {
		events, err := suite.client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason})
		if err != nil {
			return false, err.Error()
		}
		for _, pod := range s.pods(t, namespace, selector) {
			for _, event := range events.Items {
				if event.InvolvedObject.UID == pod.UID {
					found = event
				}
			}
		}
		return found.Reason != "", fmt.Sprintf("%d others", len(events.Items))
	})
	return found
}

// empty deletes the stranger's pods.
func (s *stranger) empty(t *testing.T) {
	t.Helper()
	s.docs.shell(t, "kubectl -n "+strangers+" delete pods --all --grace-period=0 --force 2>/dev/null")
}

func deleteNamespace(t *testing.T, name string) {
	t.Helper()
	if err := suite.client.CoreV1().Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
