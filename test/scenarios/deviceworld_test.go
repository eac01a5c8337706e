package scenarios

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// needsDevices skips the test where the API server has no resource claims in the version that the scheduler reads.
func needsDevices(t *testing.T) {
	t.Helper()
	if !serves(t, "resource.k8s.io/v1", "resourceclaims") {
		t.Skip("this API server has no resource.k8s.io/v1")
	}
}

// device is one device of a node.
type device struct {
	name string
	// kind is its attribute of that name.
	kind string
	// memory is its capacity of that name, or "".
	memory string
}

// some returns n devices of a kind.
func some(n int, kind string) []device {
	devices := make([]device, n)
	for i := range devices {
		devices[i] = device{name: fmt.Sprintf("%s-%d", kind, i), kind: kind}
	}
	return devices
}

// driver publishes the scenario's devices: no other scenario's claims can be given them.
func (s *scenario) driver() string { return s.namespace + ".example.com" }

// class is the full name of a device class of the scenario.
func (s *scenario) class(name string) string { return s.namespace + "-" + name }

// deviceClass creates a class of the scenario's devices, all of them or those that match a CEL expression. KIND in the
// expression stands for the device's attribute, MEMORY for its capacity.
func (s *scenario) deviceClass(name, expression string) {
	s.t.Helper()
	s.createClass(name, expression, nil)
}

// extendedClass creates a class with devices that serve an extended resource too.
func (s *scenario) extendedClass(name, resourceName string) {
	s.t.Helper()
	s.createClass(name, "", &resourceName)
}

func (s *scenario) createClass(name, expression string, resourceName *string) {
	s.t.Helper()
	class := &resourcev1.DeviceClass{
		ObjectMeta: metav1.ObjectMeta{Name: s.class(name)},
		Spec: resourcev1.DeviceClassSpec{
			ExtendedResourceName: resourceName,
			Selectors:            s.selectors(fmt.Sprintf("device.driver == %q", s.driver()), expression),
		},
	}
	classes := suite.client.ResourceV1().DeviceClasses()
	created, err := classes.Create(s.ctx, class, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := classes.Delete(context.Background(), class.Name, metav1.DeleteOptions{}); err != nil {
			s.t.Error(err)
		}
	})
	if resourceName != nil && created.Spec.ExtendedResourceName == nil {
		s.t.Skip("this API server has no device classes for extended resources")
	}
}

func (s *scenario) selectors(expressions ...string) []resourcev1.DeviceSelector {
	full := strings.NewReplacer(
		"KIND", fmt.Sprintf("device.attributes[%q].kind", s.driver()),
		"MEMORY", fmt.Sprintf("device.capacity[%q].memory", s.driver()),
	)
	var selectors []resourcev1.DeviceSelector
	for _, e := range expressions {
		if e != "" {
			selectors = append(selectors, resourcev1.DeviceSelector{CEL: &resourcev1.CELDeviceSelector{Expression: full.Replace(e)}})
		}
	}
	return selectors
}

// devices publishes devices of a node, as its driver does.
func (s *scenario) devices(node string, devices ...device) {
	s.t.Helper()
	s.createSlice(node, onlyNode(nodeName(node)), devices)
}

func onlyNode(name string) resourcev1.ResourceSliceSpec {
	return resourcev1.ResourceSliceSpec{NodeName: &name}
}

// networkDevices publishes devices that pods on every node can use.
func (s *scenario) networkDevices(pool string, devices ...device) {
	s.t.Helper()
	s.createSlice(pool, resourcev1.ResourceSliceSpec{AllNodes: new(true)}, devices)
}

func (s *scenario) createSlice(pool string, spec resourcev1.ResourceSliceSpec, devices []device) {
	s.t.Helper()
	spec.Driver = s.driver()
	spec.Pool = resourcev1.ResourcePool{Name: pool, Generation: 1, ResourceSliceCount: 1}
	for _, d := range devices {
		published := resourcev1.Device{
			Name:       d.name,
			Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"kind": {StringValue: &d.kind}},
		}
		if d.memory != "" {
			published.Capacity = map[resourcev1.QualifiedName]resourcev1.DeviceCapacity{"memory": {Value: resource.MustParse(d.memory)}}
		}
		spec.Devices = append(spec.Devices, published)
	}
	s.publish(pool, spec)
}

// publish creates a slice of devices and returns what the API server made of it.
func (s *scenario) publish(name string, spec resourcev1.ResourceSliceSpec) *resourcev1.ResourceSlice {
	s.t.Helper()
	client := suite.client.ResourceV1().ResourceSlices()
	slice := &resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: s.class(name)}, Spec: spec}
	created, err := client.Create(s.ctx, slice, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := client.Delete(context.Background(), slice.Name, metav1.DeleteOptions{}); err != nil {
			s.t.Error(err)
		}
	})
	return created
}

// request is one request of a claim: any of its alternatives, the first that can be had.
type request []alternative

type alternative struct {
	class      string
	count      int64
	expression string
	// memory is how much it takes of the device's capacity of that name, or "".
	memory string
}

// exactly asks for that many devices of a class.
func exactly(class string, count int64) request { return request{{class: class, count: count}} }

// matching requests a device of a class that matches the CEL expression.
func matching(class, expression string) request {
	return request{{class: class, count: 1, expression: expression}}
}

// sharing requests so much of the memory of a device of a class, the rest of which others may have.
func sharing(class, memory string) request { return request{{class: class, count: 1, memory: memory}} }

// firstOf asks for a device of the first class that can be had.
func firstOf(classes ...string) request {
	var r request
	for _, class := range classes {
		r = append(r, alternative{class: class, count: 1})
	}
	return r
}

func (s *scenario) claimSpec(requests []request) resourcev1.ResourceClaimSpec {
	var spec resourcev1.ResourceClaimSpec
	for i, r := range requests {
		full := resourcev1.DeviceRequest{Name: fmt.Sprintf("request-%d", i)}
		if len(r) == 1 {
			full.Exactly = &resourcev1.ExactDeviceRequest{
				DeviceClassName: s.class(r[0].class), Count: r[0].count, Selectors: s.selectors(r[0].expression),
				AllocationMode: resourcev1.DeviceAllocationModeExactCount,
			}
			if r[0].memory != "" {
				full.Exactly.Capacity = &resourcev1.CapacityRequirements{
					Requests: map[resourcev1.QualifiedName]resource.Quantity{"memory": resource.MustParse(r[0].memory)},
				}
			}
		} else {
			for j, a := range r {
				full.FirstAvailable = append(full.FirstAvailable, resourcev1.DeviceSubRequest{
					Name: fmt.Sprintf("choice-%d", j), DeviceClassName: s.class(a.class), Count: a.count,
					AllocationMode: resourcev1.DeviceAllocationModeExactCount,
				})
			}
		}
		spec.Devices.Requests = append(spec.Devices.Requests, full)
	}
	return spec
}

// resourceClaim creates a claim, which several pods may share.
func (s *scenario) resourceClaim(name string, requests ...request) {
	s.t.Helper()
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: s.claimSpec(requests)}
	if _, err := suite.client.ResourceV1().ResourceClaims(s.namespace).Create(s.ctx, claim, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// claimTemplate creates a template from which each pod that names it gets a claim of its own.
func (s *scenario) claimTemplate(name string, requests ...request) {
	s.t.Helper()
	template := &resourcev1.ResourceClaimTemplate{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourcev1.ResourceClaimTemplateSpec{Spec: s.claimSpec(requests)},
	}
	_, err := suite.client.ResourceV1().ResourceClaimTemplates(s.namespace).Create(s.ctx, template, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

// usesClaim gives the pod a claim that exists.
func usesClaim(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { addClaim(pod, corev1.PodResourceClaim{Name: name, ResourceClaimName: &name}) }
}

// usesTemplate gives the pod a claim of its own.
func usesTemplate(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		addClaim(pod, corev1.PodResourceClaim{Name: name, ResourceClaimTemplateName: &name})
	}
}

// ownClaims creates a claim of one device for each pod of a group, so that it is there before the pods, and gives each pod its own.
func (s *scenario) ownClaims(group string, count int, class string) func(*corev1.Pod) {
	s.t.Helper()
	return s.ownRequests(group, count, exactly(class, 1))
}

// ownRequests does the same with a claim of another kind.
func (s *scenario) ownRequests(group string, count int, r request) func(*corev1.Pod) {
	s.t.Helper()
	for i := range count {
		s.resourceClaim(fmt.Sprintf("%s-%d", group, i), r)
	}
	return func(pod *corev1.Pod) { usesClaim(pod.Name)(pod) }
}

func addClaim(pod *corev1.Pod, claim corev1.PodResourceClaim) {
	pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, claim)
	resources := &pod.Spec.Containers[0].Resources
	resources.Claims = append(resources.Claims, corev1.ResourceClaim{Name: claim.Name})
}

// asksFor gives the pod an amount of a resource.
func asksFor(name corev1.ResourceName, amount string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		resources := &pod.Spec.Containers[0].Resources
		if resources.Limits == nil {
			resources.Limits = corev1.ResourceList{}
		}
		resources.Requests[name] = resource.MustParse(amount)
		resources.Limits[name] = resource.MustParse(amount)
	}
}

// allocated returns for each claim of the namespace that has devices which kinds they are of, and how many pods may use it.
func (s *scenario) allocated(t *testing.T) map[string]string {
	t.Helper()
	claims, err := suite.client.ResourceV1().ResourceClaims(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for i := range claims.Items {
		claim := &claims.Items[i]
		if claim.Status.Allocation == nil && len(claim.Status.ReservedFor) == 0 {
			continue
		}
		var devices []string
		if claim.Status.Allocation != nil {
			for _, result := range claim.Status.Allocation.Devices.Results {
				devices = append(devices, result.Pool+"/"+result.Device)
			}
		}
		of[claim.Name] = fmt.Sprintf("%s for %d", strings.Join(devices, ","), len(claim.Status.ReservedFor))
	}
	return of
}

// nothingAllocated waits until no claim of the namespace has devices or pods.
func (s *scenario) nothingAllocated(t *testing.T) {
	t.Helper()
	process.Within(t, patience, "no claim to be allocated or reserved", func() (bool, string) {
		of := s.allocated(t)
		return len(of) == 0, fmt.Sprint(of)
	})
}

// kindsAre waits until the claims that are allocated are these: "CLAIM: POOL/DEVICE,... for PODS".
func (s *scenario) kindsAre(t *testing.T, want ...string) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("the claims to be %v", want), func() (bool, string) {
		var lines []string
		of := s.allocated(t)
		for _, claim := range slices.Sorted(maps.Keys(of)) {
			lines = append(lines, claim+": "+of[claim])
		}
		return slices.Equal(lines, want), fmt.Sprint(lines)
	})
}

// distinctDevices fails unless the claims have so many devices, none of them twice.
func (s *scenario) distinctDevices(t *testing.T, want int) {
	t.Helper()
	owner := map[string]string{}
	for claim, devices := range s.allocated(t) {
		list, _, _ := strings.Cut(devices, " for ")
		for d := range strings.SplitSeq(list, ",") {
			if other, taken := owner[d]; taken {
				t.Errorf("claims %s and %s both have the device %s", claim, other, d)
			}
			owner[d] = claim
		}
	}
	if len(owner) != want {
		t.Errorf("the claims have %d devices, want %d: %v", len(owner), want, owner)
	}
}
