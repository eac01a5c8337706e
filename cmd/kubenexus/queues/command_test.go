package queues

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run runs the command with a text as its standard input, and returns what it prints.
func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

const good = `apiVersion: kubenexus.io/v1alpha1
kind: QueueConfiguration
queues:
- name: research
  weight: 3
  limit: {nvidia.com/gpu: "64"}
  namespaces: ["ml-*", web]
  queues:
  - {name: vision, guarantee: {nvidia.com/gpu: "16", cpu: 1500m}, order: Strict}
  - {name: speech, maxWait: 0s}
`

// manifest returns the manifest of a ConfigMap with the data, indented by two.
func manifest(data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubenexus-queues}\ndata:\n  " +
		strings.ReplaceAll(strings.TrimSpace(data), "\n", "\n  ") + "\n"
}

func wrapped(text string) string {
	return manifest("queues.yaml: |\n  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  "))
}

const table = `-: 4 queues, no problems

NAME         WEIGHT   PRIORITY   GUARANTEE                   LIMIT               ORDER        MAX WAIT   NAMESPACES
research     3        0          cpu=1500m nvidia.com/gpu=16   nvidia.com/gpu=64   BestEffort   10m        ml-*, web
  vision     1        0          cpu=1500m nvidia.com/gpu=16   -                   Strict       10m        ml-*, web
  speech     1        0          -                           -                   BestEffort   0s         ml-*, web
default      1        0          -                           -                   BestEffort   10m        all
`

// The columns are as wide as they have to be: compare what is in them.
func sameWords(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(got)); diff != "" {
		t.Errorf("words (-want +got):\n%s\n%s", diff, got)
	}
}

func TestCheckShowsTheQueues(t *testing.T) {
	for name, text := range map[string]string{
		"queues.yaml":             good,
		"a ConfigMap":             wrapped(good),
		"one among other objects": "apiVersion: v1\nkind: Namespace\n---\n" + wrapped(good) + "---\n" + manifest("a: b"),
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, text, "check", "-f", "-")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			sameWords(t, table, out)
		})
	}
}

func TestTheExampleHasNoMistakes(t *testing.T) {
	const example = "../../../examples/queues/queues.yaml"
	out, err := run(t, "", "check", "-f", example)
	if err != nil || !strings.HasPrefix(out, example+": 6 queues, no problems") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckPrintsTheConfigurationWithNothingLeftOut(t *testing.T) {
	for _, format := range []string{"json", "yaml"} {
		first, err := run(t, good, "check", "-f", "-", "-o", format)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(first, "withinQueue") || !strings.Contains(first, "default") {
			t.Errorf("as %s it leaves out preemption, or the default queue:\n%s", format, first)
		}
		file := filepath.Join(t.TempDir(), "queues")
		if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		second, err := run(t, "", "check", "-f", file, "-o", format)
		if diff := cmp.Diff(first, second); err != nil || diff != "" {
			t.Errorf("%s is not what it says of itself: %v\n%s", format, err, diff)
		}
	}
}

func TestCheckSaysEachProblemOnALine(t *testing.T) {
	bad := strings.ReplaceAll(strings.ReplaceAll(good, "weight: 3", "weight: -3"), "Strict", "FIFO")
	for name, text := range map[string]string{"queues.yaml": bad, "a ConfigMap": wrapped(bad)} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, text, "check", "-f", "-")
			want := `-: queues[0].weight: Invalid value: "-3": must be a number from 0.001 to 1000000, or 0 for what nobody else wants
-: queues[0].queues[0].order: Unsupported value: "FIFO": supported values: "Strict", "BestEffort"
`
			if diff := cmp.Diff(want, out); diff != "" {
				t.Error(diff)
			}
			const refused = "-: the scheduler would refuse it, and keep the configuration that it has"
			if err == nil || err.Error() != refused {
				t.Errorf("error %v, want %s", err, refused)
			}
		})
	}
}

func TestCheckSaysWhatIsWrongWithTheConfigMap(t *testing.T) {
	for text, want := range map[string]string{
		manifest("queue.yaml: a"): "-: data[queues.yaml]: Required value: the scheduler reads this key, and the ConfigMap has queue.yaml\n",
		"kind: ConfigMap\nbinaryData: {queues.yaml: /w==}\n": "-: binaryData[queues.yaml]: Forbidden: kubectl puts a file there that is not in " +
			"UTF-8: save it in UTF-8, so that it is in data\n",
	} {
		if out, err := run(t, text, "check", "-f", "-"); err == nil || out != want {
			t.Errorf("%v: %s\nwant %s", err, out, want)
		}
	}
}

func TestCheckSaysWhatItCannotRead(t *testing.T) {
	for text, want := range map[string]string{
		wrapped(good) + "---\n" + wrapped(good): "-: 2 ConfigMaps have the key queues.yaml: the scheduler reads one",
		strings.Repeat(" ", maxFile+1):          "- has more than 4194304 bytes",
	} {
		if _, err := run(t, text, "check", "-f", "-"); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	if _, err := run(t, "", "check", "-f", missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v for a file that does not exist", err)
	}
	if _, err := run(t, good, "check", "-f", "-", "-o", "xml"); err == nil || err.Error() != `--output is "xml": it can be json or yaml` {
		t.Errorf("error %v for another format", err)
	}
	if _, err := run(t, good, "check"); err == nil || !strings.Contains(err.Error(), `"filename" not set`) {
		t.Errorf("error %v without a file", err)
	}
}
