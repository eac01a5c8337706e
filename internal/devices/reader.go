// Package devices reads from the scheduler's cache which devices of the nodes are free.
package devices

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
)

// Cache is the part of the scheduler's cache that is read.
type Cache interface {
	UpdateSnapshot(logger klog.Logger, snapshot *internalcache.Snapshot) error
}

// Reader reads the devices of the nodes. It has a snapshot of its own, because those of the profiles belong to the scheduling goroutine.
// The cache is locked only while the nodes are copied that changed since the last call. The zero value reads nothing.
type Reader struct {
	mu       sync.Mutex
	cache    Cache
	snapshot *internalcache.Snapshot
}

// In sets the cache that is read.
func (r *Reader) In(cache Cache) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cache, r.snapshot = cache, internalcache.NewEmptySnapshot()
}

// NodesWithDevices returns the devices of the nodes that are schedulable and ready, and that have any. What pods use that are being bound,
// and what is held in slots, is not free.
func (r *Reader) NodesWithDevices() []metrics.NodeDevices {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil {
		return nil
	}
	if err := r.cache.UpdateSnapshot(klog.Background(), r.snapshot); err != nil {
		klog.Background().Error(err, "Failed to read the devices of the nodes")
		return nil
	}
	infos, err := r.snapshot.NodeInfos().List()
	if err != nil {
		klog.Background().Error(err, "Failed to list the nodes")
		return nil
	}
	var nodes []metrics.NodeDevices
	for _, info := range infos {
		if has := devicesOf(info); len(has) > 0 && open(info.Node()) {
			nodes = append(nodes, metrics.NodeDevices{Labels: info.Node().Labels, Devices: has})
		}
	}
	return nodes
}

// devicesOf returns the extended resources of a node.
func devicesOf(info fwk.NodeInfo) []metrics.Devices {
	var has []metrics.Devices
	used := info.GetRequested().GetScalarResources()
	for name, total := range info.GetAllocatable().GetScalarResources() {
		if total > 0 && v1helper.IsExtendedResourceName(name) {
			has = append(has, metrics.Devices{Resource: string(name), Total: total, Free: max(0, total-used[name])})
		}
	}
	return has
}

// open reports whether a node is schedulable and ready. A node without the condition Ready is: no kubelet reports for it.
func open(node *corev1.Node) bool {
	if node.Spec.Unschedulable {
		return false
	}
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
			return false
		}
	}
	return true
}
