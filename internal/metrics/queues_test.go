package metrics

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// research is two queues of a cluster with 16 cores, 32 GPUs and no huge pages: team, and research below it, whose head has waited for
// two minutes.
func research() *source {
	const gi = 1 << 30
	return &source{
		resources: []queue.Resource{
			{Name: "cpu", Total: 16_000}, {Name: "hugepages-2Mi"}, {Name: "memory", Total: 64 * gi}, {Name: "nvidia.com/gpu", Total: 32},
		},
		queues: []queue.Status{
			{Name: "team", Used: queue.Vector{2500, 0, gi, 8}, Fair: queue.Vector{4000}, Share: 0.25, FairShare: 0.5, Waiting: 3, HeadAge: now().Add(-2 * time.Minute)},
			{
				Name: "research", Parent: "team", Leaf: true, Used: queue.Vector{2500, 0, gi, 8}, Fair: queue.Vector{4000, 0, 0, 16},
				Guarantee: queue.Amounts{"cpu": 1500, "nvidia.com/gpu": 16}, Limit: queue.Amounts{"memory": 2 * gi},
				Share: 0.25, FairShare: 0.5, Waiting: 3, HeadAge: now().Add(-2 * time.Minute), BelowGuarantee: true,
			},
			{Name: "default", Leaf: true},
		},
		gangs: []gang.Status{
			{Key: keyOf("a"), Queue: "research", SetAside: aside(3)},
			{Key: keyOf("b"), Queue: "research", SetAside: aside(2)},
			{Key: keyOf("c"), Queue: "research"},
			{Key: keyOf("d")},
		},
		pods: map[string]int{"research": 1, "default": 2},
	}
}

// aside is capacity that is set aside for so many members.
func aside(members int) *gang.SetAsideStatus { return &gang.SetAsideStatus{Held: members, Of: 4} }

func TestQueuesHaveSeriesInBaseUnits(t *testing.T) {
	_, registry := registered(t, research())
	for e, series := range map[*entry]string{
		&queueInfo: `{leaf="false",parent="",queue="team"} 1
{leaf="true",parent="",queue="default"} 1
{leaf="true",parent="team",queue="research"} 1`,
		&queuesCapacity: `{resource="cpu"} 16
{resource="memory"} 6.8719476736e+10
{resource="nvidia.com/gpu"} 32`,
		&queueUsed: `{queue="team",resource="cpu"} 2.5
{queue="team",resource="memory"} 1.073741824e+09
{queue="team",resource="nvidia.com/gpu"} 8
{queue="research",resource="cpu"} 2.5
{queue="research",resource="memory"} 1.073741824e+09
{queue="research",resource="nvidia.com/gpu"} 8
{queue="default",resource="cpu"} 0
{queue="default",resource="memory"} 0
{queue="default",resource="nvidia.com/gpu"} 0`,
		&queueFair: `{queue="team",resource="cpu"} 4
{queue="team",resource="memory"} 0
{queue="team",resource="nvidia.com/gpu"} 0
{queue="research",resource="cpu"} 4
{queue="research",resource="memory"} 0
{queue="research",resource="nvidia.com/gpu"} 16
{queue="default",resource="cpu"} 0
{queue="default",resource="memory"} 0
{queue="default",resource="nvidia.com/gpu"} 0`,
		&queueGuarantee: `{queue="research",resource="cpu"} 1.5
{queue="research",resource="nvidia.com/gpu"} 16`,
		&queueLimit:      `{queue="research",resource="memory"} 2.147483648e+09`,
		&queueShare:      "{queue=\"team\"} 0.25\n{queue=\"research\"} 0.25\n{queue=\"default\"} 0",
		&queueFairRatio:  "{queue=\"team\"} 0.5\n{queue=\"research\"} 0.5\n{queue=\"default\"} 0",
		&queueWaiting:    "{queue=\"team\"} 3\n{queue=\"research\"} 3\n{queue=\"default\"} 0",
		&queueHeadAge:    "{queue=\"team\"} 120\n{queue=\"research\"} 120\n{queue=\"default\"} 0",
		&queueSetAside:   "{queue=\"team\"} 6\n{queue=\"research\"} 6\n{queue=\"default\"} 2",
		&queueBelow:      "{queue=\"team\"} 0\n{queue=\"research\"} 1\n{queue=\"default\"} 0",
		&queuesHidden:    " 0",
		&resourcesHidden: " 0",
	} {
		want := head(*e)
		for line := range strings.SplitSeq(series, "\n") {
			want += e.Name + line + "\n"
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), e.Name); err != nil {
			t.Error(err)
		}
	}
}

func TestWithoutConfiguredQueuesThereAreNoSeriesOfQueues(t *testing.T) {
	from := research()
	from.queues, from.resources = nil, nil
	_, registry := registered(t, from)
	for name, n := range seriesIn(t, registry) {
		if strings.HasPrefix(name, "kubenexus_queue") && name != queuesValid.Name && n != 0 &&
			name != queuesHidden.Name && name != resourcesHidden.Name {
			t.Errorf("%s has %d series", name, n)
		}
	}
}

// TestTheFutureIsNoAge: the clock of the API server, which says when a pod was created, may be ahead.
func TestTheFutureIsNoAge(t *testing.T) {
	_, registry := registered(t, &source{queues: []queue.Status{{Name: "a", HeadAge: now().Add(time.Second)}}})
	want := head(queueHeadAge) + queueHeadAge.Name + "{queue=\"a\"} 0\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), queueHeadAge.Name); err != nil {
		t.Error(err)
	}
}

func TestAThousandQueuesAndSixteenResourcesHaveSeries(t *testing.T) {
	from := &source{}
	for i := range 30 {
		from.resources = append(from.resources, queue.Resource{Name: fmt.Sprintf("example.com/%02d", 29-i), Total: 1})
	}
	from.resources = append(from.resources, queue.Resource{Name: "memory", Total: 1}, queue.Resource{Name: "cpu", Total: 1})
	for i := range 1500 {
		from.queues = append(from.queues, queue.Status{Name: fmt.Sprint("q", i)})
	}
	from.queues[1200].Guarantee = queue.Amounts{"example.com/27": 1}
	from.queues[1300].Limit = queue.Amounts{"example.com/25": 1}
	_, registry := registered(t, from)
	for name, n := range seriesIn(t, registry) {
		most := maxQueues
		if name == queueUsed.Name || name == queueFair.Name {
			most *= maxResources
		}
		if n > most {
			t.Errorf("%s has %d series, more than %d", name, n, most)
		}
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(
		head(queuesHidden)+queuesHidden.Name+" 500\n"+head(resourcesHidden)+resourcesHidden.Name+" 16\n"),
		queuesHidden.Name, resourcesHidden.Name); err != nil {
		t.Error(err)
	}
	shown, _ := shownResources(from.queues, from.resources)
	want := []string{"cpu", "example.com/25", "example.com/27", "memory"}
	for i := range 12 {
		want = append(want, fmt.Sprintf("example.com/%02d", i))
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Values(shown))); diff != "" {
		t.Errorf("the resources that have series (-want +got):\n%s", diff)
	}
}

// seriesIn returns how many series each metric has.
func seriesIn(t *testing.T, registry metrics.KubeRegistry) map[string]int {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, f := range families {
		count[f.GetName()] = len(f.GetMetric())
	}
	return count
}

// TestNamesFollowPrometheus: promlint has nothing to say, and everything in the catalogue is served.
func TestNamesFollowPrometheus(t *testing.T) {
	from := research()
	from.gangs = append(from.gangs, gang.Status{Key: keyOf("waits"), Phase: gang.Ready, Times: waits(time.Second), TopologyKeys: []string{rack}})
	from.nodes = []NodeDevices{gpuNode("n", "r1", 8)}
	_, registry := registered(t, from)
	served := seriesIn(t, registry)
	for _, e := range catalogue() {
		if served[e.Name] == 0 {
			t.Errorf("%s has no series", e.Name)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	for _, f := range families {
		if _, err := testutil.MetricFamilyToText(&page, f); err != nil {
			t.Fatal(err)
		}
	}
	problems, err := testutil.NewPromLinter(&page).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
