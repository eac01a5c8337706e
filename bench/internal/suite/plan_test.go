package suite

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
)

// compare returns a suite that compares these contenders.
func compare(t *testing.T, names ...string) *suite {
	t.Helper()
	s := &suite{Options: Options{
		Nodes: []int{100}, Pods: 100, SlowPods: 100, Runs: 1, Waiting: 200, Stream: 100, Repetitions: 1, Preemptors: 100,
		WaitingGangs: 1000, Submissions: 1, Timeout: time.Minute, Scenarios: []string{Preempt, PreemptWaiting, Topology},
	}}
	for _, name := range names {
		c, err := contender.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		s.Contenders = append(s.Contenders, c)
	}
	return s
}

func names(steps []step) []string {
	all := make([]string, 0, len(steps))
	for _, step := range steps {
		_, name, _ := strings.Cut(step.name, "run")
		all = append(all, "run"+name)
	}
	return all
}

func TestPreemptSteps(t *testing.T) {
	s := compare(t, "raw", "stock", "stock-gang-20", "ours/plain", "ours/gang-20")
	for nodes, want := range map[int][]string{
		100: {
			"run 1, stock", "run 1, stock-gang-20", "run 1, stock-gang-20+preemption", "run 1, ours/plain", "run 1, ours/gang-20",
		},
		1000: {"run 1, stock", "run 1, ours/plain", "run 1, ours/gang-20"},
	} {
		if got := names(s.preemptSteps(nodes, 1)); !slices.Equal(got, want) {
			t.Errorf("the runs with %d nodes are %q, want %q", nodes, got, want)
		}
	}
}

func TestPairsOfRuns(t *testing.T) {
	s := compare(t, "raw", "stock", "stock-gang", "ours/plain", "ours/gang-1000")
	for run, want := range map[int][]string{
		1: {
			"run 1, stock, 0 gangs wait", "run 1, stock, 1000 gangs wait",
			"run 1, ours/plain, 0 gangs wait", "run 1, ours/plain, 1000 gangs wait",
			"run 1, ours/gang-100, 0 gangs wait", "run 1, ours/gang-100, 1000 gangs wait",
		},
		2: {
			"run 2, stock, 1000 gangs wait", "run 2, stock, 0 gangs wait",
			"run 2, ours/plain, 1000 gangs wait", "run 2, ours/plain, 0 gangs wait",
			"run 2, ours/gang-100, 1000 gangs wait", "run 2, ours/gang-100, 0 gangs wait",
		},
	} {
		if got := names(s.preemptWaitingSteps(100, run)); !slices.Equal(got, want) {
			t.Errorf("the runs are %q, want %q", got, want)
		}
	}
}

func TestTopologySteps(t *testing.T) {
	s := compare(t, "raw", "stock", "stock-gang", "ours/plain", "ours/gang-10", "ours/gang-1000")
	for run, want := range map[int][]string{
		1: {
			"run 1, ours/gang-4", "run 1, ours/gang-4+topology", "run 1, stock-gang-4", "run 1, stock-gang-4+topology",
			"run 1, ours/gang-100", "run 1, ours/gang-100+topology", "run 1, stock-gang-100", "run 1, stock-gang-100+topology",
		},
		2: {
			"run 2, ours/gang-4+topology", "run 2, ours/gang-4", "run 2, stock-gang-4+topology", "run 2, stock-gang-4",
			"run 2, ours/gang-100+topology", "run 2, ours/gang-100", "run 2, stock-gang-100+topology", "run 2, stock-gang-100",
		},
	} {
		if got := names(s.topologySteps(100, run)); !slices.Equal(got, want) {
			t.Errorf("the runs are %q, want %q", got, want)
		}
	}
}

func TestSubmissionsSteps(t *testing.T) {
	s := compare(t, "raw")
	s.Scenarios = []string{Submissions}
	s.Runs = 2
	want := []string{
		"run 1, client-go", "run 1, serve", "run 1, serve, wrong requests",
		"run 2, serve", "run 2, client-go", "run 2, serve, wrong requests",
	}
	if got := names(s.plan(0, 100)); !slices.Equal(got, want) {
		t.Errorf("the runs are %q, want %q", got, want)
	}
}

func TestUnhelpedGangs(t *testing.T) {
	for name, style := range map[string]load.Style{"stock": load.Plain, "ours/plain": load.Annotations, "ours/gang-5": load.Annotations} {
		s := compare(t, name)
		groups, prefixes := 0, map[string]bool{}
		for _, batch := range s.unhelped(&s.Contenders[0], 1000) {
			groups += batch.Groups()
			prefixes[batch.Prefix] = true
			if batch.Style != style || batch.Slot == batch.Nowhere || batch.Nodes != 0 {
				t.Errorf("%s: a batch is %+v", name, batch)
			}
		}
		if groups != 1000 || len(prefixes) != 3 {
			t.Errorf("%s: %d gangs in %d batches, want 1000 in 3", name, groups, len(prefixes))
		}
	}
}

func TestCheck(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"":                                    func(*Options) {},
		"only 800 pods that preempt others":   func(o *Options) { o.Preemptors = 801 },
		"only 3100 pods fit beside those":     func(o *Options) { o.Stream = 3101 },
		"only 5000 pods in gangs of one rack": func(o *Options) { o.Pods = 5001 },
		"there has to be at least one":        func(o *Options) { o.WaitingGangs = 0 },
		`no scenario is called "preempt-all"`: func(o *Options) { o.Scenarios = []string{"preempt-all"} },
	} {
		o := compare(t, "stock").Options
		change(&o)
		err := o.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
