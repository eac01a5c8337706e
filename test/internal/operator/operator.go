// Package operator finds the kinds of the Prometheus operator, which config/monitoring.yaml has objects of.
package operator

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// Definitions returns the files with the CustomResourceDefinitions of ServiceMonitor and PrometheusRule, in the version of the operator
// that tools/prometheus pins. The directory root is that of the project.
func Definitions(t testing.TB, root string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "github.com/prometheus-operator/prometheus-operator")
	cmd.Dir = filepath.Join(root, "tools/prometheus")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("finding the operator's module: %v", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatalf("finding the operator's module in %s: %v", out, err)
	}
	var files []string
	for _, kind := range []string{"servicemonitors", "prometheusrules"} {
		files = append(files, filepath.Join(module.Dir, "example/prometheus-operator-crd/monitoring.coreos.com_"+kind+".yaml"))
	}
	return files
}
