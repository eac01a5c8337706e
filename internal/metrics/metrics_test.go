package metrics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"
	testclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// source has the statuses of a test.
type source struct {
	gangs     []gang.Status
	queues    []queue.Status
	resources []queue.Resource
	pods      map[string]int
	nodes     []NodeDevices
}

func (s *source) Statuses() []gang.Status          { return slices.Clone(s.gangs) }
func (s *source) QueueStatuses() []queue.Status    { return s.queues }
func (s *source) QueueResources() []queue.Resource { return s.resources }
func (s *source) PodsSetAside() map[string]int     { return s.pods }
func (s *source) NodesWithDevices() []NodeDevices  { return s.nodes }

// now is when the tests scrape.
func now() time.Time { return time.Unix(1_000_000, 0) }

// registered returns metrics in a registry of their own, which are computed from this source.
func registered(t *testing.T, from *source) (*Metrics, metrics.KubeRegistry) {
	t.Helper()
	registry := metrics.NewKubeRegistry()
	m := New()
	m.Register(registry, from, testclock.NewFakePassiveClock(now()))
	return m, registry
}

// head is what comes before the series of a gauge.
func head(e entry) string {
	return fmt.Sprintf("# HELP %s [ALPHA] %s\n# TYPE %s gauge\n", e.Name, e.Help, e.Name)
}

func keyOf(name string) gang.Key {
	return gang.Key{Namespace: "default", Name: name, Convention: "Coscheduling"}
}

// waits is for how long a gang has waited.
func waits(d time.Duration) gang.Times {
	return gang.Times{At: now().Add(d), Since: now()}
}

// in is so many members that have a state.
func in(state gang.MemberState, members int) []gang.MemberStatus {
	return slices.Repeat([]gang.MemberStatus{{State: state}}, members)
}

func TestSeriesEndWithTheirGang(t *testing.T) {
	started := waits(2 * time.Second)
	started.At, started.Started = started.At.Add(time.Hour), started.At
	gangs := []gang.Status{
		{Key: keyOf("spark"), Phase: gang.Running, Members: in(gang.MemberBound, 11), Times: started, Slots: make([]gang.SlotStatus, 3)},
		{Key: keyOf("mpi"), Phase: gang.Ready, Members: slices.Concat(in(gang.MemberPending, 3), in(gang.MemberGated, 1)), Times: waits(time.Minute)},
		{Key: keyOf("old"), Phase: gang.Running, Members: slices.Concat(in(gang.MemberBound, 2), in(gang.MemberSucceeded, 5))},
	}
	from := &source{gangs: gangs}
	_, registry := registered(t, from)
	series := func(want string) {
		t.Helper()
		names := []string{waitTime.Name, size.Name, reserved.Name, waiting.Name}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
	}
	series(head(waiting) + "kubenexus_gang_members_waiting 4\n" +
		head(size) + "kubenexus_gang_size{pod_group=\"default/mpi\"} 4\nkubenexus_gang_size{pod_group=\"default/old\"} 2\n" +
		"kubenexus_gang_size{pod_group=\"default/spark\"} 11\n" +
		head(waitTime) + "kubenexus_gang_wait_time_seconds{pod_group=\"default/mpi\"} 60\n" +
		"kubenexus_gang_wait_time_seconds{pod_group=\"default/spark\"} 2\n" +
		head(reserved) + "kubenexus_reserved_places 3\n")
	from.gangs = nil
	series(head(waiting) + "kubenexus_gang_members_waiting 0\n" + head(reserved) + "kubenexus_reserved_places 0\n")
}

func TestTenThousandGangsHaveAThousandSeries(t *testing.T) {
	gangs := make([]gang.Status, 10_000)
	for i := range gangs {
		gangs[i] = gang.Status{Key: keyOf(fmt.Sprint("g", i)), Phase: gang.Ready, Times: waits(time.Duration(i))}
	}
	_, registry := registered(t, &source{gangs: gangs})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); n > maxSeries {
			t.Errorf("%s has %d series", f.GetName(), n)
		}
		if f.GetName() == hidden.Name && f.GetMetric()[0].GetGauge().GetValue() != 9000 {
			t.Errorf("%v of 10,000 gangs are reported without series, want 9,000", f.GetMetric()[0].GetGauge().GetValue())
		}
	}
}

func TestTheLongestWaitOfEachPhase(t *testing.T) {
	gangs := []gang.Status{
		{Key: keyOf("a"), Phase: gang.Ready, Times: waits(time.Minute)},
		{Key: keyOf("b"), Phase: gang.Ready, Times: waits(time.Hour)},
		{Key: keyOf("c"), Phase: gang.Running, Times: waits(2 * time.Hour)},
	}
	_, registry := registered(t, &source{gangs: gangs})
	want := head(longest)
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
	gangs := []gang.Status{}
	for _, convention := range []string{"Coscheduling", "BatchPermit"} {
		for _, instance := range []string{"", "Job/1", "Job/2"} {
			gangs = append(gangs, gang.Status{Key: gang.Key{Namespace: "default", Name: "a", Convention: convention, Instance: instance}})
		}
	}
	_, registry := registered(t, &source{gangs: gangs})
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

func TestAttemptsAreCounted(t *testing.T) {
	m, registry := registered(t, &source{})
	m.Planned(time.Millisecond, 11, false)
	m.Planned(time.Millisecond, 11, true)
	m.Performed(gang.Ended{})
	m.Performed(gang.Ended{})
	m.Performed(gang.Ended{Started: true})
	m.Performed(gang.Notify{Explanation: gang.Explanation{Kind: gang.KindReleased, Attempts: 2}})
	m.Performed(gang.Notify{Explanation: gang.Explanation{Kind: gang.KindNotBound}})
	m.Performed(gang.Notify{Explanation: gang.Explanation{Kind: gang.KindIncomplete}})
	m.Performed(gang.Notify{Explanation: gang.Explanation{Kind: gang.KindLost}})
	want := fmt.Sprintf("# HELP %s [ALPHA] %s\n# TYPE %s counter\n", attempts.Name, attempts.Help, attempts.Name) +
		"kubenexus_gang_scheduling_attempts_total{status=\"failure\"} 2\nkubenexus_gang_scheduling_attempts_total{status=\"success\"} 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), attempts.Name); err != nil {
		t.Error(err)
	}
}
