package scheduler

import (
	"slices"

	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/devicepacking"
	"github.com/kubenexus/kubenexus-scheduler/pkg/coscheduling"
)

// completeProfiles gives each profile that enables a gang plugin anywhere all that the plugin needs, at every extension
// point and before upstream's plugins. Without that, a profile that only names a few points would have two queue sort
// plugins and start half of a gang. All profiles of a process must sort their one queue alike, so those without gangs
// get our queue sort too; it sorts other pods as upstream's does.
func completeProfiles(profiles []config.KubeSchedulerProfile) {
	gangs := false
	for i := range profiles {
		profile := &profiles[i]
		enabled := gangPlugins(profile)
		if len(enabled) == 0 {
			continue
		}
		gangs = true
		for _, point := range points(profile.Plugins) {
			remove(point, append(enabled, coscheduling.QueueName, names.DefaultPreemption))
		}
		prependTo(&profile.Plugins.MultiPoint, append([]string{coscheduling.QueueName}, enabled...))
		for _, point := range gangPoints(profile.Plugins) {
			prependUnlessExpanded(point, enabled)
		}
		for _, point := range queuePoints(profile.Plugins) {
			prependUnlessExpanded(point, []string{coscheduling.QueueName})
		}
		packDevices(profile.Plugins)
	}
	if !gangs {
		return
	}
	shareQueueArgs(profiles)
	for i := range profiles {
		profiles[i].Plugins.QueueSort = config.PluginSet{
			Enabled:  []config.Plugin{{Name: coscheduling.QueueName}},
			Disabled: []config.Plugin{{Name: "*"}},
		}
	}
}

// packDevices enables DevicePacking under multiPoint, unless the profile names or disables it there, or disables all. If the profile
// names it at score, its weight there counts; the plugin needs preScore too. If it disables it at score, it is obeyed.
func packDevices(p *config.Plugins) {
	off := func(d config.Plugin) bool { return d.Name == devicepacking.Name || d.Name == "*" }
	if !slices.ContainsFunc(p.MultiPoint.Disabled, off) && !enables(&p.MultiPoint, devicepacking.Name) {
		p.MultiPoint.Enabled = append(p.MultiPoint.Enabled, config.Plugin{Name: devicepacking.Name, Weight: devicepacking.Weight})
	}
}

// shareQueueArgs gives all profiles the arguments of GangQueue that the first profile has: they must be equal, and are about the process.
func shareQueueArgs(profiles []config.KubeSchedulerProfile) {
	isQueue := func(c config.PluginConfig) bool { return c.Name == coscheduling.QueueName }
	var args *config.PluginConfig
	for i := range profiles {
		if at := slices.IndexFunc(profiles[i].PluginConfig, isQueue); at >= 0 && args == nil {
			args = &profiles[i].PluginConfig[at]
		}
	}
	if args == nil {
		return
	}
	for i := range profiles {
		if !slices.ContainsFunc(profiles[i].PluginConfig, isQueue) {
			profiles[i].PluginConfig = append(profiles[i].PluginConfig, *args)
		}
	}
}

// prependUnlessExpanded enables plugins at a point whose defaults are all disabled: it is not expanded from multiPoint.
func prependUnlessExpanded(point *config.PluginSet, names []string) {
	if slices.ContainsFunc(point.Disabled, func(p config.Plugin) bool { return p.Name == "*" }) {
		prependTo(point, names)
	}
}

// gangPlugins returns the gang plugins that a profile enables, or those that its name stands for.
func gangPlugins(profile *config.KubeSchedulerProfile) []string {
	var found []string
	for _, convention := range conventions.All() {
		for _, point := range points(profile.Plugins) {
			if enables(point, convention.Name) {
				found = append(found, convention.Name)
				break
			}
		}
	}
	if plugin, ok := schedulerNames()[profile.SchedulerName]; ok && len(found) == 0 {
		found = append(found, plugin)
	}
	return found
}

func enables(set *config.PluginSet, name string) bool {
	return slices.ContainsFunc(set.Enabled, func(p config.Plugin) bool { return p.Name == name })
}

func remove(set *config.PluginSet, names []string) {
	set.Enabled = slices.DeleteFunc(set.Enabled, func(p config.Plugin) bool { return slices.Contains(names, p.Name) })
}

func prependTo(set *config.PluginSet, names []string) {
	first := make([]config.Plugin, len(names))
	for i, name := range names {
		first[i] = config.Plugin{Name: name}
	}
	set.Enabled = append(first, set.Enabled...)
}

// gangPoints are the extension points at which a gang plugin works.
func gangPoints(p *config.Plugins) []*config.PluginSet {
	return []*config.PluginSet{&p.PreFilter, &p.Filter, &p.PostFilter, &p.Reserve, &p.Permit}
}

// queuePoints are the extension points, besides queueSort, at which GangQueue works.
func queuePoints(p *config.Plugins) []*config.PluginSet {
	return []*config.PluginSet{&p.PreEnqueue, &p.Reserve, &p.Bind, &p.PostBind}
}

// points are all the extension points of a profile.
func points(p *config.Plugins) []*config.PluginSet {
	return append(gangPoints(p), &p.MultiPoint, &p.PreEnqueue, &p.QueueSort, &p.PreScore, &p.Score,
		&p.PreBind, &p.Bind, &p.PostBind)
}
