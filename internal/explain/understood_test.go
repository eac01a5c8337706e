package explain

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// saying makes pods say more, in annotations of kubenexus.io.
func saying(annotations map[string]string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		for key, value := range annotations {
			p.Annotations["kubenexus.io/"+key] = value
		}
	}
}

func TestWhatTheAnnotationsSay(t *testing.T) {
	no := false
	for _, test := range []struct {
		name string
		says map[string]string
		want Understood
		text []string
	}{
		{"nothing", nil, Understood{}, nil},
		{
			"where all members have to be",
			map[string]string{"topology-required": "zone", "topology-preferred": "host, rack", "topology-spread": "row"},
			Understood{Topology: &TopologyAsked{Required: "zone", Preferred: []string{"host", "rack"}, Spread: "row"}},
			[]string{"Topology:   all in one zone; better in one host, or else in one rack; spread evenly over row"},
		},
		{
			"slices of a role",
			map[string]string{"role": "w", "roles": `[{"name":"w","min":2,"topologySliceRequired":"rack","topologySliceSize":2}]`},
			Understood{Roles: []RoleAsked{{Name: "w", Topology: TopologyAsked{SliceRequired: "rack", SliceSize: 2}}}},
			[]string{"  w:        each 2 in one rack"},
		},
		{
			"what its roles say of the whole gang",
			map[string]string{"role": "w", "roles": `[{"name":"w","min":2,"preemptible":false,"expectedRuntime":"90m","queue":"research"}]`},
			Understood{Preemptible: &no, ExpectedRuntime: "1h30m"},
			[]string{"Queue:        research", "Preemptible:  no: it starts only within the guarantee of its queue", "Runtime:      1h30m"},
		},
		{
			"how it starts and ends",
			map[string]string{
				"placement": "spread", "restart-policy": "whole-gang", "on-partial": "evict", "schedule-timeout": "10m",
				"expected-runtime": "2h", "reservation-timeout": "45s",
			},
			Understood{
				ExpectedRuntime: "2h", Placement: gang.Spread, RestartPolicy: gang.WholeGang, OnPartial: gang.EvictOnPartial,
				ScheduleTimeout: "10m", ReservationTimeout: "45s",
			},
			[]string{
				"Runtime:      2h", "Placement:    spread", "Restarts:     whole-gang", "If partial:   evict", "Warns after:  10m", "Slots held:   45s",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			story := storyOf(t, clusterOf(nil, members(2, 2, "cpu=1", saying(test.says))))
			if diff := cmp.Diff(&test.want, story.Understood); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			written := text(t, story)
			for _, line := range test.text {
				if !strings.Contains(written, "\n"+line+"\n") {
					t.Errorf("there is no line %q in\n%s", line, written)
				}
			}
		})
	}
}

// What a pod of another gang says does not matter, and what members contradict each other about is not understood.
func TestWhatMembersDisagreeOnIsLeftOut(t *testing.T) {
	pods := members(2, 2, "cpu=1")
	saying(map[string]string{"preemptible": "false", "expected-runtime": "1h", "schedule-timeout": "1m"})(pods[0])
	saying(map[string]string{"expected-runtime": "2h", "schedule-timeout": "2m"})(pods[1])
	other := pod("other", "cpu=1", "", of("other", 1), saying(map[string]string{"placement": "spread"}))
	got := storyOf(t, clusterOf(nil, append(pods, other))).Understood
	no := false
	if diff := cmp.Diff(&Understood{Preemptible: &no, ScheduleTimeout: "2m"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
