package scheduler

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// noClaimsName is the name of the plugin that replaces upstream's DynamicResources where that is off. Without either, a pod
// would start without the devices that its claims request.
const noClaimsName = "NoResourceClaims"

// noClaims rejects pods with resource claims.
type noClaims struct{}

var (
	_ fwk.PreFilterPlugin   = noClaims{}
	_ fwk.EnqueueExtensions = noClaims{}
)

func newNoClaims(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return noClaims{}, nil
}

// Name returns the plugin's name.
func (noClaims) Name() string { return noClaimsName }

// PreFilter rejects a pod with resource claims and skips other pods.
func (noClaims) PreFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if len(pod.Spec.ResourceClaims) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "the pod has resource claims, and this scheduler has "+
		"DynamicResourceAllocation off, because the API server has no resource.k8s.io/v1 or a flag says so: upgrade the API server to "+
		"Kubernetes 1.34 or newer and restart the scheduler, or name another schedulerName")
}

// PreFilterExtensions returns nil: other pods change nothing.
func (noClaims) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// EventsToRegister returns nothing: no event makes such a pod schedulable.
func (noClaims) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return nil, nil
}

// refuseClaims enables the plugin in every profile, after those that plan gangs: they ask it about each member.
func refuseClaims(profiles []config.KubeSchedulerProfile) {
	plugin := config.Plugin{Name: noClaimsName}
	for i := range profiles {
		p := profiles[i].Plugins
		p.MultiPoint.Enabled = append(p.MultiPoint.Enabled, plugin)
		if slices.ContainsFunc(p.PreFilter.Disabled, func(d config.Plugin) bool { return d.Name == "*" }) {
			p.PreFilter.Enabled = append(p.PreFilter.Enabled, plugin)
		}
	}
}
