package install

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// scrape returns a Prometheus configuration equivalent to the operator's for the manifest, with the alerts.
func scrape(t *testing.T, replicas ...*process.Scheduler) map[string]any {
	t.Helper()
	var monitor serviceMonitor
	for _, object := range readObjects(t, monitoring) {
		if object.GetKind() != "ServiceMonitor" {
			continue
		}
		unstructured.RemoveNestedField(object.Object, "spec", "namespaceSelector") // compare what is selected, not how
		if err := strictly(object.Object["spec"], &monitor.Spec); err != nil {
			t.Fatal(err)
		}
	}
	service := find[corev1.Service](t, monitoring, "Service", "kubenexus-scheduler")
	template := find[appsv1.Deployment](t, manifest, "Deployment", "kubenexus-scheduler").Spec.Template
	endpoint, port, container := monitor.Spec.Endpoints[0], service.Spec.Ports[0], template.Spec.Containers[0].Ports[0]
	if endpoint.Port != port.Name || port.TargetPort.StrVal != container.Name || port.Port != container.ContainerPort {
		t.Errorf("the ServiceMonitor's port %s is not the Service's %v or that not the container's %v", endpoint.Port, port, container)
	}
	includes(t, "the ServiceMonitor selects", service.Labels, monitor.Spec.Selector.MatchLabels)
	includes(t, "the Service selects", template.Labels, service.Spec.Selector)
	if endpoint.BearerTokenFile != "/var/run/secrets/kubernetes.io/serviceaccount/token" {
		t.Errorf("the token is in %s, where no pod has its own", endpoint.BearerTokenFile)
	}
	shown := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(shown, []byte(token(t, "monitoring", "prometheus-k8s")), 0o600); err != nil {
		t.Fatal(err)
	}
	relabeling := endpoint.Relabelings[0]
	if from := relabeling.SourceLabels[0]; from != "__meta_kubernetes_pod_label_app_kubernetes_io_name" {
		t.Errorf("the label %s comes from %s", relabeling.TargetLabel, from)
	}
	var targets []string
	for _, replica := range replicas {
		targets = append(targets, fmt.Sprintf("127.0.0.1:%d", replica.Port))
	}
	return map[string]any{
		"global":     map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files": []string{absolute(t, dashboards+"/alerts.yaml")},
		"scrape_configs": []any{map[string]any{
			"job_name": service.Labels[monitor.Spec.JobLabel], "scheme": endpoint.Scheme,
			"tls_config":    map[string]any{"insecure_skip_verify": endpoint.TLSConfig.InsecureSkipVerify},
			"authorization": map[string]any{"credentials_file": shown},
			"static_configs": []any{map[string]any{
				"targets": targets, "labels": map[string]string{
					"namespace": service.Namespace, "service": service.Name,
					relabeling.TargetLabel: template.Labels["app.kubernetes.io/name"],
				},
			}},
		}},
	}
}

// strictly decodes an object and rejects fields that the type does not have.
func strictly(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(to)
}

func includes(t *testing.T, what string, labels, selected map[string]string) {
	t.Helper()
	for key, value := range selected {
		if labels[key] != value {
			t.Errorf("%s %s=%s, and there is %v", what, key, value, labels)
		}
	}
}

func checkQueries(t *testing.T, p *prometheus, began time.Time) {
	for _, panel := range panels(t) {
		for _, target := range panel.Targets {
			process.Within(t, patience, fmt.Sprintf("the panel %q to show something: %s", panel.Title, asked(target.Expr)),
				func() (bool, string) {
					_, err := p.during(asked(target.Expr), began, time.Now())
					return err == nil, fmt.Sprint(err)
				})
		}
	}
}

// checkRules checks that each alert was evaluated, and that none fires for two healthy replicas.
func checkRules(t *testing.T, p *prometheus) {
	process.Within(t, patience, "all rules to be evaluated", func() (bool, string) {
		var found struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError, State string }
			}
		}
		if err := p.ask("rules", nil, &found); err != nil {
			return false, err.Error()
		}
		count := 0
		for _, group := range found.Groups {
			for _, rule := range group.Rules {
				if rule.LastError != "" || rule.State == "firing" {
					t.Fatalf("%s is %s, error %q", rule.Name, rule.State, rule.LastError)
				}
				if rule.Health == "ok" {
					count++
				}
			}
		}
		return count == len(alerts(t)), fmt.Sprintf("%d are", count)
	})
}

// drawPictures draws each row of the dashboard except the first, whose numbers the other rows show too.
func drawPictures(t *testing.T, p *prometheus, began time.Time) {
	t.Helper()
	type line struct {
		Name   string
		Points [][2]float64
	}
	type picture struct {
		Title, Unit string
		Lines       []line
	}
	label := regexp.MustCompile(`{{(\w+)}}`)
	end := time.Now()
	rows, row := map[string][]picture{}, ""
	for _, panel := range panels(t) {
		if panel.Type == "row" {
			row = strings.ToLower(strings.NewReplacer(" ", "-", ",", "").Replace(panel.Title))
			continue
		}
		drawn := picture{Title: asked(panel.Title), Unit: panel.FieldConfig.Defaults.Unit}
		for _, target := range panel.Targets {
			if panel.Type == "table" && target.LegendFormat != "waits" {
				continue // its other columns have other units
			}
			found, err := p.during(asked(target.Expr), began, end)
			if err != nil {
				t.Fatalf("panel %s: %v", panel.Title, err)
			}
			for _, s := range found {
				name := label.ReplaceAllStringFunc(target.LegendFormat, func(l string) string { return s.Metric[strings.Trim(l, "{}")] })
				if group := s.Metric["pod_group"]; group != "" {
					name = group
				}
				l := line{Name: name}
				for _, at := range s.Values {
					if !math.IsNaN(at.Value) { // Grafana does not show it either
						l.Points = append(l.Points, [2]float64{at.Time - float64(began.Unix()), at.Value})
					}
				}
				if len(l.Points) > 0 {
					drawn.Lines = append(drawn.Lines, l)
				}
			}
		}
		rows[row] = append(rows[row], drawn)
	}
	delete(rows, "now")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		data, err := json.Marshal(rows[name])
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("go", "-C", "../../tools/plot", "run", ".", absolute(t, "../../docs/pictures/"+name+".svg"))
		cmd.Stdin = bytes.NewReader(data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("drawing %s: %v: %s", name, err, out)
		}
	}
}
