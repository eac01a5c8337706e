package contender

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
)

// Decisions returns the mean time, in seconds, in which the scheduler decided whom to preempt, by its own metrics, and how many times it
// did: kube-scheduler in PostFilter for each pod, this scheduler once for each pod or gang.
func (p *Process) Decisions(ctx context.Context, admin *rest.Config) (mean float64, count int, err error) {
	client, err := insecure(admin)
	if err != nil {
		return 0, 0, err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/metrics", p.port), http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, 0, fmt.Errorf("fetching metrics: %w", err)
	}
	defer response.Body.Close()
	var sum, times, roomSum, roomTimes float64
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		for begin, to := range map[string]*float64{
			`scheduler_framework_extension_point_duration_seconds_sum{extension_point="PostFilter"`:   &sum,
			`scheduler_framework_extension_point_duration_seconds_count{extension_point="PostFilter"`: &times,
			`kubenexus_preemption_plan_duration_seconds_sum{result="fits"`:                            &roomSum,
			`kubenexus_preemption_plan_duration_seconds_count{result="fits"`:                          &roomTimes,
		} {
			if strings.HasPrefix(lines.Text(), begin) && !strings.Contains(lines.Text(), `status="Unschedulable"`) {
				_, text, _ := strings.Cut(lines.Text(), "} ")
				value, err := strconv.ParseFloat(text, 64)
				if err != nil {
					return 0, 0, fmt.Errorf("reading metrics: %w", err)
				}
				*to += value
			}
		}
	}
	if err := lines.Err(); err != nil {
		return 0, 0, fmt.Errorf("reading metrics: %w", err)
	}
	if roomTimes > 0 {
		sum, times = roomSum, roomTimes
	}
	return sum / max(times, 1), int(times), nil
}
