package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"

	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

func TestCatalogueIsWrittenDown(t *testing.T) {
	const page = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(page, []byte(Markdown()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Markdown(), string(text)); diff != "" {
		t.Errorf("docs/metrics.md is not that of the code; run go test ./internal/metrics -update (-want +got):\n%s", diff)
	}
}

// registered returns metrics in a registry of their own, with these gangs.
func registered(t *testing.T, gangs *[]Gang) (*Metrics, metrics.KubeRegistry) {
	t.Helper()
	registry := metrics.NewKubeRegistry()
	m := New()
	m.Register(registry, func() []Gang { return append([]Gang(nil), *gangs...) })
	return m, registry
}

func TestSeriesEndWithTheirGang(t *testing.T) {
	spark := gang.Key{Namespace: "default", Name: "spark", Dialect: "Coscheduling"}
	gangs := []Gang{
		{Key: spark, Phase: gang.Running, Members: 11, Waited: 2 * time.Second, Places: 3},
		{Key: gang.Key{Namespace: "default", Name: "mpi", Dialect: "Coscheduling"}, Phase: gang.Ready, Members: 4, Waiting: 4, Waited: time.Minute},
		{Key: gang.Key{Namespace: "default", Name: "old", Dialect: "Coscheduling"}, Phase: gang.Running, Members: 2, Inherited: true},
	}
	_, registry := registered(t, &gangs)
	series := func(want string) {
		t.Helper()
		names := []string{waitTime.Name, size.Name, reserved.Name, waiting.Name}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
	}
	head := func(e entry) string {
		return fmt.Sprintf("# HELP %s [ALPHA] %s\n# TYPE %s gauge\n", e.Name, e.Help, e.Name)
	}
	series(head(waiting) + "kubenexus_gang_members_waiting 4\n" +
		head(size) + "kubenexus_gang_size{pod_group=\"default/mpi\"} 4\nkubenexus_gang_size{pod_group=\"default/old\"} 2\n" +
		"kubenexus_gang_size{pod_group=\"default/spark\"} 11\n" +
		head(waitTime) + "kubenexus_gang_wait_time_seconds{pod_group=\"default/mpi\"} 60\n" +
		"kubenexus_gang_wait_time_seconds{pod_group=\"default/spark\"} 2\n" +
		head(reserved) + "kubenexus_reserved_places 3\n")
	gangs = nil
	series(head(waiting) + "kubenexus_gang_members_waiting 0\n" + head(reserved) + "kubenexus_reserved_places 0\n")
}

func TestTenThousandGangsHaveAThousandSeries(t *testing.T) {
	gangs := make([]Gang, 10_000)
	for i := range gangs {
		key := gang.Key{Namespace: "default", Name: fmt.Sprint("g", i), Dialect: "Coscheduling"}
		gangs[i] = Gang{Key: key, Phase: gang.Ready, Waited: time.Duration(i)}
	}
	_, registry := registered(t, &gangs)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); n > maxSeries {
			t.Errorf("%s has %d series", f.GetName(), n)
		}
		if f.GetName() == hidden.Name && f.GetMetric()[0].GetGauge().GetValue() != 9000 {
			t.Errorf("%v of 10,000 gangs are told to have no series, want 9,000", f.GetMetric()[0].GetGauge().GetValue())
		}
	}
}

func TestTheLongestWaitOfEachPhase(t *testing.T) {
	key := func(name string) gang.Key { return gang.Key{Namespace: "default", Name: name, Dialect: "Coscheduling"} }
	gangs := []Gang{
		{Key: key("a"), Phase: gang.Ready, Waited: time.Minute},
		{Key: key("b"), Phase: gang.Ready, Waited: time.Hour},
		{Key: key("c"), Phase: gang.Running, Waited: 2 * time.Hour},
	}
	_, registry := registered(t, &gangs)
	want := fmt.Sprintf("# HELP %s [ALPHA] %s\n# TYPE %s gauge\n", longest.Name, longest.Help, longest.Name)
	for phase, seconds := range map[gang.Phase]int{
		gang.Incomplete: 0, gang.Disagreeing: 0, gang.Ready: 3600, gang.Placing: 0, gang.Unbound: 0,
	} {
		want += fmt.Sprintf("%s{phase=%q} %d\n", longest.Name, phase, seconds)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), longest.Name); err != nil {
		t.Error(err)
	}
}

// TestOneNameOfSeveralGangs: a series that came twice would make the whole page an error.
func TestOneNameOfSeveralGangs(t *testing.T) {
	gangs := []Gang{}
	for _, dialect := range []string{"Coscheduling", "BatchPermit"} {
		for _, instance := range []string{"", "Job/1", "Job/2"} {
			gangs = append(gangs, Gang{Key: gang.Key{Namespace: "default", Name: "a", Dialect: dialect, Instance: instance}})
		}
	}
	_, registry := registered(t, &gangs)
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

func TestAttemptsAreCounted(t *testing.T) {
	m, registry := registered(t, &[]Gang{})
	m.Planned(time.Millisecond, 11, false)
	m.Planned(time.Millisecond, 11, true)
	m.Performed(gang.Ended{})
	m.Performed(gang.Ended{})
	m.Performed(gang.Reject{Because: gang.Explanation{Kind: gang.KindStalled}})
	m.Performed(gang.Reject{Because: gang.Explanation{Kind: gang.KindStalled}}) // sent again
	m.Performed(gang.Ended{Started: true})
	m.Performed(gang.Tell{Explanation: gang.Explanation{Kind: gang.KindReleased, Attempts: 2}})
	m.Performed(gang.Tell{Explanation: gang.Explanation{Kind: gang.KindNotBound}})
	m.Performed(gang.Tell{Explanation: gang.Explanation{Kind: gang.KindIncomplete}})
	m.Performed(gang.Tell{Explanation: gang.Explanation{Kind: gang.KindLost}})
	want := fmt.Sprintf("# HELP %s [ALPHA] %s\n# TYPE %s counter\n", attempts.Name, attempts.Help, attempts.Name) +
		"kubenexus_gang_scheduling_attempts_total{status=\"failure\"} 2\nkubenexus_gang_scheduling_attempts_total{status=\"success\"} 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), attempts.Name); err != nil {
		t.Error(err)
	}
}
