package scenarios

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// gpuPage is the page whose examples run here.
const gpuPage = "../../docs/workloads/gpu.md"

// gpuClass is the class of NVIDIA's driver for resource claims.
const gpuClass = "gpu.nvidia.com"

// TestGPUPage applies each example of the page about GPUs, as it stands, to two racks of 18 nodes, each of which is a clique. The nodes have
// what the example asks for. The gang starts, and is where it says.
func TestGPUPage(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	gb200 := map[string]string{"nvidia.com/gpu": "4"}
	for job, page := range map[string]struct {
		extended map[string]string
		// claims is how many GPUs a node has in a ResourceSlice, or else divided and shared are what their claims are for, on two nodes
		// of one rack or on one node.
		claims          int
		divided, shared bool
		pods            int
		// key is a label of the nodes, of which so many domains are used.
		key     string
		domains int
	}{
		"train":       {extended: map[string]string{"nvidia.com/gpu": "8"}, pods: 4, key: rackLabel, domains: 1},
		"notebook":    {extended: map[string]string{"nvidia.com/gpu": "8"}, pods: 1, key: rackLabel, domains: 1},
		"evaluate":    {extended: map[string]string{"nvidia.com/mig-1g.10gb": "7"}, pods: 6, key: "kubernetes.io/hostname", domains: 1},
		"claims":      {claims: 2, pods: 4, key: rackLabel, domains: 1},
		"halves":      {divided: true, pods: 4, key: rackLabel, domains: 1},
		"shared":      {shared: true, pods: 4, key: "kubernetes.io/hostname", domains: 1},
		"one-clique":  {extended: gb200, pods: 16, key: "nvidia.com/gpu.clique", domains: 1},
		"two-cliques": {extended: gb200, pods: 32, key: "nvidia.com/gpu.clique", domains: 2},
	} {
		t.Run(job, func(t *testing.T) {
			if page.claims > 0 || page.divided || page.shared {
				needsDevices(t)
			}
			s := newScenario(t, "gpu-page-"+job)
			for _, rack := range []string{"a", "b"} {
				shape := controlplane.NodeShape{
					CPU: "128", Memory: "1Ti", Pods: 110, Extended: page.extended,
					Labels: map[string]string{rackLabel: rack, "nvidia.com/gpu.clique": "cluster." + rack, "example.com/block": "block"},
				}
				if err := suite.plane.AddNodes(s.ctx, job+"-"+rack, 18, shape); err != nil {
					t.Fatal(err)
				}
			}
			switch {
			case page.claims > 0:
				s.gpusOfADriver(page.claims, job+"-a-0", job+"-b-0", job+"-b-1", job+"-b-2", job+"-b-3")
			case page.divided:
				s.dividedGPUs(job+"-a-0", job+"-b-0", job+"-b-1")
			case page.shared:
				s.sharedGPUs(job + "-a-0")
			}
			s.awaitNodes(ours)
			s.apply(t, exampleOfGPUs(t, job)...)
			s.allBound(t, page.pods)
			if used := s.usedDomains(page.key); len(used) != page.domains {
				t.Errorf("the members are in %v, want %d of %s", used, page.domains, page.key)
			}
		})
	}
}

// exampleOfGPUs returns the objects of the example that has this Job.
func exampleOfGPUs(t *testing.T, job string) (objects []*unstructured.Unstructured) {
	t.Helper()
	text, err := os.ReadFile(gpuPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		objects := objectsIn(t, gpuPage, []byte(block))
		if slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Job" && o.GetName() == job }) {
			return objects
		}
	}
	t.Fatalf("%s has no Job %s", gpuPage, job)
	return nil
}

// gpusOfADriver publishes so many GPUs of each node and their class, as NVIDIA's driver does.
func (s *scenario) gpusOfADriver(count int, nodes ...string) {
	s.t.Helper()
	s.classOfADriver(gpuClass)
	for _, node := range nodes {
		spec := gpuSlice(node, 1)
		for i := range count {
			spec.Devices = append(spec.Devices, resourcev1.Device{Name: fmt.Sprintf("gpu-%d", i)})
		}
		s.publish(node, spec)
	}
}

// dividedGPUs publishes a GPU of each node as the three halves that it may be divided into, two at a time, as NVIDIA's driver does with MIG.
func (s *scenario) dividedGPUs(nodes ...string) {
	s.t.Helper()
	s.classOfADriver("mig.nvidia.com")
	memory := func(amount string) map[string]resourcev1.Counter {
		return map[string]resourcev1.Counter{"memory": {Value: resource.MustParse(amount)}}
	}
	for _, node := range nodes {
		counters, devices := gpuSlice(node, 2), gpuSlice(node, 2)
		counters.SharedCounters = []resourcev1.CounterSet{{Name: "gpu-0", Counters: memory("80Gi")}}
		for i := range 3 {
			devices.Devices = append(devices.Devices, resourcev1.Device{
				Name:             fmt.Sprintf("gpu-0-mig-%d", i),
				Attributes:       map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"profile": {StringValue: new("3g.40gb")}},
				ConsumesCounters: []resourcev1.DeviceCounterConsumption{{CounterSet: "gpu-0", Counters: memory("40Gi")}},
			})
		}
		if created := s.publish(node+"-counters", counters); len(created.Spec.SharedCounters) == 0 {
			s.t.Skip("this API server has no counters that devices share")
		}
		s.publish(node, devices)
	}
}

// sharedGPUs publishes a GPU of each node with 40Gi of memory that claims may share.
func (s *scenario) sharedGPUs(nodes ...string) {
	s.t.Helper()
	s.classOfADriver(gpuClass)
	for _, node := range nodes {
		spec := gpuSlice(node, 1)
		spec.Devices = []resourcev1.Device{sharedDevice("40Gi")}
		if created := s.publish(node, spec); created.Spec.Devices[0].AllowMultipleAllocations == nil {
			s.t.Skip("this API server has no devices that several claims may share")
		}
	}
}

// classOfADriver creates a class of all devices of NVIDIA's driver.
func (s *scenario) classOfADriver(name string) {
	s.t.Helper()
	class := &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourcev1.DeviceClassSpec{
		Selectors: []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{
			Expression: fmt.Sprintf("device.driver == %q", gpuClass),
		}}},
	}}
	classes := suite.client.ResourceV1().DeviceClasses()
	if _, err := classes.Create(s.ctx, class, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = classes.Delete(context.Background(), name, metav1.DeleteOptions{}) })
}

// gpuSlice is one of the slices of a node's GPUs.
func gpuSlice(node string, of int64) resourcev1.ResourceSliceSpec {
	return resourcev1.ResourceSliceSpec{
		NodeName: &node, Driver: gpuClass, Pool: resourcev1.ResourcePool{Name: node, Generation: 1, ResourceSliceCount: of},
	}
}

// usedDomains returns how many pods are in each domain of a label key.
func (s *scenario) usedDomains(key string) map[string]int {
	s.t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	used := map[string]int{}
	for i := range pods.Items {
		node, err := suite.client.CoreV1().Nodes().Get(s.ctx, pods.Items[i].Spec.NodeName, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		used[node.Labels[key]]++
	}
	return used
}
