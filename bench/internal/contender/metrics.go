package contender

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
)

// Decisions are a scheduler's decisions whom to preempt, by its own metrics.
type Decisions struct {
	// Preempted are those that chose victims, Nothing those that found none, or no use in any.
	Preempted, Nothing Tally
}

// Tally counts decisions.
type Tally struct {
	Count   int
	Seconds float64 // all of them together
}

// Mean returns the mean time of a decision, in seconds; 0 without decisions.
func (t Tally) Mean() float64 { return t.Seconds / max(float64(t.Count), 1) }

// add adds a sample of a histogram, which has the end of its name.
func (t *Tally) add(end string, value float64) {
	switch end {
	case "_sum":
		t.Seconds += value
	case "_count":
		t.Count += int(value)
	}
}

// histograms have the decisions, each for one kind of scheduler and pod. The first that has any counts: it includes the others.
//
//nolint:gochecknoglobals // a table that is never changed
var histograms = []struct {
	// name is the metric's name, only what its labels must have, and preempted and nothing what tells decisions apart.
	name, only, preempted, nothing string
}{
	// This scheduler plans once for each gang, and once for each pod without one.
	{"kubenexus_preemption_plan_duration_seconds", "", `result="fits"`, `result="unfit"`},
	// kube-scheduler's attempts on a PodGroup, of which preemption is a part.
	{
		"scheduler_podgroup_scheduling_attempt_duration_seconds", "",
		`result="waiting_on_preemption"`, `result="unschedulable"`,
	},
	// kube-scheduler preempts in PostFilter, once for each pod.
	{
		"scheduler_framework_extension_point_duration_seconds", `extension_point="PostFilter"`,
		`status="Success"`, `status="Unschedulable`, // also UnschedulableAndUnresolvable
	},
}

// Decisions fetches the decisions from the scheduler's start until now.
func (p *Process) Decisions(ctx context.Context, admin *rest.Config) (Decisions, error) {
	client, err := insecure(admin)
	if err != nil {
		return Decisions{}, err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/metrics", p.port), http.NoBody)
	if err != nil {
		return Decisions{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return Decisions{}, fmt.Errorf("fetching metrics: %w", err)
	}
	defer response.Body.Close()
	return decisions(response.Body)
}

// decisions reads metrics in the Prometheus text format.
func decisions(text io.Reader) (Decisions, error) {
	found := make([]Decisions, len(histograms))
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		series, number, _ := strings.Cut(lines.Text(), "} ")
		for i, h := range histograms {
			rest, ok := strings.CutPrefix(series, h.name)
			end, labels, labeled := strings.Cut(rest, "{")
			if !ok || !labeled || !strings.Contains(labels, h.only) {
				continue
			}
			value, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return Decisions{}, fmt.Errorf("reading metrics: %w", err)
			}
			if strings.Contains(labels, h.preempted) {
				found[i].Preempted.add(end, value)
			} else if strings.Contains(labels, h.nothing) {
				found[i].Nothing.add(end, value)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Decisions{}, fmt.Errorf("reading metrics: %w", err)
	}
	for _, d := range found {
		if d.Preempted.Count+d.Nothing.Count > 0 {
			return d, nil
		}
	}
	return Decisions{}, nil
}
