// Package report turns measurements into tables, a plot and a file of raw figures.
package report

import (
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

// Modes of a throughput run.
const (
	First = "first" // all pods exist when the scheduler starts
	While = "while" // pods are created while the scheduler runs
)

// Result has all measurements of a benchmark. Durations are in seconds and sizes in bytes, unless the name says otherwise.
type Result struct {
	Machine  Machine  `json:"machine"`
	Settings Settings `json:"settings"`
	// Ended is why the benchmark ended early, or "".
	Ended      string      `json:"ended,omitempty"`
	Throughput []Run       `json:"throughput"`
	Freed      []Freed     `json:"freed"`
	Waiting    []Waiting   `json:"waiting"`
	Footprint  []Footprint `json:"footprint"`
	Preempt    []Preempt   `json:"preempt"`
	// PreemptWaiting is the scenario in which gangs wait that could preempt nothing.
	PreemptWaiting []Waiting `json:"preemptWaiting,omitempty"`
	// Topology is the scenario in which gangs each ask for one rack.
	Topology []Topology `json:"topology,omitempty"`
	// Questions is the scenario in which questions are asked while pods are scheduled.
	Questions []Questions `json:"questions,omitempty"`
	// Submissions is the scenario in which Jobs are submitted.
	Submissions []Submissions `json:"submissions,omitempty"`
}

// Empty reports whether nothing was measured.
func (r *Result) Empty() bool {
	return len(r.Throughput)+len(r.Freed)+len(r.Waiting)+len(r.Footprint)+len(r.Preempt)+len(r.PreemptWaiting)+len(r.Topology)+
		len(r.Questions)+len(r.Submissions) == 0
}

// Settings are the options of the benchmark.
type Settings struct {
	Nodes      []int    `json:"nodes"`
	Pods       int      `json:"pods"`
	SlowPods   int      `json:"stockGangPods"`
	Runs       int      `json:"runs"`
	Modes      []string `json:"modes"`
	Contenders []string `json:"contenders"`
	Scenarios  []string `json:"scenarios"`
	Waiting    int      `json:"waitingPods"`
	Stream     int      `json:"streamPods"`
	Preemptors int      `json:"preemptPods"`
	// WaitingGangs is the number of gangs that could preempt nothing.
	WaitingGangs int     `json:"waitingGangs"`
	Submissions  int     `json:"submissions,omitempty"`
	Timeout      float64 `json:"timeout"`
}

// Run is one throughput run. Its clock starts when the scheduler's process starts, or at the first creation of a pod.
type Run struct {
	Contender string `json:"contender"`
	Mode      string `json:"mode"`
	Nodes     int    `json:"nodes"`
	Run       int    `json:"run"`
	Pods      int    `json:"pods"`
	Bound     int    `json:"bound"`
	// Incomplete is why not all pods were bound, or "".
	Incomplete string `json:"incomplete,omitempty"`

	Created     float64 `json:"created,omitempty"` // until all pods were created, in mode while
	ToFirst     float64 `json:"toFirstBind"`
	ToLast      float64 `json:"toLastBind"`
	PerSecond   float64 `json:"podsPerSecond"`
	Events      int     `json:"scheduledEvents"`
	ToLastEvent float64 `json:"toLastEvent"`

	CPU      float64 `json:"cpu"`
	CPUPer   float64 `json:"cpuPer1000Pods"`
	PlaneCPU float64 `json:"planeCPU"` // of etcd and kube-apiserver during the same time
	PeakRSS  uint64  `json:"peakRSS"`
	PeakAnon uint64  `json:"peakAnon"`
	EndAnon  uint64  `json:"endAnon"`

	// From the first to the last bind of each gang.
	GangP50 float64 `json:"gangP50,omitempty"`
	GangP99 float64 `json:"gangP99,omitempty"`
}

// Freed is one run of the scenario in which pending gangs use the capacity of a deleted gang.
type Freed struct {
	Contender string `json:"contender"`
	Nodes     int    `json:"nodes"`
	Run       int    `json:"run"`
	Size      int    `json:"size"`
	// Took is, for each repetition, the time from the deletion until the capacity is used.
	Took       []float64 `json:"took"`
	Incomplete string    `json:"incomplete,omitempty"`
}

// Waiting is one run of a scenario in which a stream of pods passes pending ones, or gangs that could preempt nothing.
type Waiting struct {
	Contender  string  `json:"contender"`
	Nodes      int     `json:"nodes"`
	Run        int     `json:"run"`
	Waiting    int     `json:"waiting"` // pods, or gangs that could preempt nothing
	Settle     float64 `json:"settle"`  // until the scheduler was idle with the pending pods
	Pods       int     `json:"pods"`
	Bound      int     `json:"bound"`
	PerSecond  float64 `json:"podsPerSecond"`
	CPUPer     float64 `json:"cpuPer1000Pods"` // during the stream
	PeakRSS    uint64  `json:"peakRSS"`
	Incomplete string  `json:"incomplete,omitempty"`

	// Decisions are decisions during the stream that nothing is to be preempted, and Deciding the time that they took.
	Decisions int     `json:"decisions,omitempty"`
	Deciding  float64 `json:"deciding,omitempty"`
	// Victims is how many pods were preempted, which must be 0.
	Victims int `json:"victims,omitempty"`
}

// Footprint is one run of the scenario that measures memory.
type Footprint struct {
	Contender string `json:"contender"`
	Nodes     int    `json:"nodes"`
	Run       int    `json:"run"`
	Pods      int    `json:"pods"` // bound before the scheduler started
	// When the scheduler has been idle for a while: Anon is memory that no file backs, File the program's own pages.
	IdleRSS  uint64 `json:"idleRSS"`
	IdleAnon uint64 `json:"idleAnon"`
	IdleFile uint64 `json:"idleFile"`
	// From the start until then, and while Loaded more pods are created.
	StartPeakRSS uint64 `json:"startPeakRSS"`
	Loaded       int    `json:"loaded"`
	LoadPeakRSS  uint64 `json:"loadPeakRSS"`
	LoadPeakAnon uint64 `json:"loadPeakAnon"`
	Incomplete   string `json:"incomplete,omitempty"`
}

// group has all runs of one contender under the same conditions.
type group[R any] struct {
	contender string
	runs      []R
}

// spread returns the median and the range of a figure over all runs.
func (g *group[R]) spread(figure func(*R) float64) stats.Spread {
	figures := make([]float64, 0, len(g.runs))
	for i := range g.runs {
		figures = append(figures, figure(&g.runs[i]))
	}
	return stats.Of(figures)
}

// paired returns the ratios of a figure to that of the other in the same run. Runs without that figure do not count.
func paired[R any](g, other *group[R], number func(*R) int, figure func(*R) float64) stats.Spread {
	var ratios []float64
	for i := range g.runs {
		for k := range other.runs {
			if number(&g.runs[i]) == number(&other.runs[k]) && figure(&other.runs[k]) > 0 {
				ratios = append(ratios, figure(&g.runs[i])/figure(&other.runs[k]))
			}
		}
	}
	return stats.Of(ratios)
}

// groups returns the runs that meet the condition, grouped by contender, in their original order.
func groups[R any](runs []R, contender func(*R) string, condition func(*R) bool) []group[R] {
	var found []group[R]
	for i := range runs {
		run := &runs[i]
		if !condition(run) {
			continue
		}
		at := slices.IndexFunc(found, func(g group[R]) bool { return g.contender == contender(run) })
		if at < 0 {
			at = len(found)
			found = append(found, group[R]{contender: contender(run)})
		}
		found[at].runs = append(found[at].runs, *run)
	}
	return found
}

// throughput returns the runs in that mode on that many nodes, grouped by contender.
func (r *Result) throughput(mode string, nodes int) []group[Run] {
	return groups(r.Throughput, func(r *Run) string { return r.Contender },
		func(r *Run) bool { return r.Mode == mode && r.Nodes == nodes })
}
