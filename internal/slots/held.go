// Package slots blocks the capacity of slots for other pods. Slots are held for members of gangs that do not exist yet.
package slots

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
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// Cache is the part of the scheduler's cache that holds slots: its assumed pods.
type Cache interface {
	AssumePod(logger klog.Logger, pod *corev1.Pod) error
	ForgetPod(logger klog.Logger, pod *corev1.Pod) error
}

// Held keeps a placeholder pod for each slot in the scheduler's cache. The placeholders exist nowhere else, and every filter of
// every profile counts them.
type Held struct {
	ledger *ledger.Ledger

	mu    sync.Mutex
	cache Cache
	pods  map[gang.SlotID]*corev1.Pod
	// nodes are the same pods by node.
	nodes map[string]map[gang.SlotID]*corev1.Pod
	// freed is a placeholder whose slot was released and that the queue has not been notified of yet.
	freed *corev1.Pod
	// shares are the largest shares of the cluster that a namespace may hold in slots, by schedulerName.
	shares map[string]float64
	aside  asides
}

// New returns a Held without slots that follows the ledger.
func New(l *ledger.Ledger) *Held {
	return &Held{
		ledger: l, pods: map[gang.SlotID]*corev1.Pod{}, nodes: map[string]map[gang.SlotID]*corev1.Pod{}, shares: map[string]float64{},
		aside: asides{set: map[gang.Key][]*corev1.Pod{}, lifted: map[gang.Key]struct{}{}},
	}
}

// Share sets the largest share of the cluster that a namespace may hold in slots for pods with this schedulerName. 1 is the whole
// cluster.
func (h *Held) Share(schedulerName string, share float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shares[schedulerName] = share
}

// In sets the scheduler's cache that holds the slots.
func (h *Held) In(cache Cache) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cache = cache
}

// TakeFreed returns a placeholder whose slot was released, so that the queue can react to the free capacity, and nil if there is
// none. It returns a placeholder at most once.
func (h *Held) TakeFreed(logger klog.Logger) *corev1.Pod {
	h.Follow(logger)
	h.mu.Lock()
	defer h.mu.Unlock()
	freed := h.freed
	h.freed = nil
	return freed
}

// Follow applies the ledger's moves to the cache.
func (h *Held) Follow(logger klog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	moves := h.ledger.Moves()
	for i := range moves {
		move := &moves[i]
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
			h.hold(logger, *move)
		}
	}
}

const placePrefix = "kubenexus.io/place/"

func (h *Held) hold(logger klog.Logger, move gang.Move) {
	pod := Placeholder(move.ID.Gang.Namespace, move.Role)
	id := strconv.Itoa(move.ID.Number)
	pod.Name = fmt.Sprintf("%s.%s.%s", move.ID.Gang.Name, move.Role.Name, id)
	pod.UID = types.UID(placePrefix + move.ID.Gang.Convention + "/" + move.ID.Gang.String() + "/" +
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

func (h *Held) release(logger klog.Logger, id gang.SlotID, pod *corev1.Pod) {
	if err := h.cache.ForgetPod(logger, pod); err != nil {
		logger.Error(err, "Failed to release a slot", "gang", id.Gang, "node", pod.Spec.NodeName)
	}
	delete(h.pods, id)
	on := h.nodes[pod.Spec.NodeName]
	if delete(on, id); len(on) == 0 {
		delete(h.nodes, pod.Spec.NodeName)
	}
}

// Placeholder returns a pod that stands for a member of the role that does not exist yet. It has the highest priority, so no pod
// can preempt it.
func Placeholder(namespace string, role gang.Role) *corev1.Pod {
	pod, _ := ledger.Declared(namespace, role) // the ledger accepted it, so there is no error
	highest := int32(math.MaxInt32)
	pod.Spec.Priority = &highest
	return pod
}

// None reports whether no slot is held.
func (h *Held) None() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pods) == 0
}

// On returns the placeholders on the node, and the first of their gangs.
func (h *Held) On(node string) (pods []*corev1.Pod, example gang.Key) {
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

// heldBy sums up the requests of the namespace's slots.
func (h *Held) heldBy(namespace string) map[string]int64 {
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

// addRequests adds the requests of count pods like this one.
func addRequests(sum map[string]int64, pod *corev1.Pod, count int64) {
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		return // the ledger validated the affinity terms of placeholders
	}
	takes := requests.Of(info)
	for _, a := range takes.Amounts() {
		sum[a.Resource] += a.Quantity * count
	}
	sum[string(corev1.ResourcePods)] += count
}

func (h *Held) shareOf(schedulerName string) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shares[schedulerName]
}

// BeyondShare returns why the namespace may not hold slots for the declared members: they would exceed its share of the cluster. It
// returns "" if they do not.
func (h *Held) BeyondShare(schedulerName, namespace string, declared []gang.RoleTask, total func(resource string) int64) string {
	held := h.heldBy(namespace)
	with := maps.Clone(held)
	for _, r := range declared {
		if r.Declared > 0 {
			addRequests(with, Placeholder(namespace, r.Role), int64(r.Declared))
		}
	}
	share := h.shareOf(schedulerName)
	for _, name := range slices.Sorted(maps.Keys(with)) {
		wanted := with[name]
		most := int64(share * float64(total(name)))
		if wanted <= held[name] || wanted <= most || total(name) == 0 {
			continue
		}
		return fmt.Sprintf("namespace %s may hold at most %.4g%% of the cluster's %s for pods that do not exist yet, which is %s; "+
			"it holds %s, and the gang declares %s more",
			namespace, 100*share, name, requests.Quantity(name, most), requests.Quantity(name, held[name]),
			requests.Quantity(name, wanted-held[name]))
	}
	return ""
}

// Total returns a function for the total allocatable amount of a resource on the nodes.
func Total(nodes []fwk.NodeInfo) func(resource string) int64 {
	return func(resource string) int64 {
		total := int64(0)
		for _, node := range nodes {
			if resource == string(corev1.ResourcePods) {
				total += int64(node.GetAllocatable().GetAllowedPodNumber())
			} else {
				total += requests.Allocatable(node, resource)
			}
		}
		return total
	}
}

// Mention appends to detail on how many of the nodes slots are held.
func (h *Held) Mention(detail string, nodes []fwk.NodeInfo) string {
	if h.None() {
		return detail
	}
	held := 0
	for _, node := range nodes {
		if pods, _ := h.On(node.Node().Name); len(pods) > 0 {
			held++
		}
	}
	if detail != "" {
		detail += "; "
	}
	return detail + fmt.Sprintf("%d of %d nodes have capacity that is reserved for declared pods of gangs", held, len(nodes))
}
