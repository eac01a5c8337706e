package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/datadriven"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// domains key=K: per group of pods, how many are in each domain of the label key: "g: r1=2 r2=2". Pods on nodes without the label are in "-".
func (s *scenario) domains(d *datadriven.TestData) (string, error) {
	var key string
	d.ScanArgs(s.t, "key", &key)
	nodes, err := suite.client.CoreV1().Nodes().List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	of := map[string]string{}
	for i := range nodes.Items {
		of[nodes.Items[i].Name] = nodes.Items[i].Labels[key]
	}
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	counts := map[string]map[string]int{}
	for i := range pods.Items {
		pod := &pods.Items[i]
		group := pod.Labels[groupLabel]
		if counts[group] == nil {
			counts[group] = map[string]int{}
		}
		if pod.Spec.NodeName != "" && pod.DeletionTimestamp == nil {
			counts[group][orDash(of[pod.Spec.NodeName])]++
		}
	}
	var text strings.Builder
	for _, group := range slices.Sorted(maps.Keys(counts)) {
		text.WriteString(group + ":")
		for _, name := range slices.Sorted(maps.Keys(counts[group])) {
			fmt.Fprintf(&text, " %s=%d", name, counts[group][name])
		}
		text.WriteString("\n")
	}
	return text.String(), nil
}

func orDash(name string) string {
	if name == "" {
		return "-"
	}
	return name
}

// why pod=P: why the pod waits, up to the first semicolon.
func (s *scenario) why(d *datadriven.TestData) (string, error) {
	var name string
	d.ScanArgs(s.t, "pod", &name)
	message, _ := s.scheduledCondition(name)
	text, _, _ := strings.Cut(message, ";")
	return text + "\n", nil
}
