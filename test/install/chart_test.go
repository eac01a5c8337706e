package install

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const chart = "../../charts/kubenexus"

// helm runs the Helm version that tools/helm pins and returns its output. Go builds it the first time and caches it.
func helm(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	// Helm runs in the directory of its go.mod, so make relative paths absolute.
	for i, arg := range args {
		if strings.HasPrefix(arg, "../") {
			args[i] = absolute(t, arg)
		}
	}
	cmd := exec.Command("go", append([]string{"tool", "helm"}, args...)...)
	cmd.Dir = "../../tools/helm"
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CONFIG_HOME="+home, "HELM_CACHE_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if text := stderr.String(); err == nil && strings.Contains(strings.ToLower(text), "warning") {
		t.Errorf("helm %s says: %s", strings.Join(args, " "), text)
	}
	if err != nil {
		return stderr.String(), err
	}
	return stdout.String(), nil
}

func mustHelm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestChartHasNoLint(t *testing.T) {
	mustHelm(t, "lint", "--strict", "--quiet", chart)
	mustHelm(t, "lint", "--strict", "--quiet", "--set", "replicaCount=3,priorityClass.create=true,"+
		"serviceMonitor.enabled=true,prometheusRule.enabled=true,guardRails.queues.enabled=true,serve.enabled=true,queues[0].name=a", chart)
}

// TestChartMakesWhatTheManifestsHave compares all objects, except for what Helm adds.
func TestChartMakesWhatTheManifestsHave(t *testing.T) {
	for file, values := range map[string]string{
		"../../config/gang-scheduler-deployment.yaml": "replicaCount=1",
		"../../config/gang-scheduler-ha.yaml":         "replicaCount=3",
	} {
		rendered := objects(t, []byte(mustHelm(t, "template", "kubenexus", chart, "--namespace=kube-system", "--set="+values)))
		if diff := cmp.Diff(plain(t, readObjects(t, file)), plain(t, rendered)); diff != "" {
			t.Errorf("%s (-) and the chart with %s (+) differ:\n%s", file, values, diff)
		}
	}
}

// TestChartServesAsTheManifestDoes compares the objects of the REST API.
func TestChartServesAsTheManifestDoes(t *testing.T) {
	rendered := objects(t, []byte(mustHelm(t, "template", "kubenexus", chart, "--namespace=kube-system", "--set=serve.enabled=true",
		"--show-only=templates/serve.yaml")))
	if diff := cmp.Diff(plain(t, readObjects(t, "../../config/serve.yaml")), plain(t, rendered)); diff != "" {
		t.Errorf("config/serve.yaml (-) and the chart (+) differ:\n%s", diff)
	}
	with := mustHelm(t, "template", "kubenexus", chart, "--set=serve.enabled=true,serve.prometheus=http://prometheus.monitoring:9090",
		"--show-only=templates/serve.yaml")
	if !strings.Contains(with, `- "--prometheus=http://prometheus.monitoring:9090"`) {
		t.Errorf("the value serve.prometheus is not among the arguments: %s", with)
	}
}

// plain returns the objects by name, without Helm's labels and checksum. It decodes the configuration, so that only its content is
// compared.
func plain(t *testing.T, all []*unstructured.Unstructured) map[string]any {
	t.Helper()
	byName := map[string]any{}
	for _, object := range all {
		labels := object.GetLabels()
		for _, helms := range []string{"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"} {
			delete(labels, helms)
		}
		if object.GetKind() == "ConfigMap" {
			labels = nil // kustomize sets no labels on the ConfigMap that it generates
		}
		object.SetLabels(labels)
		unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "annotations", "checksum/config")
		if text, found, _ := unstructured.NestedString(object.Object, "data", "scheduler-config.yaml"); found {
			var config any
			if err := yaml.UnmarshalStrict([]byte(text), &config); err != nil {
				t.Fatal(err)
			}
			object.Object["data"] = config
		}
		// Decoders differ in whether a number is an integer or a float.
		data, err := json.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(data, &decoded); err != nil {
			t.Fatal(err)
		}
		byName[title(object)] = decoded
	}
	return byName
}

// TestChartsConfigurationStartsAScheduler with both schedulerNames in one process and arguments, with all arguments at once, and with names
// that look like numbers.
func TestChartsConfigurationStartsAScheduler(t *testing.T) {
	for _, values := range []string{
		"--set=profiles[0].schedulerName=kubenexus-scheduler,profiles[0].plugin=Coscheduling,profiles[0].args.placement=spread," +
			"profiles[1].schedulerName=batch-scheduler,profiles[1].plugin=BatchPermit,profiles[1].args.timeout=15m",
		`--set-json=profiles=[{"schedulerName":"x","plugin":"BatchPermit","args":{"kind":"BatchPermitArgs",` +
			`"timeout":"24h","reservationTimeout":"24h","reservedShare":0.001,"unknownGangs":"Schedule"}},{"schedulerName":"y","plugin":""}]`,
		"--set-string=fullnameOverride=123,profiles[0].schedulerName=456,profiles[0].plugin=Coscheduling",
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(chartsConfiguration(t, values)), 0o600); err != nil {
			t.Fatal(err)
		}
		process.Start(t, process.KubeNexus, "--config="+file, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false").End()
	}
}

func chartsConfiguration(t *testing.T, values string) string {
	t.Helper()
	for _, object := range objects(t, []byte(mustHelm(t, "template", "kubenexus", chart, values))) {
		if object.GetKind() != "ConfigMap" {
			continue
		}
		if text, has := decode[corev1.ConfigMap](t, object).Data["scheduler-config.yaml"]; has {
			return text
		}
	}
	t.Fatal("there is no ConfigMap")
	return ""
}

func TestChartNamesTheImage(t *testing.T) {
	for tag, want := range map[string]string{
		"v0.2.0":     "localhost:5000/kubenexus-scheduler:v0.2.0",
		"sha256:abc": "localhost:5000/kubenexus-scheduler@sha256:abc",
		"":           "localhost:5000/kubenexus-scheduler:v0.1.0", // as in the documentation
	} {
		for _, object := range objects(t, []byte(mustHelm(t, "template", "kubenexus", chart, "--show-only=templates/deployment.yaml",
			"--set=image.repository=localhost:5000/kubenexus-scheduler,image.tag="+tag))) {
			if got := decode[appsv1.Deployment](t, object).Spec.Template.Spec.Containers[0].Image; got != want {
				t.Errorf("with the tag %q the image is %s, want %s", tag, got, want)
			}
		}
	}
}

// TestChartRefusesBadValues: with some the scheduler would not start, and others it would not follow.
func TestChartRefusesBadValues(t *testing.T) {
	const oneProfile = "profiles[0].schedulerName=x,profiles[0].plugin="
	for values, want := range map[string]string{
		"replicas=3":           "additional properties 'replicas' not allowed",
		oneProfile + "Cosched": "value must be one of 'Coscheduling', 'BatchPermit', ''",
		oneProfile + "Coscheduling,profiles[0].args.timeOut=3s":                                "additional properties 'timeOut' not allowed",
		oneProfile + "Coscheduling,profiles[0].args.timeout=3":                                 "/profiles/0/args/timeout",
		"serve.prometheus=prometheus:9090":                                                     "/serve/prometheus",
		"image.repository=":                                                                    "minLength",
		"image.repository=r/k@sha256:abc,image.tag=":                                           `image.repository is "r/k@sha256:abc": the tag, or the digest (sha256:...)`,
		"image.repository=r:5000/k:v0.1.0":                                                     `image.repository is "r:5000/k:v0.1.0"`,
		oneProfile + "Coscheduling,profiles[0].args.reservedShare=0":                           "/profiles/0/args/reservedShare",
		oneProfile + "Coscheduling,profiles[0].args.unknownGangs=Ignore":                       "/profiles/0/args/unknownGangs",
		oneProfile + "Coscheduling,profiles[0].args.timeout=48h":                               `"x" has the timeout 48h; the longest is 24h`,
		oneProfile + "BatchPermit,profiles[0].args.reservationTimeout=24h1s":                   `"x" has the reservationTimeout 24h1s; the longest is 24h`,
		oneProfile + "BatchPermit,profiles[0].args.kind=CoschedulingArgs":                      `args of the kind "CoschedulingArgs"; use "BatchPermitArgs"`,
		oneProfile + ",profiles[0].args.timeout=3s":                                            `"x" has args and no plugin`,
		oneProfile + "Coscheduling,profiles[1].schedulerName=x,profiles[1].plugin=BatchPermit": `two have the schedulerName "x"`,
		"profiles[0].schedulerName=batch-scheduler,profiles[0].plugin=":                        `give it the plugin "BatchPermit"`,
		"profiles[0].schedulerName=kubenexus-scheduler,profiles[0].plugin=":                    `give it the plugin "Coscheduling"`,
	} {
		out, err := helm(t, "template", "kubenexus", chart, "--set="+values)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: error %v, want %q in: %s", values, err, want, out)
		}
	}
}

// TestChartInstallsUpgradesAndLeavesNothing runs Helm in a namespace that enforces the restricted pod security standard.
func TestChartInstallsUpgradesAndLeavesNothing(t *testing.T) {
	const name = "charted"
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}})
	common := []string{
		"--kubeconfig=" + suite.plane.Kubeconfig(), "--namespace=" + name,
		"--set=fullnameOverride=" + name + ",priorityClass.create=true,profiles[0].schedulerName=" + name + ",profiles[0].plugin=BatchPermit",
	}
	out := mustHelm(t, append([]string{"install", name, chart}, common...)...)
	if !strings.Contains(out, "batch.scheduling.k8s.io/group: my-job") || !strings.Contains(out, `schedulerName: "`+name+`"`) {
		t.Errorf("the notes do not say how to use it:\n%s", out)
	}
	mustHelm(t, append([]string{"upgrade", name, chart, "--set=replicaCount=3"}, common...)...)
	process.Within(t, patience, "a pod of the new version", func() (bool, string) { // the next ones are created when it is ready, for which it needs a scheduler
		d, err := suite.client.AppsV1().Deployments(name).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return *d.Spec.Replicas == 3 && d.Status.ObservedGeneration == d.Generation && d.Status.UpdatedReplicas > 0, d.Status.String()
	})
	if _, err := suite.client.PolicyV1().PodDisruptionBudgets(name).Get(t.Context(), name, metav1.GetOptions{}); err != nil {
		t.Errorf("the disruption budget: %v", err)
	}
	mustHelm(t, "uninstall", name, "--kubeconfig="+suite.plane.Kubeconfig(), "--namespace="+name, "--wait=hookOnly")
	_, err := suite.client.RbacV1().ClusterRoles().Get(t.Context(), name, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the ClusterRole is still there, error %v", err)
	}
	_, err = suite.client.RbacV1().RoleBindings("kube-system").Get(t.Context(), name+"-auth-reader", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the RoleBinding in kube-system is still there, error %v", err)
	}
}
