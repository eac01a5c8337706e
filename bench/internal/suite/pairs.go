package suite

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
)

// alternating returns both, in the other order in every second run, so that what changes during the benchmark favors neither.
func alternating[T any](run int, without, with T) []T {
	pair := []T{without, with}
	if run%2 == 0 {
		slices.Reverse(pair)
	}
	return pair
}

// bothSteps returns a run of a contender and one of the same contender with something more.
func bothSteps(scenario string, nodes, run int, without, with contender.Contender,
	measure func(context.Context, *contender.Contender) (string, error),
) []step {
	steps := make([]step, 0, 2)
	for _, c := range alternating(run, without, with) {
		steps = append(steps, step{
			name: fmt.Sprintf("%s, %d nodes, run %d, %s", scenario, nodes, run, c.Name),
			run:  func(ctx context.Context) (string, error) { return measure(ctx, &c) },
		})
	}
	return steps
}

// summary adds to what was found in a run whether it is incomplete.
func summary(found string, run *report.Run) string {
	if run.Incomplete == "" {
		return found
	}
	return fmt.Sprintf("%s; %d of %d pods: %s", found, run.Bound, run.Pods, run.Incomplete)
}
