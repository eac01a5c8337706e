package cycle

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// cluster is what a cycle sees: the names of the pods on each node.
type cluster map[string][]string

func (c cluster) Get(name string) (fwk.NodeInfo, error) {
	pods, exists := c[name]
	if !exists {
		return nil, fmt.Errorf("there is no node %s", name)
	}
	node := framework.NewNodeInfo()
	for _, pod := range pods {
		node.AddPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: pod, UID: types.UID(pod)}})
	}
	return node, nil
}

// The other questions of a lister are not asked.
func (cluster) List() ([]fwk.NodeInfo, error)                                 { return nil, nil }
func (cluster) HavePodsWithAffinityList() ([]fwk.NodeInfo, error)             { return nil, nil }
func (cluster) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) { return nil, nil }

// TestSeenOfTheVictims: a victim is left as long as the cycle sees it on a node that is held.
func TestSeenOfTheVictims(t *testing.T) {
	h := &hold{
		pins:    []gang.Pin{{Node: "b"}, {Node: "a"}, {Node: "b"}, {Node: "gone"}},
		victims: []dispatch.Victim{{Ref: gang.Ref{UID: "on-a"}}, {Ref: gang.Ref{UID: "on-c"}}, {Ref: gang.Ref{UID: "nowhere"}}},
		leaving: []gang.Ref{{UID: "on-b"}},
	}
	left := h.left(cluster{"a": {"on-a", "other"}, "b": {"on-b"}, "c": {"on-c"}})
	if got := slices.Sorted(maps.Keys(left)); !slices.Equal(got, []string{"on-a", "on-b"}) {
		t.Errorf("%q are left, want on-a and on-b", got)
	}
}

// TestPreemptedInVain: two pods were preempted on the nodes a and b for a gang that does not fit now.
func TestPreemptedInVain(t *testing.T) {
	tests := []struct {
		name  string
		sees  cluster
		lent  []string
		count int
	}{
		{name: "nothing is in their place", sees: cluster{"a": {"other"}, "b": {}}, count: 2},
		{name: "a victim hangs, or is not seen to be gone yet", sees: cluster{"a": {"victim-0"}, "b": {}}},
		{name: "a pod that was being deleted before hangs", sees: cluster{"a": {}, "b": {"leaving"}}},
		{name: "a victim is left on a node that is not needed", sees: cluster{"a": {}, "b": {}, "c": {"victim-1"}}, count: 2},
		{name: "one that goes before the gang took the place", sees: cluster{"a": {}, "b": {"dear"}}, lent: []string{"dear"}},
		{name: "its gang did", sees: cluster{"a": {}, "b": {"member-of-dear"}}, lent: []string{"dear"}},
		{name: "one that goes before the gang started elsewhere", sees: cluster{"a": {}, "b": {}, "c": {"dear"}}, lent: []string{"dear"}, count: 2},
		{name: "one that does not go before it took the place", sees: cluster{"a": {}, "b": {"cheap"}}, lent: []string{"dear"}, count: 2},
		{name: "the node is gone", sees: cluster{"a": {}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := &hold{
				pins:    []gang.Pin{{Node: "a"}, {Node: "b"}, {Node: "b"}},
				victims: []dispatch.Victim{{Ref: gang.Ref{UID: "victim-0"}}, {Ref: gang.Ref{UID: "victim-1"}}},
				leaving: []gang.Ref{{UID: "leaving"}},
				lent:    map[gang.Key]struct{}{},
			}
			for _, key := range test.lent {
				h.lent[gang.Key{Name: key}] = struct{}{}
			}
			keysOf := func(pod *corev1.Pod) [2]gang.Key {
				if pod.Name == "member-of-dear" {
					return [2]gang.Key{{Name: "dear"}, {Name: pod.Name}}
				}
				return [2]gang.Key{{Name: pod.Name}, {Name: pod.Name}}
			}
			if got := h.inVain(test.sees, keysOf); got != test.count {
				t.Errorf("%d pods were preempted in vain, want %d", got, test.count)
			}
		})
	}
}
