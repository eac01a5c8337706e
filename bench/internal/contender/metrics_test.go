package contender

import (
	"strings"
	"testing"
)

func TestDecisions(t *testing.T) {
	const postFilter = `# HELP scheduler_framework_extension_point_duration_seconds Latency
scheduler_framework_extension_point_duration_seconds_bucket{extension_point="PostFilter",profile="a",status="Success",le="+Inf"} 3
scheduler_framework_extension_point_duration_seconds_sum{extension_point="PostFilter",profile="a",status="Success"} 0.5
scheduler_framework_extension_point_duration_seconds_count{extension_point="PostFilter",profile="a",status="Success"} 3
scheduler_framework_extension_point_duration_seconds_sum{extension_point="PostFilter",profile="b",status="Success"} 1.5
scheduler_framework_extension_point_duration_seconds_count{extension_point="PostFilter",profile="b",status="Success"} 1
scheduler_framework_extension_point_duration_seconds_sum{extension_point="PostFilter",profile="a",status="Unschedulable"} 0.25
scheduler_framework_extension_point_duration_seconds_count{extension_point="PostFilter",profile="a",status="Unschedulable"} 5
scheduler_framework_extension_point_duration_seconds_sum{extension_point="Filter",profile="a",status="Success"} 100
scheduler_framework_extension_point_duration_seconds_count{extension_point="Filter",profile="a",status="Success"} 100
scheduler_preemption_attempts_total 3
`
	const podGroups = `scheduler_podgroup_scheduling_attempt_duration_seconds_sum{profile="a",result="waiting_on_preemption"} 8
scheduler_podgroup_scheduling_attempt_duration_seconds_count{profile="a",result="waiting_on_preemption"} 2
scheduler_podgroup_scheduling_attempt_duration_seconds_sum{profile="a",result="scheduled"} 100
scheduler_podgroup_scheduling_attempt_duration_seconds_count{profile="a",result="scheduled"} 100
`
	const plans = `kubenexus_preemption_plan_duration_seconds_sum{result="fits"} 0.125
kubenexus_preemption_plan_duration_seconds_count{result="fits"} 1
kubenexus_preemption_plan_duration_seconds_sum{result="unfit"} 2
kubenexus_preemption_plan_duration_seconds_count{result="unfit"} 4
`
	for name, test := range map[string]struct {
		text string
		want Decisions
	}{
		"none": {"scheduler_preemption_attempts_total 0\n", Decisions{}},
		"pods of kube-scheduler": {
			postFilter, Decisions{Preempted: Tally{Count: 4, Seconds: 2}, Nothing: Tally{Count: 5, Seconds: 0.25}},
		},
		"pod groups of kube-scheduler": {postFilter + podGroups, Decisions{Preempted: Tally{Count: 2, Seconds: 8}}},
		"this scheduler": {
			postFilter + plans, Decisions{Preempted: Tally{Count: 1, Seconds: 0.125}, Nothing: Tally{Count: 4, Seconds: 2}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decisions(strings.NewReader(test.text))
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
	if _, err := decisions(strings.NewReader(`kubenexus_preemption_plan_duration_seconds_sum{result="fits"} many`)); err == nil {
		t.Error("no error for what is no number")
	}
}

func TestMean(t *testing.T) {
	if got := (Tally{}).Mean(); got != 0 {
		t.Errorf("the mean of none is %v, want 0", got)
	}
	if got := (Tally{Count: 4, Seconds: 1}).Mean(); got != 0.25 {
		t.Errorf("the mean is %v, want 0.25", got)
	}
}
