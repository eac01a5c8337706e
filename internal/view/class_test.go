package view

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
)

func index(value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"index": value}}
}

func TestClasses(t *testing.T) {
	h := newHarness(t)
	volume := func(v corev1.VolumeSource) corev1.Volume { return corev1.Volume{Name: "v", VolumeSource: v} }
	ephemeral := volume(corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}})
	token := func(name string) corev1.Volume {
		return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}}
	}
	repelling := func() *st.PodWrapper {
		return testPod("r").PodAntiAffinity(hostKey, index("0"), st.PodAntiAffinityWithRequiredReq)
	}
	template := "template"
	for _, tc := range []struct {
		name string
		// change modifies the two members so that they may differ; i is 0 or 1.
		change func(p *st.PodWrapper, i int)
		// runs is a running pod, nominated a nominated one.
		runs, nominated *st.PodWrapper
		want            int
	}{
		{name: "only an index", change: func(*st.PodWrapper, int) {}, want: 1},
		{name: "an index that a running pod repels", runs: repelling(), want: 2},
		{name: "an index that a nominated pod repels", nominated: repelling(), want: 2},
		{name: "an index that the members repel", want: 2, change: func(p *st.PodWrapper, _ int) {
			p.PodAntiAffinity(hostKey, index("0"), st.PodAntiAffinityWithRequiredReq)
		}},
		{name: "an index that the members need", want: 2, change: func(p *st.PodWrapper, _ int) {
			p.PodAffinity(hostKey, index("0"), st.PodAffinityWithRequiredReq)
		}},
		{name: "an index that the members prefer", want: 1, change: func(p *st.PodWrapper, _ int) {
			p.PodAffinity(hostKey, index("0"), st.PodAffinityWithPreferredReq)
		}},
		{name: "an index that topology spread counts", want: 2, change: func(p *st.PodWrapper, _ int) {
			p.SpreadConstraint(1, hostKey, corev1.DoNotSchedule, index("0"), nil, nil, nil, nil)
		}},
		{name: "an index that topology spread matches", want: 2, change: func(p *st.PodWrapper, _ int) {
			p.SpreadConstraint(1, hostKey, corev1.DoNotSchedule, apps("a"), nil, nil, nil, []string{"index"})
		}},
		{name: "names and images", want: 1, change: func(p *st.PodWrapper, i int) {
			p.Spec.Hostname = string(rune('a' + i))
			p.Spec.Containers[0].Name, p.Spec.Containers[0].Image = string(rune('a'+i)), string(rune('a'+i))
		}},
		{name: "environment", want: 1, change: func(p *st.PodWrapper, i int) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "RANK", Value: string(rune('0' + i))}}
		}},
		{name: "service account tokens", want: 1, change: func(p *st.PodWrapper, i int) {
			p.Volumes([]corev1.Volume{token("kube-api-access-" + string(rune('a'+i)))})
		}},
		{name: "the same volume claim", want: 1, change: func(p *st.PodWrapper, _ int) { p.PVC("shared") }},
		{name: "volume claims", want: 2, change: func(p *st.PodWrapper, i int) { p.PVC("data-" + string(rune('0'+i))) }},
		{name: "ephemeral volumes", want: 2, change: func(p *st.PodWrapper, _ int) { p.Volume(ephemeral) }},
		{name: "claims from a template", want: 2, change: func(p *st.PodWrapper, _ int) {
			p.PodResourceClaims(corev1.PodResourceClaim{Name: "gpu", ResourceClaimTemplateName: &template})
		}},
		{name: "requests", want: 2, change: func(p *st.PodWrapper, i int) {
			p.Req(map[corev1.ResourceName]string{corev1.ResourceCPU: string(rune('1' + i))})
		}},
		{name: "ports", want: 2, change: func(p *st.PodWrapper, i int) { p.HostPort(int32(80 + i)) }},
		{name: "priorities", want: 2, change: func(p *st.PodWrapper, i int) { p.Priority(int32(i)) }},
		{name: "tolerations", want: 2, change: func(p *st.PodWrapper, i int) { p.Toleration(string(rune('a' + i))) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := benchWorld(1, false)
			if tc.runs != nil {
				w.running = append(w.running, tc.runs.Node("n0").Obj())
			}
			if tc.nominated != nil {
				w.nominations = append(w.nominations, nomination{tc.nominated.Obj(), "n0"})
			}
			i := 0
			w.join("a", 2, "1", func(p *st.PodWrapper) {
				if tc.change != nil {
					tc.change(p, i)
				}
				i++
			})
			if got := classes(t, h, w); got != tc.want {
				t.Errorf("%d classes, want %d", got, tc.want)
			}
		})
	}
}

// TestLevels: levelsOf reads upstream's state by reflection, so this test must fail if a new version changes it. It also checks that settle
// finds the two lowest domains again, whichever pods are added.
func TestLevels(t *testing.T) {
	h := newHarness(t)
	w := benchWorld(5, false)
	w.join("a", 5, "1", func(p *st.PodWrapper) {
		p.SpreadConstraint(1, hostKey, corev1.DoNotSchedule, apps("a"), nil, nil, nil, nil)
		p.SpreadConstraint(2, zoneKey, corev1.DoNotSchedule, apps("a"), nil, nil, nil, nil)
	})
	h.set(t, w)
	state := framework.NewCycleState()
	state.Write(planningKey, planning{})
	if _, status, _ := h.framework.RunPreFilterPlugins(h.ctx, state, w.members[0]); !status.IsSuccess() {
		t.Fatal(status)
	}
	found := levelsOf(state)
	if len(found) != 2 {
		t.Fatalf("found the levels of %d constraints, want 2", len(found))
	}
	info, err := framework.NewPodInfo(w.members[0])
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := h.snapshot.List()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		for _, node := range nodes {
			floors := [][2]int{found[0].floor(), found[1].floor()}
			if s := h.framework.RunPreFilterExtensionAddPod(h.ctx, state, w.members[0], info, node); !s.IsSuccess() {
				t.Fatal(s)
			}
			for i := range found {
				found[i].settle(floors[i])
				if want := twoLowest(found[i].counts); found[i].floor() != want {
					t.Fatalf("round %d: the floor is %v, want %v: %v", round, found[i].floor(), want, found[i].counts)
				}
			}
		}
	}
	if levelsOf(framework.NewCycleState()) != nil {
		t.Error("found levels in an empty state")
	}
	other := framework.NewCycleState()
	other.Write(fwk.StateKey("PreFilterPodTopologySpread"), planning{})
	if levelsOf(other) != nil {
		t.Error("found levels in a state of another type")
	}
}

func twoLowest(counts map[string]int) [2]int {
	var all []int
	for _, n := range counts {
		all = append(all, n)
	}
	slices.Sort(all)
	return [2]int{all[0], all[1]}
}
