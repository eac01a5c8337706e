package scenarios

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/internal/selfsigned"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/serving"
)

// restPage is the page whose commands run here.
const restPage = "../../docs/rest.md"

// TestRESTPage runs the commands of the page about the REST API, word for word, with curl over TLS: two users with tokens of service accounts,
// of whom one submits a gang, sees why it waits, asks what-if, cancels another gang and sees the first one start, and the other may only look.
// The API server's RBAC decides what they may do.
func TestRESTPage(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true")
	s := newScenario(t, "rest-page")
	s.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.node("n2", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	page := newPage(t, restPage)
	page.address = serving.Serve(t, suite.plane.Kubeconfig(), "--tls-cert-file", page.certificate(t, "serve.crt"), "--tls-private-key-file", page.dir+"/serve.key")
	page.shell(t, "kubectl apply -f "+serving.Rights(t, "../.."))
	page.program(t)
	s.namespaces = append(s.namespaces, "team-a") // the page creates it
	deleteJobs(t, "team-a")
	page.run(t)
}

// deleteJobs deletes the Jobs of a namespace when the test ends, so that they make no more pods.
func deleteJobs(t *testing.T, namespace string) {
	t.Helper()
	t.Cleanup(func() {
		background := metav1.DeletePropagationBackground
		err := suite.client.BatchV1().Jobs(namespace).DeleteCollection(context.Background(),
			metav1.DeleteOptions{PropagationPolicy: &background}, metav1.ListOptions{})
		if err != nil {
			t.Error(err)
		}
	})
}

// page is a page of the documentation, with commands, and what they print.
type page struct {
	text    string
	address string
	dir     string
	env     []string
}

func newPage(t *testing.T, file string) *page {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the page needs %s", tool)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{text: string(text), dir: t.TempDir()}
	if err := os.Symlink(serving.Kubectl(t), filepath.Join(p.dir, "kubectl")); err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(examples, filepath.Join(p.dir, "examples")); err != nil {
		t.Fatal(err)
	}
	p.env = append(os.Environ(), "PATH="+p.dir+":"+os.Getenv("PATH"), "KUBECONFIG="+suite.plane.Kubeconfig(), "HOME="+p.dir)
	return p
}

// certificate makes a certificate for this host, with its key beside it.
func (p *page) certificate(t *testing.T, name string) string {
	t.Helper()
	cert, key, err := selfsigned.New("test", net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.dir, name)
	for file, content := range map[string][]byte{path: cert, strings.TrimSuffix(path, ".crt") + ".key": key} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// program is the Go program of the page.
const program = "examples/rest/client"

// program builds the program of the page. What the page shows of it is in it.
func (p *page) program(t *testing.T) {
	t.Helper()
	source, err := os.ReadFile("../../" + program + "/main.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(p.text, -1)
	for _, block := range shown {
		if !strings.Contains(string(source), block[1]) {
			t.Errorf("the program does not have what the page shows:\n%s", block[1])
		}
	}
	if len(shown) == 0 {
		t.Error("the page shows nothing of the program")
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(p.dir, "program"), "../../"+program).CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
}

// run runs the commands of all blocks. A block without a language after them has what they print.
func (p *page) run(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(p.text, -1)
	ran := 0
	for i, block := range blocks {
		if block[1] != "sh" {
			continue
		}
		want := ""
		if i+1 < len(blocks) && blocks[i+1][1] == "" && !strings.HasPrefix(blocks[i+1][2], "kubenexus ") {
			want = blocks[i+1][2]
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(block[2], "\\\n", ""), "\n") {
			if strings.TrimSpace(line) != "" {
				want = p.command(t, line, want)
				ran++
			}
		}
		if strings.HasPrefix(block[2], "kubectl") {
			continue
		}
		if want != "" {
			t.Fatalf("nothing printed %q after\n%s", want, block[2])
		}
	}
	if ran < 20 {
		t.Errorf("only %d commands ran", ran)
	}
}

var assignment = regexp.MustCompile(`^([A-Z]+)=(\$\(.*\)|\S*)$`)

// command runs a command, until it prints what the page says, and returns the rest of that. What changes something runs once.
func (p *page) command(t *testing.T, line, want string) string {
	t.Helper()
	line = strings.ReplaceAll(line, "127.0.0.1:8443", p.address)
	if set := assignment.FindStringSubmatch(line); set != nil {
		p.env = append(p.env, set[1]+"="+strings.TrimSpace(p.shell(t, "echo "+set[2])))
		return want
	}
	if strings.HasPrefix(line, "kubectl ") {
		p.shell(t, line)
		return want
	}
	got := ""
	matches := func() bool { return got != "" && strings.HasPrefix(want, got) }
	line = strings.ReplaceAll(line, "go run ./"+program, "./program")
	if changes := strings.Contains(line, " -X ") || strings.Contains(line, "/jobs ") && strings.Contains(line, " -d ") ||
		strings.Contains(line, "./program"); changes {
		if got = p.shell(t, line); !matches() {
			t.Fatalf("%s\nprints\n%s\nwant\n%s", line, got, want)
		}
		return strings.TrimPrefix(want, got)
	}
	process.Within(t, patience, "the page to be right about "+line+": "+want, func() (bool, string) {
		got = p.shell(t, line)
		if matches() {
			return true, got
		}
		whole, _, _ := strings.Cut(line, " | ")
		return false, got + "\nof " + p.shell(t, whole)
	})
	return strings.TrimPrefix(want, got)
}

// shell runs a command in a directory that has what the page says, and returns what it prints.
func (p *page) shell(t *testing.T, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir, cmd.Env, cmd.WaitDelay, cmd.Stderr = p.dir, p.env, time.Second, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}
