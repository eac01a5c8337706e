package cycle

import (
	"fmt"
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

// TestPreemptedInVain: two pods were preempted on the nodes a and b for a gang that does not fit now.
func TestPreemptedInVain(t *testing.T) {
	tests := []struct {
		name  string
		sees  cluster
		lent  []string
		hangs bool
		count int
	}{
		{name: "nothing is in their place", sees: cluster{"a": {"other"}, "b": {}}, count: 2},
		{name: "a victim hangs", sees: cluster{"a": {}, "b": {}}, hangs: true},
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
				lent:    map[gang.Key]struct{}{},
				broken:  test.hangs,
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

// TestFreedAndNotUsed: two pods were preempted for a gang that did not start although they are gone.
func TestFreedAndNotUsed(t *testing.T) {
	victims := []dispatch.Victim{{Ref: gang.Ref{UID: "victim-0"}}, {Ref: gang.Ref{UID: "victim-1"}}}
	tests := []struct {
		name  string
		hold  hold
		count int
	}{
		{name: "it was not tried in time", hold: hold{victims: victims}, count: 2},
		{name: "one that goes before it could use their place", hold: hold{victims: victims, lent: map[gang.Key]struct{}{{Name: "dear"}: {}}}},
		{name: "it did not wait for a victim that hangs", hold: hold{victims: victims, broken: true}},
		{name: "it only waited for pods that were terminating"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.hold.unused(); got != test.count {
				t.Errorf("%d pods were preempted in vain, want %d", got, test.count)
			}
		})
	}
}
