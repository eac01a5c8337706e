package scheduler

import (
	"fmt"
	"os"

	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

const (
	// defaultQPS and defaultBurst suit gangs: each member costs a bind and an event, and a gang of a thousand is bound
	// at once. The API server's own priority and fairness protects it. Upstream's default is 50 and 100.
	defaultQPS   = 5000
	defaultBurst = 10000
)

// Names returns the schedulerNames that are served without a configuration file.
func Names() []string { return []string{Name, "batch-scheduler"} }

// schedulerNames are the profiles that are served without a configuration file, with the convention that each reads.
func schedulerNames() map[string]string {
	return map[string]string{
		Name:              conventions.Coscheduling().Name,
		"batch-scheduler": conventions.BatchPermit().Name,
	}
}

// loadConfig returns the configuration in the file, or the default one if there is no file, with what gangs need.
func loadConfig(logger klog.Logger, file string) (*config.KubeSchedulerConfiguration, error) {
	if file == "" {
		return defaultConfig()
	}
	cfg, err := options.LoadConfigFromFile(logger, file)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", file, err)
	}
	given, err := asWritten(file)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", file, err)
	}
	if err := applyDefaults(cfg, given); err != nil {
		return nil, err
	}
	return cfg, nil
}

func defaultConfig() (*config.KubeSchedulerConfiguration, error) {
	cfg, err := latest.Default()
	if err != nil {
		return nil, fmt.Errorf("upstream's default configuration: %w", err)
	}
	if err := applyDefaults(cfg, &configv1.KubeSchedulerConfiguration{}); err != nil {
		return nil, err
	}
	return cfg, nil
}

// asWritten returns what the file says, without upstream's defaults.
func asWritten(file string) (*configv1.KubeSchedulerConfiguration, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	obj, kind, err := scheme.Codecs.UniversalDeserializer().Decode(data, nil, nil)
	if err != nil {
		return nil, err
	}
	given, ok := obj.(*configv1.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("it has the kind %s; want KubeSchedulerConfiguration", kind)
	}
	return given, nil
}

// applyDefaults sets our defaults for fields that the file does not set, and completes the profiles.
func applyDefaults(cfg *config.KubeSchedulerConfiguration, given *configv1.KubeSchedulerConfiguration) error {
	if given.ClientConnection.QPS == 0 {
		cfg.ClientConnection.QPS = defaultQPS
	}
	if given.ClientConnection.Burst == 0 {
		cfg.ClientConnection.Burst = max(defaultBurst, int32(cfg.ClientConnection.QPS))
	}
	if given.EnableContentionProfiling == nil {
		cfg.EnableContentionProfiling = false // it takes a stack trace whenever anybody waits for anything: some % of all CPU
	}
	if given.LeaderElection.ResourceName == "" {
		cfg.LeaderElection.ResourceName = Name
	}
	if len(given.Profiles) == 0 {
		profiles, err := defaultProfiles()
		if err != nil {
			return err
		}
		cfg.Profiles = profiles
	}
	completeProfiles(cfg.Profiles)
	return nil
}

func defaultProfiles() ([]config.KubeSchedulerProfile, error) {
	var profiles []config.KubeSchedulerProfile
	for _, name := range Names() {
		cfg, err := latest.Default()
		if err != nil {
			return nil, fmt.Errorf("upstream's default profile: %w", err)
		}
		profile := cfg.Profiles[0]
		profile.SchedulerName = name
		profiles = append(profiles, profile)
	}
	return profiles, nil
}
