package scenarios

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// claiming is a pod with a resource claim of its own name.
func claiming(s *scenario, name string, annotations map[string]string) *corev1.Pod {
	pod := podSpec{namespace: s.namespace, name: name, cpu: "1", scheduler: ours, annotations: annotations}.pod()
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "device", ResourceClaimName: &name}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "device"}}
	return pod
}

// TestPodsWithClaimsWait: where the API server has resource claims, but not in the version that the scheduler reads, or where
// a flag turns them off, pods with claims wait and say so, in gangs and without, rather than start without their devices.
func TestPodsWithClaimsWait(t *testing.T) {
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false"}
	if serves(t, "resource.k8s.io/v1", "resourceclaims") {
		args = append(args, "--emulated-version=kube=1.33")
	}
	s := newScenario(t, "claims-wait")
	if err := suite.plane.AddNodes(s.ctx, "claims-wait", 1, smallNode); err != nil {
		t.Fatal(err)
	}
	pods := suite.client.CoreV1().Pods(s.namespace)
	single, err := pods.Create(s.ctx, claiming(s, "single-0", nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(single.Spec.ResourceClaims) == 0 {
		t.Skip("this API server has no resource claims at all: it takes them from the pods")
	}
	startScheduler(t, args...)
	for i := range 2 {
		if err := create(s, claiming(s, fmt.Sprintf("gang-%d", i), gangAnnotations("gang", 2))); err != nil {
			t.Fatal(err)
		}
	}
	const why = "the pod has resource claims, and this scheduler has DynamicResourceAllocation off, because the API server has no resource.k8s.io/v1"
	s.waitsWith(t, "single-0", why)
	s.waitsWith(t, "gang-0", why)
	s.waitsWith(t, "gang-1", why)
	process.Within(t, patience, "an event that says why", func() (bool, string) {
		events, err := suite.client.EventsV1().Events(s.namespace).List(s.ctx, metav1.ListOptions{})
		for _, e := range events.Items {
			if e.Regarding.Name == "single-0" && strings.Contains(e.Note, why) {
				return true, ""
			}
		}
		return false, fmt.Sprint(err)
	})
	if err := create(s, podSpec{namespace: s.namespace, name: "without-0", cpu: "1", scheduler: ours}.pod()); err != nil {
		t.Fatal(err)
	}
	s.boundIs(t, "without", 1) // what needs no claim starts
	s.boundIs(t, "single", 0)
	s.boundIs(t, "gang", 0)
}

// TestClaimsGetTheirDevices: with resource.k8s.io/v1 the one device of a node goes to one of two pods that claim one.
func TestClaimsGetTheirDevices(t *testing.T) {
	if !serves(t, "resource.k8s.io/v1", "resourceclaims") {
		t.Skip("this API server has no resource.k8s.io/v1")
	}
	s := newScenario(t, "claims")
	if err := suite.plane.AddNodes(s.ctx, "claims", 1, smallNode); err != nil {
		t.Fatal(err)
	}
	s.deviceClass("one", "")
	s.devices("claims", device{name: "device-0"})
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	for _, name := range []string{"first-0", "second-0"} {
		s.resourceClaim(name, exactly("one", 1))
		if err := create(s, claiming(s, name, nil)); err != nil {
			t.Fatal(err)
		}
		if name == "first-0" {
			s.boundIs(t, "first", 1)
		}
	}
	s.waitsWith(t, "second-0", "cannot allocate all claims")
	claim, err := suite.client.ResourceV1().ResourceClaims(s.namespace).Get(s.ctx, "first-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if a := claim.Status.Allocation; a == nil || len(a.Devices.Results) != 1 || a.Devices.Results[0].Device != "device-0" {
		t.Errorf("the claim of the pod that started has the allocation %+v, want device-0", a)
	}
}
