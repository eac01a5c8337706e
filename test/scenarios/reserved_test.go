package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/datadriven"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// reserved pod=P: the nodes that are reserved for the members that a creator declares, as they are written on it.
func (s *scenario) reserved(d *datadriven.TestData) (string, error) {
	var name string
	d.ScanArgs(s.t, "pod", &name)
	pod, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	text := pod.Annotations[conventions.ReservationAnnotation]
	if text == "" {
		return "nothing\n", nil
	}
	var r gang.Reservation
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, role := range r.Roles {
		lines.WriteString(role.Name + ":")
		for _, node := range slices.Sorted(maps.Keys(role.Nodes)) {
			fmt.Fprintf(&lines, " %d on %s", role.Nodes[node], node)
		}
		lines.WriteString("\n")
	}
	return lines.String(), nil
}
