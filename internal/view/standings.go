package view

import (
	"cmp"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// standings are what runs on each node. They are kept until the node changes, because reading all pods takes longer than all else.
type standings struct {
	named map[string]*standing
	// at has the same by the index of the node in the snapshot, as far as that did not change since: looking up names takes time, too.
	at []*standing
}

// standing is what runs on one node, without placeholders: the lowest priorities first, and of these what started last.
type standing struct {
	generation int64 // of the node; no two nodes have the same
	pods       []stander
}

type stander struct {
	fwk.PodInfo
	pod       *corev1.Pod
	priority  int32
	protected bool  // it says that it is never preempted
	started   int64 // in nanoseconds
	deleted   *metav1.Time
	takes     requests.Request
	scheduler string
}

// stand prepares the standings for these nodes, and forgets what is known of nodes that no longer exist.
func (p *Planner) stand(nodes []fwk.NodeInfo) {
	s := &p.standings
	if s.named == nil {
		s.named = map[string]*standing{}
	}
	if len(s.at) != len(nodes) {
		s.at = make([]*standing, len(nodes))
	}
	s.forget(nodes)
}

// on returns what runs on the node with this index.
func (s *standings) on(i int, node fwk.NodeInfo) []stander {
	known, generation := s.at[i], node.GetGeneration()
	if known != nil && known.generation == generation {
		return known.pods
	}
	name := node.Node().Name
	known = s.named[name]
	if known == nil || known.generation != generation {
		known = &standing{generation: generation, pods: standersOn(node)}
		s.named[name] = known
	}
	s.at[i] = known
	return known.pods
}

func standersOn(node fwk.NodeInfo) []stander {
	pods := make([]stander, 0, len(node.GetPods()))
	for _, info := range node.GetPods() {
		if pod := info.GetPod(); !slots.IsPlaceholder(pod) {
			pods = append(pods, stander{
				PodInfo: info, pod: pod, takes: requests.Of(info), deleted: pod.DeletionTimestamp,
				priority: corev1helpers.PodPriority(pod), started: ledger.StartedAt(pod).UnixNano(), scheduler: pod.Spec.SchedulerName,
				protected: pod.Annotations[conventions.PreemptibleAnnotation] == string(gang.NeverPreempted),
			})
		}
	}
	slices.SortStableFunc(pods, func(a, b stander) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(b.started, a.started))
	})
	return pods
}

// forget drops what is known of nodes that no longer exist.
func (s *standings) forget(nodes []fwk.NodeInfo) {
	if len(s.named) <= len(nodes) {
		return
	}
	exist := sets.New[string]()
	for _, node := range nodes {
		exist.Insert(node.Node().Name)
	}
	for name := range s.named {
		if !exist.Has(name) {
			delete(s.named, name)
		}
	}
}

// eligible decides which pods may go for a taker while only priorities decide. It admits a few that may not, such as members of gangs that
// cannot go as a whole.
type eligible struct {
	r      *RoomRequest
	ledger *ledger.Ledger
	// serves has what is known of schedulers.
	serves map[string]bool
	// lowest is the lowest priority of what may go for anybody.
	lowest int32
}

func newEligible(r *RoomRequest, l *ledger.Ledger) eligible {
	return eligible{r: r, ledger: l, serves: map[string]bool{}, lowest: math.MaxInt32}
}

// leaves reports whether a pod is going anyway. chosen are those on its node that go for others.
func (r *RoomRequest) leaves(p *stander, chosen map[types.UID]int) bool {
	if p.deleted != nil {
		return r.Now.Sub(p.deleted.Time) <= hangs
	}
	return len(chosen) > 0 && chosen[p.pod.UID] > 0
}

// mayGo reports whether a pod that is not leaving may go for the taker.
func (e *eligible) mayGo(p *stander) bool {
	if p.deleted != nil || p.priority >= max(e.lowest, e.r.Taker.Priority) {
		return false
	}
	ours, known := e.serves[p.scheduler]
	if !known {
		ours = e.ledger.Serves(p.scheduler)
		e.serves[p.scheduler] = ours
	}
	if !ours || p.protected && e.ledger.Protects(p.pod.UID) {
		return false
	}
	e.lowest = min(e.lowest, p.priority)
	return p.priority < e.r.Taker.Priority
}

// note has the ledger know the lowest priority, once all pods were examined.
func (e *eligible) note() { e.ledger.LowestIs(e.lowest) }
