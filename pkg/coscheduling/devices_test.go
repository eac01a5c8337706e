package coscheduling

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
)

// TestDevicesOfAGangAreNotFree: the metrics are read from the scheduler's cache.
func TestDevicesOfAGangAreNotFree(t *testing.T) {
	const gpu, rack = "nvidia.com/gpu", "example.com/rack"
	registry := metrics.NewKubeRegistry()
	r := runWith(t, &obstacle{}, true, nil, func(p *Plugins) { p.RegisterMetrics(registry) })
	for i := range 4 {
		node := st.MakeNode().Name(fmt.Sprint("n", i)).Label(rack, fmt.Sprint("r", i/2)).Capacity(map[corev1.ResourceName]string{
			"cpu": "8", "memory": "64Gi", "pods": "110", gpu: "8",
		}).Obj()
		if _, err := r.client.CoreV1().Nodes().Create(r.ctx, node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want string) {
		t.Helper()
		eventually(t, want, func() bool { return devicesIn(t, registry) == want })
	}
	read("32 free, 32 on free nodes, no gang of a rack")
	r.members("g", 2, "1", func(p *st.PodWrapper) {
		p.Annotation("kubenexus.io/topology-required", rack).Req(map[corev1.ResourceName]string{"cpu": "1", gpu: "5"})
	})
	read("22 free, 16 on free nodes, a gang of 2 in the best rack")
}

// devicesIn says how many devices are free, and how many members with eight each have room in the best rack.
func devicesIn(t *testing.T, registry metrics.KubeRegistry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	inRack := "no gang of a rack"
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			found[f.GetName()] = m.GetGauge().GetValue()
			if labels["key"] == "example.com/rack" && labels["devices"] == "8" {
				inRack = fmt.Sprintf("a gang of %v in the best rack", m.GetGauge().GetValue())
			}
		}
	}
	return fmt.Sprintf("%v free, %v on free nodes, %s", found["kubenexus_devices_free"], found["kubenexus_devices_free_on_free_nodes"], inRack)
}
