package install

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	kubenexusmetrics "github.com/kubenexus/kubenexus-scheduler/internal/metrics"
)

const dashboards = "../../dashboards"

// panel has the fields of a panel that the tests check.
type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
	Targets []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
	}
}

// panels returns the panels of the dashboard in order, including rows.
func panels(t *testing.T) []panel {
	t.Helper()
	data, err := os.ReadFile(dashboards + "/kubenexus.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	return dashboard.Panels
}

// asked returns an expression, or a title, with the variables replaced as Grafana would.
func asked(text string) string {
	return strings.NewReplacer("$instance", ".*", "$__rate_interval", "5s", "$resource", "cpu").Replace(text)
}

type alert struct {
	Alert, Expr string
	Labels      struct{ Severity string }
	Annotations struct {
		Summary, Description string
		RunbookURL           string `json:"runbook_url"`
	}
}

func alerts(t *testing.T) []alert {
	t.Helper()
	data, err := os.ReadFile(dashboards + "/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")
	promtool(t, "test", "rules", "alerts_test.yaml")
	tests, err := os.ReadFile(dashboards + "/alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts(t) {
		// A check that expects no alert ends after the alert's name.
		fires := regexp.MustCompile(`alertname: ` + a.Alert + `\n    exp_alerts:`)
		silent := regexp.MustCompile(`alertname: ` + a.Alert + `\n(?:  -|-|$)`)
		if !fires.Match(tests) || !silent.Match(tests) {
			t.Errorf("alerts_test.yaml does not try both that %s fires and that it does not", a.Alert)
		}
	}
}

// TestEachAlertSaysWhatToDo: its link leads to an entry in docs/operations.md, and each entry there has an alert.
func TestEachAlertSaysWhatToDo(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for _, part := range strings.Split(string(page), "\n### ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		if text, _, _ = strings.Cut(text, "\n## "); strings.HasPrefix(name, "KubeNexus") {
			entries[name] = text
		}
	}
	for _, a := range alerts(t) {
		for _, says := range []string{"What it means: ", "Look at: ", "Do: "} {
			if !strings.Contains(entries[a.Alert], says) {
				t.Errorf("docs/operations.md does not say below ### %s: %q", a.Alert, says)
			}
		}
		delete(entries, a.Alert)
		const at = "https://github.com/kubenexus/kubenexus-scheduler/blob/main/docs/operations.md#"
		if want := at + strings.ToLower(a.Alert); a.Annotations.RunbookURL != want {
			t.Errorf("the runbook_url of %s is %q, want %q", a.Alert, a.Annotations.RunbookURL, want)
		}
		if a.Annotations.Summary == "" || a.Annotations.Description == "" || a.Labels.Severity == "" {
			t.Errorf("%s lacks a summary, a description or a severity", a.Alert)
		}
	}
	for name := range entries {
		t.Errorf("docs/operations.md has an entry for %s, which is no alert", name)
	}
}

// TestEveryMetricIsShown in a panel or an alert, and all metrics shown are in the catalogue.
func TestEveryMetricIsShown(t *testing.T) {
	name := regexp.MustCompile(`kubenexus_\w+`)
	known, shown := map[string]bool{}, map[string]bool{}
	for _, metric := range name.FindAllString(kubenexusmetrics.Markdown(), -1) {
		known[metric] = true
	}
	look := func(where, expr string) {
		for _, metric := range name.FindAllString(expr, -1) {
			for _, part := range []string{"_bucket", "_count", "_sum"} {
				metric = strings.TrimSuffix(metric, part)
			}
			shown[metric] = true
			if !known[metric] {
				t.Errorf("%s asks for %s, which is not in the catalogue", where, metric)
			}
		}
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			look("the panel "+p.Title, target.Expr)
		}
	}
	for _, a := range alerts(t) {
		look(a.Alert, a.Expr)
	}
	for metric := range known {
		if !shown[metric] {
			t.Errorf("no panel and no alert shows %s", metric)
		}
	}
}

// TestPanelsAreWhole: each panel has a description and a unit, uses the data source that the viewer chose, and overlaps no other panel.
func TestPanelsAreWhole(t *testing.T) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range panels(t) {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, found := taken[[2]int{x, y}]; found || x >= 24 {
					t.Fatalf("the panel %s is where %q is, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("the panel %s lacks a description, a unit or a query", p.Title)
		}
		const chosen = "${datasource}"
		for _, target := range p.Targets {
			if p.Datasource.UID != chosen || target.Datasource.UID != chosen {
				t.Errorf("the panel %s has a data source of its own", p.Title)
			}
		}
	}
}
