package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestFiftyMegabytes: in a cluster of 100 nodes with 1,000 running pods, the idle scheduler uses at most 50 MB of memory. It runs the
// released program, because this test binary also contains a control plane. `make bench` compares footprints with upstream's scheduler.
func TestFiftyMegabytes(t *testing.T) {
	const (
		name  = "footprint"
		nodes = 100
		most  = 50_000_000
	)
	program := filepath.Join(t.TempDir(), "kubenexus-scheduler")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "../../cmd/scheduler")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the scheduler: %v\n%s", err, out)
	}
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	addNodes(t, name, nodes)
	workqueue.ParallelizeUntil(t.Context(), 16, 10*nodes, func(i int) {
		pod := podNamed(fmt.Sprintf("p-%d", i), "100m")
		pod.Namespace, pod.Spec.NodeName = name, fmt.Sprintf("%s-%d", name, i%nodes)
		create(t, pod)
	})

	p := process.StartProgram(t, program, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	process.Within(t, patience, "it to come to rest", func() (bool, string) {
		resident, anonymous := memoryOf(t, p.Pid(), "VmRSS"), memoryOf(t, p.Pid(), "RssAnon")
		return resident <= most, fmt.Sprintf("%d bytes are resident, %d of them anonymous", resident, anonymous)
	})
	t.Logf("%d bytes are resident, %d of them anonymous", memoryOf(t, p.Pid(), "VmRSS"), memoryOf(t, p.Pid(), "RssAnon"))
}

// memoryOf returns a size in /proc/<pid>/status in bytes.
func memoryOf(t *testing.T, pid int, field string) (bytes int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), field+":")
	if _, err := fmt.Sscan(after, &bytes); err != nil {
		t.Fatalf("%s in %s: %v", field, status, err)
	}
	return bytes * 1024
}
