package scheduler

import (
	"slices"
	"testing"

	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/devicepacking"
)

// TestDevicePackingInAProfile: a profile with gangs packs devices, with the profile's own weight if it names the plugin.
func TestDevicePackingInAProfile(t *testing.T) {
	gangs := config.Plugin{Name: conventions.All()[0].Name}
	packs := config.Plugin{Name: devicepacking.Name, Weight: devicepacking.Weight}
	own := config.Plugin{Name: devicepacking.Name, Weight: 7}
	for _, test := range []struct {
		name              string
		multiPoint, score config.PluginSet
		want              bool
	}{
		{"with gangs", config.PluginSet{Enabled: []config.Plugin{gangs}}, config.PluginSet{}, true},
		{"without gangs", config.PluginSet{}, config.PluginSet{}, false},
		{"named under multiPoint", config.PluginSet{Enabled: []config.Plugin{gangs, own}}, config.PluginSet{}, false},
		{"named at score", config.PluginSet{Enabled: []config.Plugin{gangs}}, config.PluginSet{Enabled: []config.Plugin{own}}, true},
		{
			"disabled under multiPoint",
			config.PluginSet{Enabled: []config.Plugin{gangs}, Disabled: []config.Plugin{{Name: devicepacking.Name}}},
			config.PluginSet{},
			false,
		},
		{
			"all disabled under multiPoint",
			config.PluginSet{Enabled: []config.Plugin{gangs}, Disabled: []config.Plugin{{Name: "*"}}},
			config.PluginSet{},
			false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			profiles := []config.KubeSchedulerProfile{{SchedulerName: "any", Plugins: &config.Plugins{
				MultiPoint: test.multiPoint, Score: test.score,
			}}}
			completeProfiles(profiles)
			if got := slices.Contains(profiles[0].Plugins.MultiPoint.Enabled, packs); got != test.want {
				t.Errorf("DevicePacking is added: %v, want %v", got, test.want)
			}
		})
	}
}
