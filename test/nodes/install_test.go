//go:build linux

package nodes

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/selfsigned"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// requested is the memory that the manifests request for a scheduler.
const requested = 100 << 20

// TestFirstGang applies the manifest and a gang, as a user does who tries it out.
func TestFirstGang(t *testing.T) {
	c := withoutScheduler(t)
	began := time.Now()
	c.apply(c.manifest("gang-scheduler-deployment", image))
	t.Cleanup(func() { c.uninstall(c.manifest("gang-scheduler-deployment", image), "kube-system") })
	c.job(gang{name: "first", members: 4, cpu: "500m", args: []string{"-for", "8s"}})
	c.awaitRunning("first", 4)
	c.took("from apply to the first gang running", began)
	c.rollout("kube-system", "kubenexus-scheduler")
	c.awaitJob("first", batchv1.JobComplete)

	pod := c.podsIn("kube-system", ours)[0]
	memory, err := nodeOf(&pod).Memory(&pod)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("memory of its container: %.1f MiB anonymous, %.1f MiB with page cache", mib(memory.Anonymous), mib(memory.Usage))
	if memory.Anonymous > requested {
		t.Errorf("it holds more than the manifest requests, %.0f MiB", mib(requested))
	}
	c.startedWell("kube-system")
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// startedWell checks that our pods logged no error, were refused nothing, and that no event warns of them.
func (c *cluster) startedWell(namespace string) {
	c.t.Helper()
	all := slices.DeleteFunc(c.podsIn(namespace, ours), func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	for i := range all {
		log := c.kubectl("-n", namespace, "logs", all[i].Name)
		for line := range strings.Lines(log) {
			if strings.Contains(line, "Failed to update lease") && strings.Contains(line, "the object has been modified") {
				continue // another replica took it first, which client-go logs as an error
			}
			if strings.HasPrefix(line, "E") || strings.HasPrefix(line, "W") || strings.Contains(line, "forbidden") {
				c.t.Errorf("%s logged: %s", all[i].Name, line)
			}
		}
	}
	for _, warning := range append(c.events(namespace, "Unhealthy"), c.events(namespace, "BackOff")...) {
		if slices.ContainsFunc(all, func(p corev1.Pod) bool { return strings.HasPrefix(warning, p.Name+":") }) {
			c.t.Errorf("an event warns: %s", warning)
		}
	}
}

// TestUpgrade upgrades the scheduler by its manifest, rolls it back and removes it, while a gang runs and another waits.
func TestUpgrade(t *testing.T) {
	c := withoutScheduler(t)
	c.install("gang-scheduler-deployment", "kube-system", "kubenexus-scheduler")
	c.job(gang{name: "runs", members: 3, cpu: "100m"})
	before := c.awaitRunning("runs", 3)
	wait := c.job(gang{name: "waits", members: 2 * *nodes, cpu: "1500m"})
	c.awaitWaiting("waits", 2**nodes)

	began := time.Now()
	c.apply(c.manifest("gang-scheduler-deployment", upgraded))
	c.rollout("kube-system", "kubenexus-scheduler")
	c.runs(upgraded)
	c.job(gang{name: "then", members: 2, cpu: "100m"})
	c.awaitRunning("then", 2)
	c.took("from the apply of an upgrade to a gang of the new scheduler running", began)

	c.kubectl("-n", "kube-system", "rollout", "undo", "deployment/kubenexus-scheduler")
	c.rollout("kube-system", "kubenexus-scheduler")
	c.runs(image)
	if err := suite.client.BatchV1().Jobs(c.namespace).Delete(t.Context(), wait.Name,
		metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}); err != nil {
		t.Fatal(err)
	}
	c.job(gang{name: "last", members: 2 * *nodes, cpu: "500m"})
	c.awaitRunning("last", 2**nodes)

	for _, pod := range c.awaitRunning("runs", 3) {
		if pod.UID != before[0].UID && pod.UID != before[1].UID && pod.UID != before[2].UID {
			t.Errorf("pod %s was not there before the upgrade", pod.Name)
		}
	}
}

// runs waits until our pods have that image alone.
func (c *cluster) runs(image string) {
	c.t.Helper()
	process.Within(c.t, patience, "only "+image+" to run", func() (bool, string) {
		all := c.podsIn("kube-system", ours)
		for i := range all {
			if all[i].Spec.Containers[0].Image != image {
				return false, describe(all)
			}
		}
		return len(all) == 1, describe(all)
	})
}

// TestBatchScheduler has the manifest of the second convention schedule a gang.
func TestBatchScheduler(t *testing.T) {
	c := withoutScheduler(t)
	c.install("batch-scheduler", "batch-scheduler", "batch-scheduler")
	g := gang{name: "batch", members: 3, cpu: "100m", convention: "batch.scheduling.k8s.io/group"}
	g.change = func(s *corev1.PodSpec) { s.SchedulerName = "batch-scheduler" }
	c.job(g)
	c.awaitRunning("batch", 3)
	c.startedWell("batch-scheduler")
}

// TestChart installs the chart, upgrades it with the REST API, asks that for the log of a job, rolls back and uninstalls.
func TestChart(t *testing.T) {
	c := withoutScheduler(t)
	repository, tag, _ := strings.Cut(image, ":")
	values := "image.repository=" + repository + ",image.tag=" + tag
	t.Cleanup(func() {
		c.helm("uninstall", "kubenexus", "--wait", "--ignore-not-found")
		c.removeLease("kube-system")
	})
	c.helm("install", "kubenexus", chart, "--set", values, "--wait", "--timeout", patience.String())
	c.job(gang{name: "first", members: 3, cpu: "100m", args: []string{"-for", "3s"}})
	c.awaitJob("first", batchv1.JobComplete)

	c.certificate("kubenexus-serve-tls")
	c.helm("upgrade", "kubenexus", chart, "--set", values+",replicaCount=2,serve.enabled=true", "--wait", "--timeout", patience.String())
	c.startedWell("kube-system")
	if log := c.jobLog("first"); strings.Count(log, "started") == 0 {
		t.Errorf("the REST API's log of the job is %q", log)
	}
	c.helm("rollback", "kubenexus", "1", "--wait", "--timeout", patience.String())
	c.job(gang{name: "second", members: 3, cpu: "100m", args: []string{"-for", "1s"}})
	c.awaitJob("second", batchv1.JobComplete)
	c.helm("uninstall", "kubenexus", "--wait")
	process.Within(t, patience, "nothing to be left", func() (bool, string) {
		left := c.podsIn("kube-system", ours)
		return len(left) == 0, describe(left)
	})
}

// certificate makes the Secret with the certificate of the REST API, which its users make.
func (c *cluster) certificate(secret string) {
	c.t.Helper()
	certificate, key, err := selfsigned.New("kubenexus-serve.kube-system.svc", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	secrets := suite.client.CoreV1().Secrets("kube-system")
	_, err = secrets.Create(c.t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: secret}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: certificate, corev1.TLSPrivateKeyKey: key},
	}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := secrets.Delete(context.Background(), secret, metav1.DeleteOptions{}); err != nil {
			c.t.Error(err)
		}
	})
}

const chart = "../../charts/kubenexus"

// helm runs the version of Helm that tools/helm pins.
func (c *cluster) helm(args ...string) string {
	c.t.Helper()
	for i, arg := range args {
		if arg == chart {
			absolute, err := filepath.Abs(arg)
			if err != nil {
				c.t.Fatal(err)
			}
			args[i] = absolute
		}
	}
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"tool", "helm", "--namespace=kube-system"}, args...)...)
	cmd.Dir = "../../tools/helm"
	home := c.t.TempDir()
	cmd.Env = append(os.Environ(), "KUBECONFIG="+suite.plane.Kubeconfig(), "HELM_CONFIG_HOME="+home, "HELM_CACHE_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		c.dump()
		c.t.Fatalf("helm %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// jobLog asks the REST API, at a pod that serves it, for the log of a job.
func (c *cluster) jobLog(name string) string {
	c.t.Helper()
	c.kubectl("-n", c.namespace, "create", "role", "reader", "--verb=get,list", "--resource=jobs,pods,pods/log")
	c.kubectl("-n", c.namespace, "create", "rolebinding", "reader", "--role=reader", "--serviceaccount="+c.namespace+":default")
	return c.curl(c.token(c.namespace, "default"), fmt.Sprintf("https://%s:8443/api/v1/namespaces/%s/jobs/%s/logs",
		c.address("kubenexus-serve"), c.namespace, name))
}
