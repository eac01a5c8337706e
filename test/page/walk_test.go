package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/serving"
)

const (
	patience = time.Minute
	// walkTime is how long the browser may take for all steps.
	walkTime = 4 * time.Minute
	root     = "../../"
)

var draw = flag.Bool("draw", false, "keep the screenshots as the pictures of the documentation")

// gang names a gang.
type gang struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// world is what the steps in the browser know of the cluster: web/test/walk.mjs says what each of it is.
type world struct {
	Users  map[string]string `json:"users"`
	Home   map[string]string `json:"home"`
	Gangs  map[string]gang   `json:"gangs"`
	Device string            `json:"device"`
	Holder string            `json:"holder"`
	Secret []string          `json:"secret"`
	Image  string            `json:"image"`
	// Command is kubectl with the rights of an administrator, to which arguments can be added.
	Command []string `json:"command"`
}

// TestWalk takes each step of docs/page.md in Chromium: two teams, gangs that run and wait, one that preempts; a reader with few rights, and
// tokens that are forged or not valid any more.
func TestWalk(t *testing.T) {
	browser := browserFor(t)
	w := world{
		Users: map[string]string{}, Home: map[string]string{"ann": "vision", "bob": "speech"},
		Gangs: map[string]gang{
			"waits": {"vision", "training"}, "before": {"vision", "evaluation"}, "holds": {"speech", "finetune"}, "runs": {"vision", "pretrain"},
		},
		Device: "nvidia.com/gpu", Holder: "batch", Secret: []string{"vision", "training", "evaluation", "pretrain"}, Image: "busybox:1.37",
		Command: []string{serving.Kubectl(t), "--kubeconfig", plane.Kubeconfig()},
	}
	w.apply(t, serving.Rights(t, root), root+"examples/page/access.yaml", root+"examples/page/queues.yaml")
	process.Start(t, process.KubeNexus, "--kubeconfig="+plane.Kubeconfig(), "--leader-elect=true")
	for rack, name := range []string{"rack-1", "rack-2"} {
		shape := controlplane.NodeShape{
			CPU: "16", Memory: "64Gi", Pods: 110, Extended: map[string]string{"nvidia.com/gpu": "4"},
			Labels: map[string]string{"example.com/rack": name},
		}
		if err := plane.AddNodes(t.Context(), "gpu-"+string(rune('a'+rack)), 2, shape); err != nil {
			t.Fatal(err)
		}
	}
	w.apply(t, root+"examples/page/gangs.yaml")
	w.run(t, "wait", "--for=jsonpath={.status.ready}=2", "--timeout=60s", "-n", "speech", "job/finetune")
	w.run(t, "wait", "--for=jsonpath={.status.ready}=1", "--timeout=60s", "-n", "vision", "job/pretrain")
	w.apply(t, root+"examples/page/waiting.yaml")
	w.Users["ann"] = w.run(t, "-n", "vision", "create", "token", "ann")
	w.Users["bob"] = w.run(t, "-n", "speech", "create", "token", "bob")
	w.walk(t, browser, "https://"+serving.Serve(t, plane.Kubeconfig()))
}

// browserFor returns what runs the steps: Node.js with the packages of web/, and Chromium.
func browserFor(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("the page is tested in a browser with Node.js 20 or later: install it, and run make test-page")
	}
	if _, err := exec.LookPath("chromium"); err != nil && os.Getenv("CHROMIUM") == "" {
		t.Skip("the page is tested in Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM")
	}
	if _, err := os.Stat(root + "web/node_modules/playwright-core"); errors.Is(err, os.ErrNotExist) {
		t.Skip("the packages of web/ are not installed: run make test-page, or npm ci in web/")
	}
	return node
}

// walk runs the steps, and prints them as they come.
func (w world) walk(t *testing.T, node, url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "world.json")
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pictures := t.TempDir()
	if *draw {
		if pictures, err = filepath.Abs(root + "docs/pictures/page"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), walkTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "test/walk.mjs", "--url", url, "--tokens", file, "--out", pictures)
	cmd.Dir, cmd.WaitDelay = root+"web", 5*time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("the walk: %v", err)
	}
}

func (w world) apply(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		w.run(t, "apply", "-f", file)
	}
}

// run runs kubectl as an administrator, and returns what it prints.
func (w world) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.Command[0], append(slices.Clone(w.Command[1:]), args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
