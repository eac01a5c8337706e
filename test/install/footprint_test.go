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

// TestFiftyMegabytes: in a cluster of 100 nodes that run 1,000 pods, the scheduler at rest has no more than 50 MB in memory.
// It is the program as it is shipped: this test binary is also a control plane. Beside upstream's: `make bench`, footprint.
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

// memoryOf returns a size of /proc/<pid>/status in bytes.
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
