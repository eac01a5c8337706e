package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// queueConfigMap is the ConfigMap that configures the queues, in kube-system.
const queueConfigMap = "kubenexus-queues"

// queues configures the queues as the input says, from its list on. They go with the scenario.
func (s *scenario) queues(d *datadriven.TestData) (string, error) {
	s.configureQueues(d.Input)
	return "", nil
}

// configureQueues writes the ConfigMap and waits until the configuration is in force: a queue that is added for the purpose is then known.
func (s *scenario) configureQueues(list string) {
	s.t.Helper()
	s.probes++
	probe := fmt.Sprintf("probe-%d", s.probes)
	s.writeQueues(queueDocument(list + "\n- name: " + probe))
	s.knowsQueue(probe, true)
}

// writeQueues writes the ConfigMap.
func (s *scenario) writeQueues(text string) {
	s.t.Helper()
	s.writeQueueConfigMap(map[string]string{"queues.yaml": text}, nil)
}

// writeQueueConfigMap writes the ConfigMap with these keys.
func (s *scenario) writeQueueConfigMap(data map[string]string, binaryData map[string][]byte) {
	s.t.Helper()
	configMaps := suite.client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	object := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: queueConfigMap, Namespace: metav1.NamespaceSystem},
		Data:       data, BinaryData: binaryData,
	}
	_, err := configMaps.Create(s.ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = configMaps.Update(s.ctx, object, metav1.UpdateOptions{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if s.configured {
		return
	}
	s.configured = true
	s.t.Cleanup(s.deleteQueues)
}

// deleteQueues deletes the ConfigMap if it exists.
func (s *scenario) deleteQueues() {
	s.t.Helper()
	err := suite.client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Delete(context.Background(), queueConfigMap, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		s.t.Error(err)
	}
}

// knowsQueue waits until the scheduler knows the queue, or does not: of a new pod each time, which fits on no node.
func (s *scenario) knowsQueue(name string, knows bool) {
	s.t.Helper()
	process.Within(s.t, patience, "the configuration of queues to be in force", func() (bool, string) {
		s.probes++
		probe := podSpec{
			namespace: s.namespace, name: fmt.Sprintf("probe-%d", s.probes), cpu: "1", scheduler: ours,
			annotations: map[string]string{"kubenexus.io/queue": name},
		}.pod()
		probe.Spec.NodeSelector = map[string]string{"example.com/no-node": "has-this"}
		if err := create(s, probe); err != nil {
			s.t.Fatal(err)
		}
		why := s.whyWaits(s.t, probe.Name)
		if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, probe.Name,
			metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			s.t.Fatal(err)
		}
		return strings.Contains(why, "there is no such queue") != knows, why
	})
}

// waits pod=P: the reason for which the pod waits, without the sentence.
func (s *scenario) waits(d *datadriven.TestData) (string, error) {
	text, err := s.condition(d)
	_, reason, found := strings.Cut(text, "=False ")
	if err != nil || !found {
		return text, err
	}
	reason, _, _ = strings.Cut(reason, ":")
	return reason + "\n", nil
}

// metric name=M [resource=R]: the values of a metric of the scheduler, one line for each queue, or for each resource if it has no queues.
// The queue that configureQueues adds is left out.
func (s *scenario) metric(d *datadriven.TestData) (string, error) {
	var name, resource string
	d.ScanArgs(s.t, "name", &name)
	s.maybe(d, "resource", &resource)
	var values []string
	for line := range strings.Lines(s.metrics()) {
		sample := metricLine.FindStringSubmatch(line)
		if len(sample) == 0 || sample[1] != name {
			continue
		}
		labels := map[string]string{}
		for _, label := range metricLabel.FindAllStringSubmatch(sample[2], -1) {
			labels[label[1]] = label[2]
		}
		if resource != "" && labels["resource"] != resource || anyProbe.MatchString(labels["queue"]) {
			continue
		}
		value, err := strconv.ParseFloat(sample[3], 64)
		if err != nil {
			return "", err
		}
		values = append(values, fmt.Sprintf("%s: %s\n", cmp.Or(labels["queue"], labels["resource"]), strconv.FormatFloat(value, 'g', 4, 64)))
	}
	slices.Sort(values)
	return strings.Join(values, ""), nil
}

var (
	metricLine  = regexp.MustCompile(`^(\w+)\{(.*)\} (\S+)`)
	metricLabel = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// skipIfShort skips tests of the queues that take long and do not depend on the version of the API server.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long, and runs without -short")
	}
}
