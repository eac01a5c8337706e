package doctor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/doctor"
)

// run runs the command, and returns what it prints.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

//nolint:gochecknoglobals // a constant table
var findings = []doctor.Finding{
	{Check: "scheduler", Level: doctor.OK, Text: "it leads"},
	{Check: "pods", Level: doctor.Problem, Text: "a\x1b[31mb", Remedy: "correct it", Objects: []string{"team/a"}},
}

func TestTable(t *testing.T) {
	var out strings.Builder
	if err := asTable(&out, findings); err != nil {
		t.Fatal(err)
	}
	const want = `LEVEL    CHECK        FINDING
ok       scheduler    it leads
problem  pods         a [31mb
                      -> correct it

problems: 1, warnings: 0
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFormats(t *testing.T) {
	for _, format := range []string{"json", "yaml"} {
		var out strings.Builder
		if err := printers[format](&out, findings); err != nil {
			t.Fatal(err)
		}
		text, err := yaml.YAMLToJSON([]byte(out.String()))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"apiVersion": "kubenexus.io/v1alpha1", "kind": "DoctorReport", "problems": 1.0, "warnings": 0.0,
			"findings": []any{
				map[string]any{"check": "scheduler", "level": "ok", "text": "it leads"},
				map[string]any{"check": "pods", "level": "problem", "text": "a\x1b[31mb", "remedy": "correct it", "objects": []any{"team/a"}},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

func TestNoCluster(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, args := range map[string][]string{"nobody answers": {"--server", closed.URL}, "nothing is set": nil} {
		out, err := run(t, args...)
		if err == nil || !strings.Contains(err.Error(), "--kubeconfig") || !strings.Contains(err.Error(), "KUBECONFIG") || out != "" {
			t.Errorf("%s: error %v, and the output %q", name, err, out)
		}
	}
}

// TestNothingMayBeRead: for a user without any rights, the output names each check that was skipped.
func TestNothingMayBeRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/version" {
			_, _ = w.Write([]byte(`{"major":"1","minor":"36","gitVersion":"v1.36.3"}`))
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}`))
	}))
	defer server.Close()
	out, err := run(t, "--server", server.URL)
	if err != nil || !strings.HasSuffix(out, "\nproblems: 0, warnings: 0\n") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, skipped := range []string{
		"Lease kube-system/kubenexus-scheduler", "the Deployments in namespace kube-system", "ConfigMap kube-system/kubenexus-queues", "the pods",
		"the PodGroups of Volcano", "the PriorityClasses", "the ValidatingAdmissionPolicies", "what you may do",
	} {
		if !strings.Contains(out, "you may not read "+skipped+", so this was skipped\n") {
			t.Errorf("it does not say that %s cannot be read:\n%s", skipped, out)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	for want, args := range map[string][]string{
		`--output is "wide": it can be table, json or yaml`:                                    {"-o", "wide"},
		"--scheduler-names is empty: name the schedulerNames that KubeNexus serves":            {"--scheduler-names", ""},
		`--configmap is "a": write it as namespace/name, such as kube-system/kubenexus-queues`: {"--configmap", "a"},
	} {
		if _, err := run(t, args...); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
