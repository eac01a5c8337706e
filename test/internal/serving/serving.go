// Package serving runs kubenexus serve in tests, and what its users need besides.
package serving

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/serve"
)

// Serve serves the REST API and the page for the API server of a kubeconfig, and returns the address. The test's end stops it.
func Serve(t testing.TB, kubeconfig string, args ...string) string {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := serve.NewCommand()
	cmd.SetOut(writer)
	cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0", "--kubeconfig", kubeconfig}, args...))
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(ctx)
		_ = writer.Close() // it returns no error
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("kubenexus serve: %v", err)
		}
	})
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("kubenexus serve said %q: %v", line, err)
	}
	address := regexp.MustCompile(`https://(\S+)`).FindStringSubmatch(line)
	if address == nil {
		t.Fatalf("kubenexus serve said %q", line)
	}
	return address[1]
}

// Kubectl builds kubectl the first time, and returns its path.
func Kubectl(t testing.TB) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "-n", "kubectl")
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	if err != nil {
		t.Fatalf("building kubectl: %v", err)
	}
	return strings.TrimSpace(string(path))
}

// Rights returns a file with the rights to ask the scheduler, as its manifest gives them to all users. Root is the root of the repository.
func Rights(t testing.TB, root string) string {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(root, "config/gang-scheduler-deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rights []string
	for document := range strings.SplitSeq(string(manifest), "\n---\n") {
		if strings.Contains(document, "name: kubenexus-scheduler-questions\n") {
			rights = append(rights, document)
		}
	}
	file := filepath.Join(t.TempDir(), "rights.yaml")
	if err := os.WriteFile(file, []byte(strings.Join(rights, "\n---\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
