package scenarios

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shippedConfiguration is the configuration file that the project's documentation gives to users. It enables our plugin at
// some of the points that it needs.
const shippedConfiguration = "../../config/scheduler-config.yaml"

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scheduler-config.yaml")
	text = strings.ReplaceAll(text, "KUBECONFIG", suite.plane.Kubeconfig())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startsAGang shows that a scheduler works: two of three pods wait, and with the third all start.
func startsAGang(t *testing.T, namespace, schedulerName string, annotations map[string]string) {
	t.Helper()
	s := newScenario(t, namespace)
	if err := suite.plane.AddNodes(s.ctx, namespace, 1, smallNode); err != nil {
		t.Fatal(err)
	}
	member := podSpec{namespace: namespace, cpu: "1", scheduler: schedulerName, annotations: annotations}
	for _, name := range []string{"a-0", "a-1"} {
		member.name = name
		if err := create(s, member.pod()); err != nil {
			t.Fatal(err)
		}
	}
	s.waitsWith(t, "a-0", "has 2 of the 3 pods it needs")
	member.name = "a-2"
	if err := create(s, member.pod()); err != nil {
		t.Fatal(err)
	}
	s.allBound(t, 3)
}

func TestShippedConfigurationWorksAsItStands(t *testing.T) {
	text, err := os.ReadFile(shippedConfiguration)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("/etc/kubernetes/scheduler.conf"), []byte(suite.plane.Kubeconfig()))
	startScheduler(t, "--config="+writeConfig(t, string(text)), "-v=2")
	startsAGang(t, "shipped-configuration", "kubenexus-scheduler", gangAnnotations("a", 3))
	if _, err := suite.client.CoordinationV1().Leases("kube-system").Get(t.Context(), "kubenexus-scheduler", metav1.GetOptions{}); err != nil {
		t.Errorf("the lease: %v", err)
	}
}

func TestFlagsOverrideTheConfiguration(t *testing.T) {
	startScheduler(t, "--config="+shippedConfiguration, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	startsAGang(t, "flags-override", "kubenexus-scheduler", gangAnnotations("a", 3))
}

// TestProfilesOfOneProcess: two profiles of one convention with different timeouts, one of both conventions, and one without
// gangs.
func TestProfilesOfOneProcess(t *testing.T) {
	startScheduler(t, "--leader-elect=false", "--config="+writeConfig(t, `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: KUBECONFIG
profiles:
- schedulerName: patient
  plugins:
    multiPoint:
      enabled:
      - name: Coscheduling
  pluginConfig:
  - name: Coscheduling
    args:
      apiVersion: kubenexus.io/v1
      kind: CoschedulingArgs
      timeout: 1h
- schedulerName: hasty
  plugins:
    permit:
      enabled:
      - name: Coscheduling
    postFilter:
      disabled:
      - name: "*"
  pluginConfig:
  - name: Coscheduling
    args:
      timeout: 1s
- schedulerName: plain
- schedulerName: both
  plugins:
    multiPoint:
      enabled:
      - name: Coscheduling
      - name: BatchPermit
`))
	startsAGang(t, "patient", "patient", gangAnnotations("a", 3))
	startsAGang(t, "hasty", "hasty", gangAnnotations("a", 3))
	startsAGang(t, "both-pod-group", "both", gangAnnotations("a", 3))
	startsAGang(t, "both-batch", "both", map[string]string{batchNameAnnotation: "a", batchSizeAnnotation: "3"})

	s := newScenario(t, "plain-profile")
	if err := suite.plane.AddNodes(s.ctx, "plain", 1, smallNode); err != nil {
		t.Fatal(err)
	}
	if err := create(s, podSpec{namespace: "plain-profile", name: "p-0", cpu: "1", scheduler: "plain"}.pod()); err != nil {
		t.Fatal(err)
	}
	s.allBound(t, 1)
}

// TestAConfigurationWithoutGangs is a kube-scheduler's: it schedules pods one by one, and says so of each.
func TestAConfigurationWithoutGangs(t *testing.T) {
	startScheduler(t, "--leader-elect=false", "--config="+writeConfig(t, `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: KUBECONFIG
profiles:
- schedulerName: own-scheduler
`))
	s := newScenario(t, "without-gangs")
	if err := suite.plane.AddNodes(s.ctx, "plain", 1, smallNode); err != nil {
		t.Fatal(err)
	}
	if err := create(s, podSpec{namespace: s.namespace, name: "p-0", cpu: "1", scheduler: "own-scheduler"}.pod()); err != nil {
		t.Fatal(err)
	}
	s.allBound(t, 1)
	s.saidOfAll(t, 1)
}

func TestBadConfigurationStopsTheStartWithASentence(t *testing.T) {
	const header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" +
		"clientConnection:\n  kubeconfig: KUBECONFIG\nprofiles:\n- schedulerName: kubenexus-scheduler\n"
	args := func(lines string) string {
		return header + "  plugins:\n    multiPoint:\n      enabled:\n      - name: Coscheduling\n" +
			"  pluginConfig:\n  - name: Coscheduling\n    args:\n" + lines
	}
	for _, tc := range []struct{ name, config, want string }{
		{"unknown argument", args("      timeOut: 5s\n"), `arguments of plugin Coscheduling: unknown field "timeOut"; the fields are apiVersion, kind, timeout, placement, reservationTimeout, reservedShare and unknownGangs`},
		{"unknownGangs in other letters", args("      unknownGangs: schedule\n"), `arguments of plugin Coscheduling: unknownGangs is "schedule"; use "Wait" or "Schedule"`},
		{"argument twice wrong", args("      timeout: 5s\n      color: red\n"), `unknown field "color"`},
		{"timeout without a unit", args("      timeout: 5\n"), `arguments of plugin Coscheduling: timeout is 5; use a duration such as "30s"`},
		{"timeout in words", args("      timeout: soon\n"), `timeout is "soon"; use a duration`},
		{"negative timeout", args("      timeout: -5s\n"), `timeout is -5s; set it above 0s`},
		{"version of the future", args("      apiVersion: kubenexus.io/v9\n"), `apiVersion is "kubenexus.io/v9"; use "kubenexus.io/v1"`},
		{"another plugin's kind", args("      kind: BatchPermitArgs\n"), `kind is "BatchPermitArgs"; use "CoschedulingArgs"`},
		{"unknown field of the file", header + "  plugin: {}\n", `unknown field "profiles[0].plugin"`},
		{"our plugin disabled", header + "  plugins:\n    permit:\n      disabled:\n      - name: Coscheduling\n", "enables plugin Coscheduling but not Coscheduling at permit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, log := launch(t, "--leader-elect=false", "--config="+writeConfig(t, tc.config)).Exit()
			if code == 0 || !strings.Contains(log, tc.want) {
				t.Errorf("exit code %d, want another than 0 and %q in:\n%s", code, tc.want, log)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	code, out := launch(t, "--version").Exit()
	if code != 0 || !strings.Contains(out, "kubenexus-scheduler v") {
		t.Errorf("exit code %d and %q, want 0 and kubenexus-scheduler v...", code, out)
	}
}
