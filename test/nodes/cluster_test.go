//go:build linux

package nodes

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/node"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/serving"
)

// ours selects the pods of our scheduler and of serve.
const ours = "app.kubernetes.io/part-of=kubenexus"

// cluster is what a test uses of the cluster: a namespace of its own, and kubectl.
type cluster struct {
	t         *testing.T
	namespace string
}

// newCluster waits until all nodes are ready, and makes a namespace. The test's end empties it.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	for _, n := range suite.nodes {
		c.awaitNode(n.Name, true)
	}
	made, err := suite.client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "gangs-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.namespace = made.Name
	t.Cleanup(c.remove)
	return c
}

// sharedManifest is the installation of the tests that are not about installing.
const sharedManifest = "gang-scheduler-deployment"

// withScheduler is newCluster with the scheduler of its manifest. It stays for the next test.
func withScheduler(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t)
	if !suite.installed {
		c.apply(c.manifest(sharedManifest, image))
		suite.installed = true
	}
	c.rollout("kube-system", "kubenexus-scheduler")
	return c
}

// withoutScheduler is newCluster without any scheduler of ours.
func withoutScheduler(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t)
	if suite.installed {
		c.uninstall(c.manifest(sharedManifest, image), "kube-system")
		suite.installed = false
	}
	return c
}

// remove removes the namespace and what runs in it.
func (c *cluster) remove() {
	ctx := context.Background()
	if c.t.Failed() {
		c.dump()
	}
	if err := suite.client.CoreV1().Namespaces().Delete(ctx, c.namespace, metav1.DeleteOptions{}); err != nil {
		c.t.Error(err)
	}
	// The namespace itself takes longer, and is in nobody's way.
	process.Within(c.t, patience, "the pods of "+c.namespace+" to be gone", func() (bool, string) {
		left, err := suite.client.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{})
		return err == nil && len(left.Items) == 0, fmt.Sprint(err)
	})
}

// dump logs what people need to see why a test failed.
func (c *cluster) dump() {
	c.t.Logf("pods:\n%s", c.kubectlOutput("get", "pods", "-A", "-o", "wide"))
	c.t.Logf("our pods:\n%s", c.kubectlOutput("describe", "pods", "-A", "-l", ours))
	c.t.Logf("events:\n%s", c.kubectlOutput("-n", c.namespace, "get", "events", "--sort-by=.lastTimestamp"))
	for _, namespace := range []string{"kube-system", "batch-scheduler"} {
		c.t.Logf("log in %s:\n%s", namespace, c.kubectlOutput("-n", namespace, "logs", "-l", ours, "--tail=200", "--prefix"))
	}
	c.t.Logf("errors of kubelets:\n%s", errorsOf("kubelet"))
}

// took logs how long something took, for docs/reliability.md.
func (c *cluster) took(what string, began time.Time) {
	c.t.Helper()
	c.t.Logf("took: %s: %s", what, time.Since(began).Round(100*time.Millisecond))
}

// awaitNode waits until a node is ready, or is known not to be.
func (c *cluster) awaitNode(name string, ready bool) {
	c.t.Helper()
	process.Within(c.t, patience, fmt.Sprintf("node %s to have ready=%v", name, ready), func() (bool, string) {
		found, err := suite.client.CoreV1().Nodes().Get(c.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == corev1.NodeReady {
				is := condition.Status == corev1.ConditionTrue && len(found.Spec.Taints) == 0
				return is == ready, fmt.Sprintf("%s: %s, taints %v", condition.Status, condition.Message, found.Spec.Taints)
			}
		}
		return false, "it says nothing"
	})
}

// kubectl runs kubectl as an administrator, and returns its output.
func (c *cluster) kubectl(args ...string) string {
	c.t.Helper()
	out, err := c.tryKubectl("", args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// kubectlOutput returns what kubectl prints, for people.
func (c *cluster) kubectlOutput(args ...string) string {
	out, err := c.tryKubectl("", args...)
	if err != nil {
		return err.Error()
	}
	return out
}

func (c *cluster) tryKubectl(in string, args ...string) (string, error) {
	if suite.kubectl == "" {
		suite.kubectl = serving.Kubectl(c.t)
	}
	cmd := exec.Command(suite.kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+suite.plane.Kubeconfig())
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// manifest returns a manifest of config/ with the image in it.
func (c *cluster) manifest(name, image string) string {
	c.t.Helper()
	text, err := os.ReadFile("../../config/" + name + ".yaml")
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "your-registry/kubenexus-scheduler:latest", image)
}

// install applies a manifest of config/ and waits for the rollout of its Deployment. The test's end deletes what is in it.
func (c *cluster) install(name, namespace, deployment string) {
	c.t.Helper()
	c.apply(c.manifest(name, image))
	c.t.Cleanup(func() { c.uninstall(c.manifest(name, image), namespace) })
	c.rollout(namespace, deployment)
}

func (c *cluster) apply(manifest string) {
	c.t.Helper()
	if _, err := c.tryKubectl(manifest, "apply", "-f", "-"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) rollout(namespace, deployment string) {
	c.t.Helper()
	c.kubectl("-n", namespace, "rollout", "status", "deployment/"+deployment, "--timeout="+patience.String())
}

// uninstall deletes what is in a manifest and waits until none of our pods is left.
func (c *cluster) uninstall(manifest, namespace string) {
	c.t.Helper()
	if c.t.Failed() {
		c.dump()
	}
	if _, err := c.tryKubectl(manifest, "delete", "--ignore-not-found", "-f", "-"); err != nil {
		c.t.Error(err)
	}
	process.Within(c.t, patience, "the scheduler to be gone", func() (bool, string) {
		left, err := suite.client.CoreV1().Pods(metav1.NamespaceAll).List(context.Background(), metav1.ListOptions{LabelSelector: ours})
		return err == nil && len(left.Items) == 0, fmt.Sprintf("%v, %d pods", err, len(left.Items))
	})
	c.removeLease(namespace)
}

// removeLease removes the lease of a scheduler that was uninstalled. Its rights went at the same time, so it could not give the lease back,
// and the next installation would wait until that ends.
func (c *cluster) removeLease(namespace string) {
	c.t.Helper()
	lease := suite.client.CoordinationV1().Leases(namespace)
	if err := lease.DeleteCollection(context.Background(), metav1.DeleteOptions{}, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", "kubenexus-scheduler").String(),
	}); err != nil {
		c.t.Error(err)
	}
}

// pods returns the pods of the namespace that a label selects, or all if it is empty.
func (c *cluster) pods(selector string) []corev1.Pod { return c.podsIn(c.namespace, selector) }

func (c *cluster) podsIn(namespace, selector string) []corev1.Pod {
	c.t.Helper()
	list, err := suite.client.CoreV1().Pods(namespace).List(c.t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		c.t.Fatal(err)
	}
	return list.Items
}

// events returns the messages of the events with that reason, in the namespace.
func (c *cluster) events(namespace, reason string) []string {
	c.t.Helper()
	list, err := suite.client.CoreV1().Events(namespace).List(c.t.Context(),
		metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("reason", reason).String()})
	if err != nil {
		c.t.Fatal(err)
	}
	var messages []string
	for i := range list.Items {
		messages = append(messages, list.Items[i].InvolvedObject.Name+": "+list.Items[i].Message)
	}
	return messages
}

// awaitEvent waits for an event with that reason and text.
func (c *cluster) awaitEvent(reason, text string) {
	c.t.Helper()
	process.Within(c.t, patience, reason+" with "+text, func() (bool, string) {
		all := strings.Join(c.events(c.namespace, reason), "\n")
		return strings.Contains(all, text), all
	})
}

// nodeOf returns the node of a pod.
func nodeOf(pod *corev1.Pod) *node.Node {
	for _, n := range suite.nodes {
		if n.Name == pod.Spec.NodeName {
			return n
		}
	}
	return nil
}

// otherThanTheScheduler returns a node on which our scheduler does not run.
func (c *cluster) otherThanTheScheduler() *node.Node {
	c.t.Helper()
	taken := map[string]bool{}
	for _, pod := range c.podsIn("kube-system", ours) {
		taken[pod.Spec.NodeName] = true
	}
	for _, n := range suite.nodes {
		if !taken[n.Name] {
			return n
		}
	}
	c.t.Fatal("the scheduler runs on every node")
	return nil
}
