package ledger

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	resourcehelper "k8s.io/component-helpers/resource"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// user is what uses capacity: a pod, a slot, or a gang for which pods were preempted and that waits for them to end.
type user struct {
	pod types.UID
	// other is the gang.SlotID, or the gang.Key of the gang that waits. Most users are pods, and it is nil.
	other any
}

// use is what a pod or a slot uses, and the queue for which it counts.
type use struct {
	// ref is the pod; empty for a slot.
	ref     gang.Ref
	leaf    queue.Leaf
	amounts queue.Vector
	// priority is how important it is: queue.NeverTaken if nothing may preempt it.
	priority int32
}

// Reserved records that a pod has reserved capacity on a node: it counts as used, and no longer waits for its turn.
func (l *Ledger) Reserved(pod *corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.binding[pod.UID] = pod
	l.lowest = min(l.lowest, corev1helpers.PodPriority(pod))
	if l.tree == nil {
		return
	}
	l.use(pod)
	if l.alone[pod.UID] != nil {
		l.leave(pod.UID)
		l.tryNext(l.queueOf(pod).Name())
	}
}

// Unreserved records that a pod has released its capacity without being bound.
func (l *Ledger) Unreserved(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.binding, uid)
	return l.unuse(user{pod: uid}, nil)
}

// use counts what a pod of our profiles uses, once.
func (l *Ledger) use(pod *corev1.Pod) {
	who := user{pod: pod.UID}
	if _, counted := l.uses[who]; counted || l.tree == nil || l.profiles[pod.Spec.SchedulerName] == nil {
		return
	}
	if _, gone := l.gone[pod.UID]; gone {
		return
	}
	what := use{ref: refOf(pod), amounts: l.vectorOf(pod)}
	if r := l.records[pod.UID]; r != nil && r.gang != nil {
		what.leaf, what.priority = l.leafOf(pod.Namespace, r.gang.Queue()), importance(r.gang)
	} else {
		share := stated(pod)
		what.leaf, what.priority = l.leafOf(pod.Namespace, share.Queue), corev1helpers.PodPriority(pod)
		if share.Preemptible == gang.NeverPreempted {
			what.priority = queue.NeverTaken
		}
	}
	l.count(who, what)
}

func importance(g *gang.Gang) int32 {
	if g.NonPreemptible() {
		return queue.NeverTaken
	}
	return g.Priority()
}

func (l *Ledger) count(who user, what use) {
	l.uses[who] = what
	l.tree.UseAs(what.leaf, what.priority, what.amounts, 1)
}

// observeUse counts a pod that the API shows with a node.
func (l *Ledger) observeUse(pod *corev1.Pod) {
	if l.binding[pod.UID] != nil { // it can be preempted from now on
		l.noteStart(corev1helpers.PodPriority(pod))
	}
	delete(l.binding, pod.UID)
	if l.tree != nil {
		l.use(pod)
		l.leave(pod.UID)
	}
}

// leaveQueue forgets a pod that is gone or has ended.
func (l *Ledger) leaveQueue(uid types.UID, decisions []gang.Decision) []gang.Decision {
	delete(l.binding, uid)
	if l.tree == nil {
		return decisions
	}
	l.leave(uid)
	return l.unuse(user{pod: uid}, decisions)
}

// noteAsks records what a member requests.
func (l *Ledger) noteAsks(r *record, pod *corev1.Pod) {
	if l.tree == nil {
		return
	}
	r.asks = l.vectorOf(pod)
	if l.strict {
		r.pool = l.pools.of(pod)
	}
}

// unuse counts a pod or slot no longer, which may let another one go next.
func (l *Ledger) unuse(who user, decisions []gang.Decision) []gang.Decision {
	what, counted := l.uses[who]
	if !counted {
		return decisions
	}
	delete(l.uses, who)
	l.tree.UseAs(what.leaf, what.priority, what.amounts, -1)
	return append(decisions, gang.Proceed{})
}

// inQueues returns the pods that use capacity or wait on their own, except those that are being bound.
func (l *Ledger) inQueues() []gang.Ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refs []gang.Ref
	for who, what := range l.uses {
		if _, binds := l.binding[who.pod]; who.pod != "" && !binds {
			refs = append(refs, what.ref)
		}
	}
	for _, a := range l.alone {
		refs = append(refs, refOf(a.pod))
	}
	return refs
}

// useSlot counts a slot that is held, or counts it no longer.
func (l *Ledger) useSlot(move gang.Move) {
	if l.tree == nil {
		return
	}
	who := user{other: move.ID}
	if _, counted := l.uses[who]; counted {
		l.unuse(who, nil)
	}
	if move.Held {
		g := l.gangs[move.ID.Gang]
		if g != nil {
			l.count(who, use{leaf: l.leafOf(g.Key.Namespace, g.Queue()), amounts: l.vectorOfRole(move.Role), priority: importance(g)})
		}
	}
}

// useHeld counts the slots that a gang holds.
func (l *Ledger) useHeld(g *gang.Gang) {
	held := g.HeldSlots()
	for i := range held {
		l.useSlot(held[i])
	}
}

// queueOf returns the queue of a pod: that of its gang, or its own.
func (l *Ledger) queueOf(pod *corev1.Pod) queue.Leaf {
	if r := l.records[pod.UID]; r != nil && r.gang != nil {
		return l.leafOf(pod.Namespace, r.gang.Queue())
	}
	return l.leafOf(pod.Namespace, stated(pod).Queue)
}

// TopologyOf returns where a pod without a gang has to be in the topology of the nodes.
func TopologyOf(pod *corev1.Pod) gang.Topology {
	if len(pod.Annotations) == 0 {
		return gang.Topology{}
	}
	return stated(pod).Topology.Topology()
}

// stated returns what a pod without a gang says of its queue, and of where it has to be. What it says wrongly is ignored: it runs, or was
// refused before.
func stated(pod *corev1.Pod) gang.Share {
	share, err := conventions.ShareOf(conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations})
	if err != nil {
		return gang.Share{}
	}
	return share
}

// vectorOf returns what a pod requests, of the resources that count: those that the configuration or a node names.
func (l *Ledger) vectorOf(pod *corev1.Pod) queue.Vector {
	return l.vector(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{Reuse: l.scratch}))
}

func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
}

// vectorOfRole returns what a declared member requests.
func (l *Ledger) vectorOfRole(role gang.Role) queue.Vector {
	list := make(corev1.ResourceList, len(role.Requests))
	for name, text := range role.Requests {
		if q, err := resource.ParseQuantity(text); err == nil { // the ledger accepted the role, so there is no error
			list[corev1.ResourceName(name)] = q
		}
	}
	return l.vector(list)
}

func (l *Ledger) vector(list corev1.ResourceList) queue.Vector {
	v := make(queue.Vector, 0, l.resources.Len())
	for name := range list {
		if i, counts := l.resources.Lookup(string(name)); counts {
			q := list[name]
			v.Set(i, amountOf(name, q))
		}
	}
	if i, counts := l.resources.Lookup(string(corev1.ResourcePods)); counts {
		v.Set(i, 1)
	}
	return v
}

// amountOf returns millicores of cpu, and units of everything else.
func amountOf(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

// NodeChanged records the labels and the capacity of a node; nil means that the node is gone. It returns true if a resource is new, so
// that the queues have to be configured again.
func (l *Ledger) NodeChanged(name string, node *corev1.Node) (again bool, decisions []gang.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.located.record(name, node)
	if l.tree == nil {
		return false, nil
	}
	delete(l.nodes, name)
	l.pools.remove(name)
	if node != nil {
		for resource := range node.Status.Allocatable {
			if _, counts := l.resources.Lookup(string(resource)); !counts && resource != corev1.ResourcePods {
				return true, nil
			}
		}
		l.addNode(node)
	}
	l.setTotal()
	return false, []gang.Decision{gang.Proceed{}}
}

// addNode counts the allocatable capacity of a node that is schedulable and ready. A node without the condition Ready counts: no kubelet
// reports for it.
func (l *Ledger) addNode(node *corev1.Node) {
	l.pools.add(node)
	if node.Spec.Unschedulable {
		return
	}
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
			return
		}
	}
	l.nodes[node.Name] = l.vector(node.Status.Allocatable)
	if i, counts := l.resources.Lookup(string(corev1.ResourcePods)); counts {
		l.nodes[node.Name][i] = node.Status.Allocatable.Pods().Value()
	}
}

func (l *Ledger) setTotal() {
	var total queue.Vector
	for _, has := range l.nodes {
		total.Add(has, 1)
	}
	l.tree.SetTotal(total)
}
