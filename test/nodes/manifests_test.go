//go:build linux

package nodes

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/operator"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// whoScrapes is the service account that config/monitoring.yaml gives rights to.
const whoScrapes = `apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: prometheus-k8s, namespace: monitoring}
`

// bare is a gang of which min-available cannot be read.
const bare = `apiVersion: v1
kind: Pod
metadata:
  name: bare
  annotations: {pod-group.scheduling.sigs.k8s.io/name: bare, pod-group.scheduling.sigs.k8s.io/min-available: several}
spec:
  schedulerName: kubenexus-scheduler
  containers: [{name: main, image: ` + work + `}]
`

// TestManifestsTogether applies what else is in config/ beside the scheduler: the REST API, the guard rails and the monitoring. A gang that
// is submitted over REST runs, one that nobody could follow is refused, and the metrics can be scraped.
func TestManifestsTogether(t *testing.T) {
	c := withoutScheduler(t)
	c.install("gang-scheduler-deployment", "kube-system", "kubenexus-scheduler")
	for _, file := range operator.Definitions(t, "../..") {
		c.kubectl("create", "-f", file)
		t.Cleanup(func() { c.kubectlOutput("delete", "-f", file) })
	}
	c.kubectl("wait", "--for=condition=Established", "--timeout="+patience.String(), "crd", "--all")
	c.apply(whoScrapes)
	t.Cleanup(func() { c.kubectlOutput("delete", "namespace", "monitoring", "--wait=false") })
	c.certificate("kubenexus-serve-tls")
	for _, name := range []string{"serve", "guard-rails", "monitoring"} {
		manifest := c.manifest(name, image)
		c.apply(manifest)
		t.Cleanup(func() {
			if _, err := c.tryKubectl(manifest, "delete", "--ignore-not-found", "-f", "-"); err != nil {
				t.Error(err)
			}
		})
	}
	c.rollout("kube-system", "kubenexus-serve")

	process.Within(t, patience, "the guard rails to refuse a gang", func() (bool, string) {
		_, err := c.tryKubectl(bare, "-n", c.namespace, "create", "--dry-run=server", "-f", "-")
		return err != nil && strings.Contains(err.Error(), "min-available"), fmt.Sprint(err)
	})
	c.kubectl("-n", c.namespace, "create", "role", "writer", "--verb=create,get,list", "--resource=jobs,pods")
	c.kubectl("-n", c.namespace, "create", "rolebinding", "writer", "--role=writer", "--serviceaccount="+c.namespace+":default")
	api := fmt.Sprintf("https://%s:8443/api/v1/namespaces/%s/jobs", c.address("kubenexus-serve"), c.namespace)
	token := c.token(c.namespace, "default")
	c.curl(token, api, "-d", `{"name": "asked", "image": "`+work+`", "args": ["-for", "3s"], "replicas": 3, "cpu": "100m"}`)
	c.awaitJob("asked", batchv1.JobComplete)

	metrics := c.curl(c.token("monitoring", "prometheus-k8s"), fmt.Sprintf("https://%s:10259/metrics", c.address("kubenexus-scheduler")))
	if !strings.Contains(metrics, "kubenexus_gang_complete_to_started_seconds_count") {
		t.Errorf("there are no metrics of gangs:\n%s", metrics)
	}
	c.startedWell("kube-system")
}

// address returns the address of a pod of ours by its name's label.
func (c *cluster) address(name string) string {
	c.t.Helper()
	pods := c.podsIn("kube-system", "app.kubernetes.io/name="+name)
	if len(pods) == 0 {
		c.t.Fatalf("there is no pod of %s", name)
	}
	return pods[0].Status.PodIP
}

// token returns a token of a service account.
func (c *cluster) token(namespace, account string) string {
	c.t.Helper()
	return strings.TrimSpace(c.kubectl("-n", namespace, "create", "token", account))
}

// curl asks with a token until there is an answer that is no error: who may do what reaches a port a moment later.
func (c *cluster) curl(token, url string, args ...string) string {
	c.t.Helper()
	args = append([]string{"--silent", "--show-error", "--fail-with-body", "--insecure", "-H", "Authorization: Bearer " + token}, append(args, url)...)
	var text string
	process.Within(c.t, patience, "an answer of "+url, func() (bool, string) {
		out, err := exec.CommandContext(c.t.Context(), "curl", args...).CombinedOutput()
		text = string(out)
		return err == nil, text
	})
	return text
}
