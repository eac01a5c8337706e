package install

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/operator"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const monitoring = "../../config/monitoring.yaml"

var draw = flag.Bool("draw", false, "let gangs come and go for a while, and draw docs/pictures from what the dashboard's queries return")

// serviceMonitor has the fields of a ServiceMonitor that the test follows.
type serviceMonitor struct {
	Spec struct {
		JobLabel string
		Selector metav1.LabelSelector
		// Fields that are not listed here fail the test: DisallowUnknownFields.
		Endpoints []struct {
			Port, Scheme, BearerTokenFile string
			TLSConfig                     struct{ InsecureSkipVerify bool }
			Relabelings                   []struct {
				SourceLabels []string
				TargetLabel  string
			}
		}
	}
}

// leads excludes standby replicas, as the dashboard and the alerts do.
const leads = ` unless on (instance) leader_election_master_status{job="kubenexus"} == 0`

// TestMonitoring runs two replicas of the scheduler, one of them the leader, and a Prometheus that scrapes them as the ServiceMonitor says,
// with the permissions that the manifest grants. Each query of the dashboard returns data, and all alerts can be evaluated.
func TestMonitoring(t *testing.T) {
	deployment := readObjects(t, manifest)
	apply(t, deployment)
	applyMonitoring(t, readObjects(t, monitoring))
	apply(t, queues(t, ""))
	t.Cleanup(func() { deleteAll(t, queues(t, "")) })
	addNodesLike(t, monitored, 4, controlplane.NodeShape{
		CPU: "4", Memory: "16Gi", Pods: 110, Labels: map[string]string{"example.com/rack": "r1"}, Extended: map[string]string{"nvidia.com/gpu": "8"},
	})
	args := deployedArgs(t, manifest, "kubenexus-scheduler")
	leader := process.Start(t, process.KubeNexus, args...)
	standby := process.Start(t, process.KubeNexus, args...)

	p := startPrometheus(t, scrape(t, leader, standby))
	p.becomes(`sum(up{job="kubenexus"})`, 2)
	p.becomes(`sum(leader_election_master_status{job="kubenexus"})`, 1)

	began := time.Now()
	l := newLoad(t)
	l.all()
	p.becomes(`sum(kubenexus_gang_members_lost_total{job="kubenexus"})`, 1)
	p.becomes(`sum(kubenexus_gangs_partial{job="kubenexus"}`+leads+`)`, 1)
	if *draw {
		l.forAWhile()
	}
	t.Run("each query returns something", func(t *testing.T) { checkQueries(t, p, began) })
	t.Run("rules can be evaluated", func(t *testing.T) { checkRules(t, p) })
	t.Run("gangs are counted once", func(t *testing.T) {
		p.becomes(`sum(kubenexus_gangs{job="kubenexus"})`, 2*float64(l.gangs()))
		p.becomes(`sum(kubenexus_gangs{job="kubenexus"}`+leads+`)`, float64(l.gangs()))
	})
	t.Run("queues have a history", func(t *testing.T) { checkHistory(t, p) })
	if *draw {
		drawPictures(t, p, began)
	}
	t.Run("alerts of queues will fire", func(t *testing.T) {
		pending := func(alert string) string { return `count(ALERTS{alertname="` + alert + `",alertstate="pending"})` }
		p.becomes(pending("KubeNexusQueueBelowGuarantee"), 1) // research waits for a pod that fits on no node
		apply(t, queues(t, ", weigth: 3"))
		p.becomes(pending("KubeNexusQueueConfigurationInvalid"), 1)
	})
}

// applyMonitoring applies the manifest.
func applyMonitoring(t *testing.T, all []*unstructured.Unstructured) {
	t.Helper()
	serveOperatorsKinds(t)
	namespaceForATest(t, monitored)
	namespaceForATest(t, "monitoring")
	apply(t, objects(t, []byte("{apiVersion: v1, kind: ServiceAccount, metadata: {name: prometheus-k8s, namespace: monitoring}}")))
	if warned := apply(t, all); len(warned) > 0 {
		t.Errorf("the API server warns: %q", warned)
	}
	t.Cleanup(func() { deleteAll(t, all) })
	apply(t, chartsMonitoring(t)) // deleted with its namespace
}

// serveOperatorsKinds applies the operator's CustomResourceDefinitions until the test ends.
func serveOperatorsKinds(t *testing.T) {
	t.Helper()
	var definitions []*unstructured.Unstructured
	for _, file := range operator.Definitions(t, "../..") {
		definitions = append(definitions, readObjects(t, file)...)
	}
	served := func() (int, string) {
		kinds, err := suite.client.Discovery().ServerResourcesForGroupVersion("monitoring.coreos.com/v1")
		if err != nil {
			return 0, err.Error()
		}
		return len(kinds.APIResources), fmt.Sprint(kinds.APIResources)
	}
	apply(t, definitions)
	t.Cleanup(func() {
		deleteAll(t, definitions)
		process.Within(t, patience, "the operator's kinds to be gone", func() (bool, string) {
			count, what := served()
			return count == 0, what
		})
	})
	process.Within(t, patience, "the operator's kinds to be served", func() (bool, string) {
		count, what := served()
		return count >= len(definitions), what
	})
}

// namespaceForATest creates a namespace. When the test ends, it waits until the namespace is deleted, because a scheduler of the next test
// would still see its pods and could not update them.
func namespaceForATest(t *testing.T, name string) {
	t.Helper()
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	t.Cleanup(func() {
		deleteNamespace(t, name)
		process.Within(t, patience, "the namespace "+name+" to be gone", func() (bool, string) {
			_, err := suite.client.CoreV1().Namespaces().Get(context.Background(), name, metav1.GetOptions{})
			return apierrors.IsNotFound(err), fmt.Sprint(err)
		})
	})
}

// chartsMonitoring returns the Service and the ServiceMonitor that the chart renders for the namespace.
func chartsMonitoring(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	return objects(t, []byte(mustHelm(t, "template", "kubenexus", chart, "--namespace="+monitored,
		"--show-only=templates/servicemonitor.yaml", "--set=serviceMonitor.enabled=true,serviceMonitor.labels.release=mine")))
}

// TestChartMonitorsAsTheManifestDoes: they differ only in what they select. The chart selects its own release, the manifest all.
func TestChartMonitorsAsTheManifestDoes(t *testing.T) {
	specs := func(all []*unstructured.Unstructured) map[string]any {
		byKind := map[string]any{}
		for _, object := range all {
			unstructured.RemoveNestedField(object.Object, "spec", "selector")
			unstructured.RemoveNestedField(object.Object, "spec", "namespaceSelector")
			if kind := object.GetKind(); kind == "Service" || kind == "ServiceMonitor" {
				byKind[kind] = object.Object["spec"]
			}
		}
		return byKind
	}
	if diff := cmp.Diff(specs(readObjects(t, monitoring)), specs(chartsMonitoring(t))); diff != "" {
		t.Errorf("%s (-) and the chart (+) differ:\n%s", monitoring, diff)
	}
	var service corev1.Service
	for _, object := range chartsMonitoring(t) {
		if object.GetKind() == "Service" {
			service = *decode[corev1.Service](t, object)
			continue
		}
		selected, _, err := unstructured.NestedStringMap(object.Object, "spec", "selector", "matchLabels")
		if err != nil {
			t.Fatal(err)
		}
		includes(t, "the ServiceMonitor selects", service.Labels, selected)
		includes(t, "the value says", object.GetLabels(), map[string]string{"release": "mine"})
	}
	template := find[appsv1.Deployment](t, manifest, "Deployment", "kubenexus-scheduler").Spec.Template // the chart's pods have the same labels
	includes(t, "the Service selects", template.Labels, service.Spec.Selector)
}

// TestChartInstallsItsMonitoring: a Helm installation needs no further file, only the documented command. YAML would read all names as
// numbers.
func TestChartInstallsItsMonitoring(t *testing.T) {
	serveOperatorsKinds(t)
	const release, namespace, name, page = "2024", "2025", "123", "docs/monitoring.md"
	namespaceForATest(t, namespace)
	in := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--namespace=" + namespace}
	mustHelm(t, append([]string{
		"install", release, chart, "--set=replicaCount=3,priorityClass.create=true,image.repository=registry.example.com/kubenexus-scheduler",
		"--set-string=fullnameOverride=" + name + ",profiles[0].schedulerName=" + name + ",profiles[0].plugin=BatchPermit",
	}, in...)...)
	readsMetrics(t, false)
	d := newDocs(t)
	d.read(t, page, "Install")
	d.shell(t, strings.NewReplacer("helm upgrade kubenexus", "helm upgrade "+release, "kube-system", namespace).
		Replace(d.section(t, page+": Install").commands[0].text))
	readsMetrics(t, true)

	resource, err := resourceOf(suite.plane.Config(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": map[string]any{"namespace": namespace},
	}})
	if err != nil {
		t.Fatal(err)
	}
	rule, err := resource.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	includes(t, "the value says", rule.GetLabels(), map[string]string{"release": "kube-prometheus-stack"})
	data, err := os.ReadFile(dashboards + "/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file any
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file, rule.Object["spec"]); diff != "" {
		t.Errorf("dashboards/alerts.yaml (-) and the chart's alerts (+) differ:\n%s", diff)
	}
	mustHelm(t, append([]string{"uninstall", release, "--wait=hookOnly"}, in...)...)
	readsMetrics(t, false)
}

// readsMetrics waits until the documented service account may read the metrics, or may not.
func readsMetrics(t *testing.T, want bool) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("whether Prometheus may read the metrics to be %v", want), func() (bool, string) {
		review, err := suite.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:                  "system:serviceaccount:monitoring:prometheus-k8s",
				NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return false, err.Error()
		}
		return review.Status.Allowed == want, review.Status.Reason
	})
}

// TestEachReplicaIsScrapedOnce if config/monitoring.yaml and a release with its own monitoring are in different namespaces.
func TestEachReplicaIsScrapedOnce(t *testing.T) {
	monitor := find[unstructured.Unstructured](t, monitoring, "ServiceMonitor", "kubenexus-scheduler")
	selected, _, err := unstructured.NestedStringMap(monitor.Object, "spec", "selector", "matchLabels")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range chartsMonitoring(t) {
		if object.GetKind() == "Service" && labels.SelectorFromSet(selected).Matches(labels.Set(object.GetLabels())) {
			t.Errorf("the ServiceMonitor of %s finds the chart's Service too", monitoring)
		}
	}
}
