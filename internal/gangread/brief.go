package gangread

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Brief is a gang in short: what a list of many shows of each.
type Brief struct {
	Key       gang.Key   `json:"key"`
	Phase     gang.Phase `json:"phase"`
	Partial   bool       `json:"partial,omitempty"`
	Scheduler string     `json:"scheduler"`
	Created   time.Time  `json:"created"`
	Reason    string     `json:"reason,omitempty"`
	// Needs has no roles.
	Needs gang.Needs `json:"needs"`
	// Queue is what its pods say; empty if they say nothing.
	Queue string `json:"queue,omitempty"`
	// Priority is the highest priority of its members.
	Priority int32 `json:"priority"`
	// Pods is the number of members that have not ended, Nodes that of nodes on which members use capacity.
	Pods  int `json:"pods"`
	Nodes int `json:"nodes"`
	// Requests is what the members that have not ended request together, as quantities by resource.
	Requests map[string]string `json:"requests"`
	Since    time.Time         `json:"since,omitzero"`
	Started  time.Time         `json:"started,omitzero"`
}

// Brief returns the gang in short.
func (f *Found) Brief() Brief {
	g := &f.Gang
	b := Brief{
		Key: g.Key, Phase: g.Phase, Partial: g.Partial, Scheduler: g.Scheduler, Created: g.Created, Reason: g.Reason, Needs: g.Needs,
		Queue: g.Queue, Requests: map[string]string{}, Since: g.Since, Started: g.Started,
	}
	b.Needs.Roles = nil
	total := corev1.ResourceList{}
	for i := range g.Members {
		m := &g.Members[i]
		pod := f.pods[m.UID]
		if pod == nil || m.State.Ended() {
			continue
		}
		if priority := corev1helpers.PodPriority(pod); b.Pods == 0 || priority > b.Priority {
			b.Priority = priority
		}
		b.Pods++
		for name, each := range requestsOf(pod) {
			sum := total[name]
			sum.Add(each)
			total[name] = sum
		}
	}
	for i := range g.Nodes {
		if g.Nodes[i].Members > 0 {
			b.Nodes++
		}
	}
	for name := range total {
		sum := total[name]
		b.Requests[string(name)] = sum.String()
	}
	return b
}
