package slots

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// Aside is capacity to set aside on a node: what a member requests.
type Aside struct {
	Node     string
	Requests requests.Request
}

// asides is the capacity that is set aside. Each piece has a placeholder in the scheduler's cache, also where the node is still full: the
// node then has less than no free capacity, so that what frees up there is left alone. Placeholders have requests and nothing else, so they
// neither attract nor repel.
type asides struct {
	// set has the placeholders of each gang that capacity is set aside for, or pod.
	set map[gang.Key][]*corev1.Pod
	// lifted are those whose placeholders are out of the cache for now.
	lifted map[gang.Key]struct{}
	// number numbers the placeholders.
	number int
	// uses reports whether the gang may use what is set aside for the other one.
	uses func(gang, of gang.Key) bool
}

const asidePrefix = "kubenexus.io/aside/"

// IsPlaceholder reports whether a pod in the scheduler's cache stands for capacity that is held or set aside. It is no running pod.
func IsPlaceholder(pod *corev1.Pod) bool {
	return strings.HasPrefix(string(pod.UID), asidePrefix) || strings.HasPrefix(string(pod.UID), placePrefix)
}

// Using sets the function that reports whether a gang may use what is set aside for another one.
func (h *Held) Using(uses func(gang, of gang.Key) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.aside.uses = uses
}

// SetAside sets this capacity aside for the gang, and nothing else. It is not lifted afterwards. SetAside returns the nodes on which less
// is set aside than before.
func (h *Held) SetAside(logger klog.Logger, key gang.Key, wanted []Aside) (freed []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cache == nil {
		return nil
	}
	had := map[string][]*corev1.Pod{}
	for _, pod := range h.aside.set[key] {
		had[pod.Spec.NodeName] = append(had[pod.Spec.NodeName], pod)
	}
	_, lifted := h.aside.lifted[key]
	delete(h.aside.lifted, key)
	delete(h.aside.set, key)
	var now []*corev1.Pod
	for _, a := range wanted {
		like := a.pod(key)
		on := had[a.Node]
		i := slices.IndexFunc(on, func(pod *corev1.Pod) bool { return sameAside(pod, like) })
		switch {
		case i < 0:
			h.aside.number++
			number := strconv.Itoa(h.aside.number)
			like.Name += "." + number
			like.UID = types.UID(asidePrefix + key.Convention + "/" + key.String() + "/" + key.Instance + "/" + number)
		default:
			like = on[i]
			had[a.Node] = slices.Delete(on, i, i+1)
			if !lifted {
				now = append(now, like)
				continue
			}
		}
		if err := h.cache.AssumePod(logger, like); err != nil {
			logger.Error(err, "Failed to set capacity aside", "gang", key, "node", a.Node)
			continue
		}
		now = append(now, like)
	}
	for _, node := range slices.Sorted(maps.Keys(had)) {
		for _, pod := range had[node] {
			freed = append(freed, node)
			h.freed = pod
			if !lifted {
				h.forget(logger, key, pod)
			}
		}
	}
	if len(now) > 0 {
		h.aside.set[key] = now
	}
	return freed
}

// Release sets nothing aside for the gang any more. It returns the nodes on which something was.
func (h *Held) Release(logger klog.Logger, key gang.Key) (freed []string) {
	return h.SetAside(logger, key, nil)
}

// Lift takes the placeholders of the gangs for which yes returns true out of the cache. It calls yes without its lock: what yes asks may
// wait for a caller of Release.
func (h *Held) Lift(logger klog.Logger, yes func(gang.Key) bool) {
	for _, key := range h.standing() {
		if yes(key) {
			h.lift(logger, key)
		}
	}
}

// Holding returns the gangs that capacity is held or set aside for.
func (h *Held) Holding() []gang.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.aside.set))
}

// standing returns the gangs whose placeholders are in the cache.
func (h *Held) standing() []gang.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	keys := make([]gang.Key, 0, len(h.aside.set))
	for key := range h.aside.set {
		if _, lifted := h.aside.lifted[key]; !lifted {
			keys = append(keys, key)
		}
	}
	return keys
}

// lift takes the placeholders of a gang out of the cache, if nothing has done so in the meantime.
func (h *Held) lift(logger klog.Logger, key gang.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	pods, set := h.aside.set[key]
	if _, lifted := h.aside.lifted[key]; lifted || !set {
		return
	}
	h.aside.lifted[key] = struct{}{}
	for _, pod := range pods {
		h.forget(logger, key, pod)
	}
}

// Restore undoes Lift.
func (h *Held) Restore(logger klog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.aside.lifted {
		for _, pod := range h.aside.set[key] {
			if err := h.cache.AssumePod(logger, pod); err != nil {
				logger.Error(err, "Failed to set capacity aside again", "gang", key, "node", pod.Spec.NodeName)
			}
		}
	}
	clear(h.aside.lifted)
}

func (h *Held) forget(logger klog.Logger, key gang.Key, pod *corev1.Pod) {
	if err := h.cache.ForgetPod(logger, pod); err != nil {
		logger.Error(err, "Failed to let go of capacity that was set aside", "gang", key, "node", pod.Spec.NodeName)
	}
}

// AsideFor returns the nodes on which capacity is set aside for the gang, one for each piece, sorted.
func (h *Held) AsideFor(key gang.Key) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	nodes := make([]string, 0, len(h.aside.set[key]))
	for _, pod := range h.aside.set[key] {
		nodes = append(nodes, pod.Spec.NodeName)
	}
	slices.Sort(nodes)
	return nodes
}

// Standing returns the nodes on which placeholders hold capacity for the gang now.
func (h *Held) Standing(key gang.Key) map[string]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, lifted := h.aside.lifted[key]; lifted {
		return nil
	}
	nodes := make(map[string]struct{}, len(h.aside.set[key]))
	for _, pod := range h.aside.set[key] {
		nodes[pod.Spec.NodeName] = struct{}{}
	}
	return nodes
}

// For returns a function that returns a node without the placeholders of capacity that the gang may use.
func (h *Held) For(key gang.Key) func(fwk.NodeInfo) fwk.NodeInfo {
	usable := h.usable(key)
	return func(node fwk.NodeInfo) fwk.NodeInfo {
		for _, pod := range usable[node.Node().Name] {
			if clone := node.Snapshot(); clone.RemovePod(klog.Background(), pod) == nil { // it may be lifted
				node = clone
			}
		}
		return node
	}
}

// usable returns the placeholders of capacity that the gang may use, by node.
func (h *Held) usable(key gang.Key) map[string][]*corev1.Pod {
	h.mu.Lock()
	if len(h.aside.set) == 0 {
		h.mu.Unlock()
		return nil
	}
	set, uses := maps.Clone(h.aside.set), h.aside.uses
	h.mu.Unlock()
	usable := map[string][]*corev1.Pod{}
	for of, pods := range set {
		if of != key && (uses == nil || !uses(key, of)) {
			continue
		}
		for _, pod := range pods {
			usable[pod.Spec.NodeName] = append(usable[pod.Spec.NodeName], pod)
		}
	}
	return usable
}

// pod returns a placeholder without a name of its own.
func (a Aside) pod(key gang.Key) *corev1.Pod {
	list := corev1.ResourceList{}
	for _, amount := range a.Requests.Amounts() {
		name := corev1.ResourceName(amount.Resource)
		if name == corev1.ResourceCPU {
			list[name] = *resource.NewMilliQuantity(amount.Quantity, resource.DecimalSI)
		} else {
			list[name] = *resource.NewQuantity(amount.Quantity, resource.BinarySI)
		}
	}
	highest := int32(math.MaxInt32)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: fmt.Sprintf("%s.aside", key.Name)},
		Spec: corev1.PodSpec{
			NodeName: a.Node, Priority: &highest,
			Containers: []corev1.Container{{Name: "aside", Resources: corev1.ResourceRequirements{Requests: list}}},
		},
	}
}

// sameAside reports whether two placeholders hold the same.
func sameAside(a, b *corev1.Pod) bool {
	return maps.EqualFunc(a.Spec.Containers[0].Resources.Requests, b.Spec.Containers[0].Resources.Requests,
		func(x, y resource.Quantity) bool { return x.Cmp(y) == 0 })
}
