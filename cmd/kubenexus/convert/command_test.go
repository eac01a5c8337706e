package convert

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run runs the command, and returns what it prints to standard output and to standard error.
func run(t *testing.T, stdin string, args ...string) (out, problems string, err error) {
	t.Helper()
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var stdout, stderr bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

const (
	group = "apiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroup\nmetadata: {name: a}\nspec: {minMember: 2}\n"
	slow  = "apiVersion: scheduling.x-k8s.io/v1alpha1\nkind: PodGroup\nmetadata: {name: a}\nspec: {minMember: 2, minResources: {cpu: 1}}\n"
	pod   = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a-0\n  labels: {scheduling.x-k8s.io/pod-group: a}\n" +
		"spec:\n  containers: [{name: main, image: busybox}]\n"
	converted = `apiVersion: v1
kind: Pod
metadata:
  name: a-0
  annotations:
    pod-group.scheduling.sigs.k8s.io/name: a
    pod-group.scheduling.sigs.k8s.io/min-available: "2"
spec:
  schedulerName: kubenexus-scheduler
  containers: [{name: main, image: busybox}]
`
)

// directory returns a directory with these files.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhereManifestsComeFrom(t *testing.T) {
	dir := directory(t, map[string]string{"group.yml": group, "pod.yaml": pod, "README.md": "no manifest", "below/more.yaml": "{}"})
	for name, args := range map[string][]string{
		"two files":                  {"-f", filepath.Join(dir, "group.yml"), "-f", filepath.Join(dir, "pod.yaml")},
		"a directory":                {"-f", dir},
		"a file, and standard input": {"-f", "-", "-f", filepath.Join(dir, "group.yml")},
	} {
		t.Run(name, func(t *testing.T) {
			out, problems, err := run(t, pod, args...)
			if diff := cmp.Diff(converted, out); diff != "" || problems != "" || err != nil {
				t.Errorf("%v\n%s\n%s", err, problems, diff)
			}
		})
	}
	if out, _, err := run(t, "", "-R", "-f", dir); err != nil || !strings.Contains(out, "{}") {
		t.Errorf("%v: with -R the directory below is left out:\n%s", err, out)
	}
	if out, _, err := run(t, "", "-f", dir, "--scheduler-name", "batch"); err != nil || !strings.Contains(out, "schedulerName: batch\n") {
		t.Errorf("%v: another schedulerName is not written:\n%s", err, out)
	}
}

func TestExitCodes(t *testing.T) {
	for name, test := range map[string]struct {
		manifest string
		strict   bool
		problem  string
		want     string
	}{
		"nothing to say":       {group + "---\n" + pod, true, "", ""},
		"a warning":            {slow + "---\n" + pod, false, "warning: standard input, document 1, PodGroup/a, spec.minResources: it has no", ""},
		"a warning, strict":    {slow + "---\n" + pod, true, "warning: ", "there are warnings, which --strict does not allow"},
		"it cannot be done":    {pod, false, "error: standard input, document 1, Pod/a-0, metadata: ", "not everything could be converted; what could not is printed as it was"},
		"nothing is a problem": {"", true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-f", "-"}
			if test.strict {
				args = append(args, "--strict")
			}
			_, problems, err := run(t, test.manifest, args...)
			if got := ""; err != nil {
				if got = err.Error(); got != test.want {
					t.Errorf("error %s, want %s", got, test.want)
				}
			} else if test.want != "" {
				t.Errorf("no error, want %s", test.want)
			}
			if !strings.HasPrefix(problems, test.problem) || (problems == "") != (test.problem == "") {
				t.Errorf("it says %q, want %q", problems, test.problem)
			}
		})
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	if _, _, err := run(t, "", "-f", filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v for a file that does not exist", err)
	}
	if _, _, err := run(t, "", "-f", t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no .yaml, .yml or .json file") {
		t.Errorf("error %v for an empty directory", err)
	}
	if out, _, err := run(t, strings.Repeat(" ", maxFile+1), "-f", "-"); err == nil || out != "" {
		t.Errorf("error %v and the output %q for a file that is too large", err, out)
	}
	if _, _, err := run(t, ""); err == nil || !strings.Contains(err.Error(), `"filename" not set`) {
		t.Errorf("error %v without a file", err)
	}
}
