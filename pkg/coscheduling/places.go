package coscheduling

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// assumingCache is what of the scheduler's cache holds slots: its assumed pods.
type assumingCache interface {
	AssumePod(logger klog.Logger, pod *corev1.Pod) error
	ForgetPod(logger klog.Logger, pod *corev1.Pod) error
}

// placeholders keeps others out of the places that are held for members that do not exist yet, by pods in the scheduler's cache
// that exist nowhere else: so every filter of every profile counts them.
type placeholders struct {
	ledger *ledger.Ledger

	mu    sync.Mutex
	cache assumingCache
	pods  map[gang.SlotID]*corev1.Pod
	// nodes are the same by the nodes that they are on.
	nodes map[string]map[gang.SlotID]*corev1.Pod
	// freed stood for room that is anybody's now, and of which the queue was not told yet.
	freed *corev1.Pod
	// shares are the largest shares of the cluster that a namespace may hold, by schedulerName.
	shares map[string]float64
}

func newPlaceholders(l *ledger.Ledger) *placeholders {
	return &placeholders{
		ledger: l, pods: map[gang.SlotID]*corev1.Pod{}, nodes: map[string]map[gang.SlotID]*corev1.Pod{}, shares: map[string]float64{},
	}
}

// popped gives the pod that is scheduled now the slot that is held for it. It is called before the snapshot of the cluster is taken.
func (p *Plugins) popped(logger klog.Logger, uid types.UID) {
	p.performer.perform(p.ledger.Take(uid))
	p.places.follow(logger)
}

// in makes the slots be held in the scheduler's cache.
func (h *placeholders) in(cache assumingCache) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cache = cache
}

// takeFreed returns a pod that stood for room which is anybody's now, once.
func (h *placeholders) takeFreed(logger klog.Logger) *corev1.Pod {
	h.follow(logger)
	h.mu.Lock()
	defer h.mu.Unlock()
	freed := h.freed
	h.freed = nil
	return freed
}

// follow brings the cache up to the ledger.
func (h *placeholders) follow(logger klog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, move := range h.ledger.Moves() {
		if h.cache == nil {
			continue
		}
		if pod := h.pods[move.ID]; pod != nil {
			h.release(logger, move.ID, pod)
			if move.Free {
				h.freed = pod
			}
		}
		if move.Held {
			h.hold(logger, move)
		}
	}
}

func (h *placeholders) hold(logger klog.Logger, move gang.Move) {
	pod := placeholder(move.ID.Gang.Namespace, move.Role)
	id := strconv.Itoa(move.ID.Number)
	pod.Name = fmt.Sprintf("%s.%s.%s", move.ID.Gang.Name, move.Role.Name, id)
	pod.UID = types.UID("kubenexus.io/place/" + move.ID.Gang.Convention + "/" + move.ID.Gang.String() + "/" +
		move.ID.Gang.Instance + "/" + id)
	pod.Spec.NodeName = move.Node
	if err := h.cache.AssumePod(logger, pod); err != nil {
		logger.Error(err, "Failed to reserve a slot", "gang", move.ID.Gang, "node", move.Node)
		return
	}
	h.pods[move.ID] = pod
	if h.nodes[move.Node] == nil {
		h.nodes[move.Node] = map[gang.SlotID]*corev1.Pod{}
	}
	h.nodes[move.Node][move.ID] = pod
}

func (h *placeholders) release(logger klog.Logger, id gang.SlotID, pod *corev1.Pod) {
	if err := h.cache.ForgetPod(logger, pod); err != nil {
		logger.Error(err, "Failed to release a slot", "gang", id.Gang, "node", pod.Spec.NodeName)
	}
	delete(h.pods, id)
	on := h.nodes[pod.Spec.NodeName]
	if delete(on, id); len(on) == 0 {
		delete(h.nodes, pod.Spec.NodeName)
	}
}

// placeholder stands for a member of the role that does not exist yet. No pod may preempt it.
func placeholder(namespace string, role gang.Role) *corev1.Pod {
	pod, _ := ledger.Declared(namespace, role) // the ledger accepted it, so there is no error
	highest := int32(math.MaxInt32)
	pod.Spec.Priority = &highest
	return pod
}

// none says whether nothing is held.
func (h *placeholders) none() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pods) == 0
}

// on returns the pods that hold places on the node, and the first of the gangs that they are for.
func (h *placeholders) on(node string) (pods []*corev1.Pod, example gang.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, pod := range h.nodes[node] {
		if len(pods) == 0 || id.Gang.Compare(example) < 0 {
			example = id.Gang
		}
		pods = append(pods, pod)
	}
	return pods, example
}

// heldBy adds up what the namespace holds.
func (h *placeholders) heldBy(namespace string) map[string]int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	held := map[string]int64{}
	for _, pod := range h.pods {
		if pod.Namespace == namespace {
			addRequests(held, pod, 1)
		}
	}
	return held
}

// addRequests adds what so many pods like this one ask for.
func addRequests(sum map[string]int64, pod *corev1.Pod, count int64) {
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		return // the ledger checked the terms of placeholders
	}
	takes := requestOf(info)
	for _, a := range takes.amounts() {
		sum[a.Resource] += a.Quantity * count
	}
	sum[string(corev1.ResourcePods)] += count
}

// beyondShare says what the namespace may not hold: with what is declared it would hold more than its share of the cluster. It
// is empty if all is well.
func (h *placeholders) beyondShare(schedulerName, namespace string, declared []gang.RoleTask, total func(resource string) int64) string {
	held := h.heldBy(namespace)
	with := maps.Clone(held)
	for _, r := range declared {
		if r.Declared > 0 {
			addRequests(with, placeholder(namespace, r.Role), int64(r.Declared))
		}
	}
	share := h.shares[schedulerName]
	for _, name := range slices.Sorted(maps.Keys(with)) {
		wanted := with[name]
		most := int64(share * float64(total(name)))
		if wanted <= held[name] || wanted <= most || total(name) == 0 {
			continue
		}
		return fmt.Sprintf("namespace %s may hold at most %.4g%% of the cluster's %s for pods that do not exist yet, which is %s; "+
			"it holds %s, and the gang declares %s more",
			namespace, 100*share, name, quantity(name, most), quantity(name, held[name]), quantity(name, wanted-held[name]))
	}
	return ""
}

// totalOf returns how much of a resource the nodes have.
func totalOf(nodes []fwk.NodeInfo) func(resource string) int64 {
	return func(resource string) int64 {
		total := int64(0)
		for _, node := range nodes {
			if resource == string(corev1.ResourcePods) {
				total += int64(node.GetAllocatable().GetAllowedPodNumber())
			} else {
				total += allocatable(node, resource)
			}
		}
		return total
	}
}

// mentionPlaces adds to what the nodes say how many of them have room that is held.
func (pl *Plugin) mentionPlaces(detail string, nodes []fwk.NodeInfo) string {
	if pl.places.none() {
		return detail
	}
	held := 0
	for _, node := range nodes {
		if pods, _ := pl.places.on(node.Node().Name); len(pods) > 0 {
			held++
		}
	}
	if detail != "" {
		detail += "; "
	}
	return detail + fmt.Sprintf("%d of %d nodes have capacity that is reserved for declared pods of gangs", held, len(nodes))
}

// heldFor says that a pod would have fitted but for room that is held for gangs, or nothing.
func (pl *Plugin) heldFor(pod *corev1.Pod, statuses fwk.NodeToStatusReader) string {
	nodes, err := pl.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return ""
	}
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		return ""
	}
	takes := requestOf(info)
	if pl.places.none() {
		return ""
	}
	held, example := 0, gang.Key{}
	for _, node := range nodes {
		name := node.Node().Name
		holders, holder := pl.places.on(name)
		if len(holders) == 0 || statuses.Get(name).Code() != fwk.Unschedulable || takes.room(node) > 0 {
			continue
		}
		without := node.Snapshot()
		for _, placeholder := range holders {
			_ = without.RemovePod(klog.Background(), placeholder) // it may have come after the snapshot
		}
		if takes.room(without) > 0 {
			if held == 0 || holder.Compare(example) < 0 {
				example = holder
			}
			held++
		}
	}
	if held == 0 {
		return ""
	}
	return fmt.Sprintf("The pod would fit on %d of %d nodes, but their free capacity is reserved for declared pods of gangs, "+
		"such as gang %s", held, len(nodes), example)
}
