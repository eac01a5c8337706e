package scenarios

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestOlderAPIServers runs scenarios, and what is said of missing APIs, on API servers that emulate older versions. Feature
// gates are global to a process, so each of these servers has a run of the test binary. Everything runs on these versions, and
// on real ones, by `make test-versions`.
func TestOlderAPIServers(t *testing.T) {
	if os.Getenv(apiServerFlags) != "" || os.Getenv(apiServerProgram) != "" {
		t.Skip("this run has another API server already")
	}
	scenarios := []string{ // what is written at the bind, read back after a crash, evicted, and said
		"TestScenarios/two-of-three", "TestScenarios/plain-pods", "TestScenarios/whole-gang", "TestScenarios/leaders",
		"TestScenarios/spark", "TestScenarios/rejected", "TestScenarios/placement",
	}
	said := []string{"TestOlderAPIServerIsSaidOnce", "TestFeatureGateWithoutItsAPI"}
	for _, server := range []struct {
		name, flags string
		pass        []string
	}{
		{"1.33", "--emulated-version=kube=1.33", slices.Concat(scenarios, said)},
		{
			"1.33 with claims of resource.k8s.io/v1beta2", "--emulated-version=kube=1.33 " +
				"--feature-gates=DynamicResourceAllocation=true --runtime-config=resource.k8s.io/v1beta2=true",
			slices.Concat(said, []string{"TestPodsWithClaimsWait"}),
		},
		{"1.34", "--emulated-version=kube=1.34", slices.Concat(scenarios, said, []string{"TestClaimsGetTheirDevices"})},
		{"1.35", "--emulated-version=kube=1.35", slices.Concat(scenarios, said, []string{"TestClaimsGetTheirDevices"})},
		{"1.36 without resource.k8s.io/v1", "--runtime-config=resource.k8s.io/v1=false", slices.Concat(said, []string{"TestPodsWithClaimsWait"})},
		{
			"1.36 with pod groups", "--feature-gates=GenericWorkload=true --runtime-config=scheduling.k8s.io/v1alpha2=true",
			[]string{"TestPodsInPodGroupsOfKubernetes"},
		},
	} {
		t.Run(server.name, func(t *testing.T) {
			log := runOn(t, server.flags, server.pass)
			for _, test := range server.pass {
				if !strings.Contains(log, "--- PASS: "+test+" (") {
					t.Errorf("%s did not pass", test)
				}
			}
			if t.Failed() {
				t.Logf("API server %s:\n%s", server.flags, log)
				return
			}
			t.Logf("API server %s: passed %s", server.flags, strings.Join(server.pass, ", "))
		})
	}
}

// runOn runs tests of this binary on an API server with these flags, and returns what it printed.
func runOn(t *testing.T, flags string, tests []string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parents, scenarios := map[string]bool{}, map[string]bool{"none": true}
	for _, test := range tests {
		parent, scenario, _ := strings.Cut(test, "/")
		parents[parent], scenarios[scenario] = true, true
	}
	var log process.Buffer
	cmd := exec.Command(self, "-test.v", "-test.run", anyOf(parents)+"/"+anyOf(scenarios))
	cmd.Env = append(os.Environ(), apiServerFlags+"="+flags)
	cmd.Stdout, cmd.Stderr = &log, &log
	run, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	if code := run.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	return log.String()
}

// anyOf returns a pattern of go test that matches these names.
func anyOf(names map[string]bool) string {
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return "^(" + strings.Join(all, "|") + ")$"
}

// serverMinor is the minor version that the API server of this run has, or emulates.
func serverMinor(t *testing.T) uint {
	t.Helper()
	info, err := suite.client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if info.EmulationMinor != "" {
		return version.MustParse(info.EmulationMajor + "." + info.EmulationMinor).Minor()
	}
	return version.MustParse(info.GitVersion).Minor()
}

// asOld is the flag that makes upstream's command behave as the API server's version; ours does that by itself.
func asOld(t *testing.T) string {
	return fmt.Sprintf("--emulated-version=kube=1.%d", min(36, serverMinor(t)))
}

// serves says whether the API server has a resource.
func serves(t *testing.T, groupVersion, resource string) bool {
	t.Helper()
	_, lists, err := suite.client.Discovery().ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		for i := range list.APIResources {
			if list.GroupVersion == groupVersion && list.APIResources[i].Name == resource {
				return true
			}
		}
	}
	return false
}

const saysOfServer = "the api server is v" // in small letters

// TestOlderAPIServerIsSaidOnce: one line of the log says which version the API server has, what is off and what to do; if
// nothing is, there is none.
func TestOlderAPIServerIsSaidOnce(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	lines := scheduler.Log.Lines(saysOfServer)
	minor, claims := serverMinor(t), serves(t, "resource.k8s.io/v1", "resourceclaims")
	if minor >= 36 && claims {
		if len(lines) > 0 {
			t.Errorf("it has nothing to say about this API server, and says: %s", lines)
		}
		return
	}
	if len(lines) != 1 {
		t.Fatalf("%d lines say what is off, want one: %s", len(lines), lines)
	}
	t.Log(lines[0])
	for _, want := range []string{
		"so this scheduler behaves like the scheduler of Kubernetes 1.", "Restart the scheduler when the API server is upgraded",
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("it does not say %q: %s", want, lines[0])
		}
	}
	const claim = "it has no resourceclaims in resource.k8s.io/v1, so pods with resource claims wait"
	if said := strings.Contains(lines[0], claim); said == claims {
		t.Errorf("the API server has resource claims: %v; that it has none is said: %v: %s", claims, said, lines[0])
	}
}

// TestFeatureGateWithoutItsAPI: a gate that the user turned on, but that needs an API that the server does not have, is
// off, and the log says so, instead of a scheduler that is never ready. No version serves this alpha API by default.
func TestFeatureGateWithoutItsAPI(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false",
		"--feature-gates=GenericWorkload=true,DRAListTypeAttributes=true")
	lines := scheduler.Log.Lines(saysOfServer)
	if len(lines) != 1 {
		t.Fatalf("%d lines say what is off, want one: %s", len(lines), lines)
	}
	t.Log(lines[0])
	off := "--feature-gates enables gates that are off: GenericWorkload"
	if serverMinor(t) < 36 || !serves(t, "resource.k8s.io/v1", "resourceclaims") {
		off = "--feature-gates enables gates that are off: DRAListTypeAttributes, GenericWorkload" // the first is of 1.36, and needs claims
	}
	for _, want := range []string{off + ".", "it has no podgroups in scheduling.k8s.io/v1alpha2, so pod groups of this API are not followed"} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("it does not say %q: %s", want, lines[0])
		}
	}
}
