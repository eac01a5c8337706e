// Package devicepacking is a Score plugin for pods that no gang plan has placed. It leaves devices, and whole nodes of them, to those that
// need them: kube-scheduler alone spreads pods over the nodes with the most free CPU, which are often those with GPUs, so that soon no
// node has all its GPUs free.
package devicepacking

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	resourcehelper "k8s.io/component-helpers/resource"
	fwk "k8s.io/kube-scheduler/framework"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
)

const (
	// Name is the plugin's name.
	Name = "DevicePacking"
	// Weight is the plugin's weight where a profile gives none: more than what upstream's scores for free capacity usually differ by,
	// and as much as upstream gives to preferred node affinity.
	Weight = 2

	stateKey fwk.StateKey = Name
	// byNode is the name of the index of ResourceSlices by node.
	byNode = "kubenexus-by-node"
)

// plugin scores nodes by the devices that they have.
type plugin struct {
	// slices are the ResourceSlices by node, nil if the cluster has none.
	slices cache.Indexer
}

var (
	_ fwk.PreScorePlugin = &plugin{}
	_ fwk.ScorePlugin    = &plugin{}
)

// New returns the plugin. It must be called before the informers start.
func New(_ context.Context, _ runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	if h.SharedDRAManager() == nil {
		return &plugin{}, nil
	}
	informer := h.SharedInformerFactory().Resource().V1().ResourceSlices().Informer()
	if _, indexed := informer.GetIndexer().GetIndexers()[byNode]; !indexed {
		if err := informer.AddIndexers(cache.Indexers{byNode: nodeOf}); err != nil {
			return nil, fmt.Errorf("indexing ResourceSlices by node: %w", err)
		}
	}
	return &plugin{slices: informer.GetIndexer()}, nil
}

// nodeOf returns the node of a ResourceSlice with devices of one node.
func nodeOf(obj any) ([]string, error) {
	if s, ok := obj.(*resourceapi.ResourceSlice); ok && s.Spec.NodeName != nil && len(s.Spec.Devices) > 0 {
		return []string{*s.Spec.NodeName}, nil
	}
	return nil, nil
}

// Name returns the plugin's name.
func (p *plugin) Name() string { return Name }

// ask is a device resource that a pod requests.
type ask struct {
	name   corev1.ResourceName
	amount int64
}

// asks are the extended resources that a pod requests, none if it is to leave devices alone.
type asks []ask

// Clone returns the asks, which never change.
func (a asks) Clone() fwk.StateData { return a }

// PreScore notes what the pod requests. It skips the plugin if the score of all nodes would be the same: none has a device, or the devices
// of the pod are allocated to resource claims, which upstream's DynamicResources looks after.
func (p *plugin) PreScore(_ context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	if len(pod.Spec.ResourceClaims) > 0 || !slices.ContainsFunc(nodes, p.hasDevices) {
		return fwk.NewStatus(fwk.Skip)
	}
	var wants asks
	for name, quantity := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
		if v1helper.IsExtendedResourceName(name) && !quantity.IsZero() {
			wants = append(wants, ask{name, quantity.Value()})
		}
	}
	state.Write(stateKey, wants)
	return nil
}

// Score returns 0 to 100. A pod that requests devices prefers the node on which the largest part of them is then in use. Another pod
// prefers any node without devices to any with.
func (p *plugin) Score(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) (int64, *fwk.Status) {
	data, err := state.Read(stateKey)
	wants, ok := data.(asks)
	switch {
	case err != nil || !ok:
		return 0, nil // the profile disables PreScore: that is no reason to fail the pod
	case len(wants) > 0:
		return inUse(wants, node), nil
	case p.hasDevices(node):
		return 0, nil
	}
	return fwk.MaxScore, nil
}

// ScoreExtensions returns nil: scores are from 0 to 100 already.
func (p *plugin) ScoreExtensions() fwk.ScoreExtensions { return nil }

// inUse returns the mean part of the requested devices that is in use on the node with the pod, in percent. What a node does not count,
// such as devices of a DeviceClass, is free.
func inUse(wants asks, node fwk.NodeInfo) int64 {
	total, used := node.GetAllocatable().GetScalarResources(), node.GetRequested().GetScalarResources()
	var sum int64
	for _, want := range wants {
		if has := total[want.name]; has > 0 {
			part := (float64(used[want.name]) + float64(want.amount)) / float64(has)
			sum += int64(min(part, 1) * float64(fwk.MaxScore))
		}
	}
	return sum / int64(len(wants))
}

// hasDevices reports whether the node has extended resources, or devices in ResourceSlices.
func (p *plugin) hasDevices(node fwk.NodeInfo) bool {
	for name, total := range node.GetAllocatable().GetScalarResources() {
		if total > 0 && v1helper.IsExtendedResourceName(name) {
			return true
		}
	}
	if p.slices == nil {
		return false
	}
	keys, err := p.slices.IndexKeys(byNode, node.Node().Name)
	return err == nil && len(keys) > 0
}
