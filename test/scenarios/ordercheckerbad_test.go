package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// story is a history that is made up: of a Strict queue, line, and of another one, effort, below team, on a node of each of two pools.
type story struct {
	t     *testing.T
	plans map[string]jobPlan
	all   []occurrence
	now   time.Time
}

func newStory(t *testing.T, jobs ...jobPlan) *story {
	st := &story{t: t, plans: map[string]jobPlan{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, j := range jobs {
		st.plans[j.name] = j
	}
	return st
}

func (*story) cluster() cluster {
	node := demand{cpus: 8, memory: 16}
	return cluster{
		nodes: map[string]poolNode{"a-0": {pool: "a", has: node}, "b-0": {pool: "b", has: node}},
		queues: map[string]queueRules{
			"team": {limit: &demand{cpus: 12, memory: 32}}, "line": {above: "team", strict: true},
			"effort": {above: "team", limit: &demand{cpus: 8, memory: 8}},
		},
	}
}

// tells adds what happens: "create J", "bind J NODE", "delete J", each for all members, "bind one of J NODE", or "wait DURATION".
func (st *story) tells(lines ...string) *story {
	st.t.Helper()
	for _, line := range lines {
		one := strings.Contains(line, "one of ")
		words := strings.Fields(strings.Replace(line, "one of ", "", 1))
		if words[0] == "wait" {
			d, err := time.ParseDuration(words[1])
			if err != nil {
				st.t.Fatal(err)
			}
			st.now = st.now.Add(d)
			continue
		}
		j, known := st.plans[words[1]]
		kind, means := map[string]what{"create": wasCreated, "bind": wasBound, "delete": wasDeleted}[words[0]]
		if !known || !means {
			st.t.Fatalf("%q means nothing", line)
		}
		o := occurrence{at: st.now, what: kind, job: j.name, created: st.now}
		if kind == wasBound {
			o.node = words[2]
		}
		for i := range j.members {
			o.pod = fmt.Sprintf("%s-%d", j.name, i)
			if st.all = append(st.all, o); one {
				break
			}
		}
	}
	return st
}

func (st *story) end() *moment {
	m := newMoment()
	for _, o := range st.all {
		m.follow(st.plans, o)
	}
	return m
}

// TestTheCheckerOfHistoriesFindsWhatIsWrong: a checker that finds nothing in bad histories proves nothing about those that are recorded.
func TestTheCheckerOfHistoriesFindsWhatIsWrong(t *testing.T) {
	job := func(name, queue, pool string, members, cpus, memory int) jobPlan {
		return jobPlan{name: name, queue: queue, pool: pool, members: members, asks: demand{cpus: cpus, memory: memory}}
	}
	first, second := job("first", "line", "", 1, 8, 1), job("second", "line", "", 1, 1, 1)
	important := second
	important.priority = 1
	for _, tc := range []struct {
		name  string
		jobs  []jobPlan
		tells []string
		wrong string
	}{
		{"in their order", []jobPlan{first, second}, []string{"create first", "create second", "wait 2s", "bind first a-0", "bind second b-0"}, ""},
		{
			"overtaken",
			[]jobPlan{first, second},
			[]string{"create first", "create second", "wait 2s", "bind second b-0", "wait 1s", "bind first a-0"},
			"2: second-0 overtakes first, which waits since 2s",
		},
		{"overtaken for good", []jobPlan{first, second}, []string{"create first", "create second", "wait 2s", "bind second b-0"}, "second-0 overtakes first"},
		{
			"at the same time",
			[]jobPlan{first, second},
			[]string{"create first", "create second", "wait 2s", "bind second b-0", "wait 100ms", "bind first a-0"},
			"",
		},
		{"not known yet", []jobPlan{first, second}, []string{"create first", "create second", "bind second b-0"}, ""},
		{"a higher priority", []jobPlan{first, important}, []string{"create first", "create second", "wait 2s", "bind second b-0"}, ""},
		{
			"a lower priority",
			[]jobPlan{first, important},
			[]string{"create first", "create second", "wait 2s", "bind first b-0"},
			"first-0 overtakes second",
		},
		{
			"another pool",
			[]jobPlan{job("first", "line", "a", 1, 8, 1), job("second", "line", "b", 1, 1, 1)},
			[]string{"create first", "create second", "wait 2s", "bind second b-0"},
			"",
		},
		{
			"all pools",
			[]jobPlan{job("first", "line", "a", 1, 8, 1), second},
			[]string{"create first", "create second", "wait 2s", "bind second b-0"},
			"second-0 overtakes first",
		},
		{
			"a wrong pool",
			[]jobPlan{job("first", "line", "a", 1, 8, 1)},
			[]string{"create first", "bind first b-0"},
			"first-0 needs pool a, and is on node b-0",
		},
		{
			"another queue",
			[]jobPlan{first, job("second", "effort", "", 1, 1, 1)},
			[]string{"create first", "create second", "wait 2s", "bind second b-0"},
			"",
		},
		{
			"above its limit",
			[]jobPlan{job("first", "effort", "", 3, 3, 1)},
			[]string{"create first", "bind first a-0"},
			"queue effort uses 9 CPUs and 3 GiB of 8 CPUs and 8 GiB",
		},
		{
			"above its limit of memory",
			[]jobPlan{job("first", "effort", "", 3, 1, 3)},
			[]string{"create first", "bind first a-0"},
			"queue effort uses 3 CPUs and 9 GiB of 8 CPUs and 8 GiB",
		},
		{
			"above the limit of the queue above",
			[]jobPlan{first, job("second", "effort", "", 1, 5, 1)},
			[]string{"create first", "bind first a-0", "create second", "bind second b-0"},
			"queue team uses 13 CPUs and 2 GiB of 12 CPUs",
		},
		{
			"within limits again",
			[]jobPlan{first, job("second", "effort", "", 1, 5, 1)},
			[]string{"create first", "bind first a-0", "delete first", "create second", "bind second b-0"},
			"",
		},
		{
			"a node that is too full",
			[]jobPlan{job("first", "line", "", 3, 3, 1)},
			[]string{"create first", "bind first a-0"},
			"node a-0 has 9 CPUs and 3 GiB in use",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := newStory(t, tc.jobs...).tells(tc.tells...)
			wrong := strings.Join(st.cluster().check(st.plans, st.all), ", ")
			if !strings.Contains(wrong, tc.wrong) || tc.wrong == "" && wrong != "" {
				t.Errorf("wrong is %q, want %q", wrong, tc.wrong)
			}
		})
	}
}

// TestTheCheckerOfHistoriesFindsIdleCapacity: beside capacity that is set aside a job may wait, and beside other capacity it may not.
func TestTheCheckerOfHistoriesFindsIdleCapacity(t *testing.T) {
	job := func(name, queue, pool string, members, cpus, memory int) jobPlan {
		return jobPlan{name: name, queue: queue, pool: pool, members: members, asks: demand{cpus: cpus, memory: memory}}
	}
	big := job("big", "line", "a", 2, 4, 1) // needs all of node a-0
	for _, tc := range []struct {
		name   string
		jobs   []jobPlan
		tells  []string
		aside  []string
		wrong  string
		beside int
	}{
		{name: "it fits", jobs: []jobPlan{big}, tells: []string{"create big"}, wrong: "big of queue line fits and waits"},
		{name: "it runs", jobs: []jobPlan{big}, tells: []string{"create big", "bind big a-0"}},
		{name: "it runs in part", jobs: []jobPlan{big}, tells: []string{"create big", "bind one of big a-0"}, wrong: "big runs with 1 of 2"},
		{name: "it is not complete", jobs: []jobPlan{big}, tells: []string{"create one of big"}},
		{
			name: "no node has room", jobs: []jobPlan{big, job("runs", "effort", "a", 1, 1, 1)},
			tells: []string{"create runs", "bind runs a-0", "create big"},
		},
		{
			name: "no node has the memory", jobs: []jobPlan{job("runs", "line", "a", 1, 1, 13), job("small", "effort", "a", 1, 1, 4)},
			tells: []string{"create runs", "bind runs a-0", "create small"},
		},
		{name: "beyond its limit", jobs: []jobPlan{job("wide", "effort", "", 5, 2, 1)}, tells: []string{"create wide"}},
		{
			name: "behind the head of its queue", jobs: []jobPlan{big, job("runs", "effort", "a", 1, 1, 1), job("small", "line", "", 1, 1, 1)},
			tells: []string{"create runs", "bind runs a-0", "create big", "create small"},
		},
		{
			name: "of another pool than the head", jobs: []jobPlan{big, job("runs", "effort", "a", 1, 1, 1), job("small", "line", "b", 1, 1, 1)},
			tells: []string{"create runs", "bind runs a-0", "create big", "create small"}, wrong: "small of queue line fits and waits",
		},
		{
			name: "what is idle is set aside", jobs: []jobPlan{big, job("runs", "effort", "a", 1, 1, 1), job("small", "effort", "a", 1, 1, 1)},
			tells: []string{"create runs", "bind runs a-0", "create big", "create small"}, aside: []string{"big"}, beside: 1,
		},
		{
			name: "only a part is set aside", jobs: []jobPlan{
				job("one", "line", "a", 1, 4, 1), job("runs", "effort", "a", 1, 1, 1), job("small", "effort", "a", 1, 3, 1),
			},
			tells: []string{"create runs", "bind runs a-0", "create one", "create small"}, aside: []string{"one"},
			wrong: "one of queue line fits and waits, small of queue effort fits and waits",
		},
		{
			name: "what is set aside is of another pool", jobs: []jobPlan{big, job("runs", "effort", "a", 1, 1, 1), job("small", "effort", "", 1, 1, 1)},
			tells: []string{"create runs", "bind runs a-0", "create big", "create small"}, aside: []string{"big"},
			wrong: "small of queue effort fits and waits",
		},
		{
			name: "set aside for one of a lower priority in its queue", jobs: []jobPlan{
				{name: "small", queue: "line", pool: "a", members: 1, asks: demand{cpus: 1, memory: 1}, priority: 1},
				big, job("runs", "effort", "a", 1, 1, 1),
			},
			tells: []string{"create runs", "bind runs a-0", "create small", "wait 1s", "create big"}, aside: []string{"big"},
			wrong: "small of queue line fits and waits",
		},
		{
			name: "set aside for two of a pool", jobs: []jobPlan{big, job("wide", "line", "", 4, 4, 1), job("runs", "effort", "a", 1, 1, 1)},
			tells: []string{"create runs", "bind runs a-0", "create big", "wait 1s", "create wide"}, aside: []string{"big", "wide"},
			wrong: "capacity is set aside for big and for wide",
		},
		{
			name: "set aside for one that runs", jobs: []jobPlan{job("ran", "line", "a", 1, 4, 1), job("small", "effort", "a", 1, 1, 1)},
			tells: []string{"create ran", "bind ran a-0", "create small"}, aside: []string{"ran"}, wrong: "small of queue effort fits and waits",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := newStory(t, tc.jobs...).tells(tc.tells...)
			aside := map[string]bool{}
			for _, name := range tc.aside {
				aside[name] = true
			}
			wrong, beside := st.cluster().idleBeside(st.end(), aside)
			if wrong != tc.wrong || beside != tc.beside {
				t.Errorf("wrong is %q, %d beside, want %q, %d", wrong, beside, tc.wrong, tc.beside)
			}
		})
	}
}

// TestTheFewestSlots: others may have their slots wherever that takes the most.
func TestTheFewestSlots(t *testing.T) {
	ask, slot := demand{cpus: 2, memory: 1}, demand{cpus: 3, memory: 1}
	for slots, want := range map[int]int{0: 8, 1: 6, 2: 4, 3: 3, 4: 2, 5: 1, 6: 0} {
		if got := fewest([]demand{{8, 16}, {8, 16}}, slot, slots, ask); got != want {
			t.Errorf("beside %d slots there is room for %d, want %d", slots, got, want)
		}
	}
}
