package scheduler

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	componentbaseconfigv1alpha1 "k8s.io/component-base/config/v1alpha1"
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
	// A leader that is gone without a trace is replaced after leaseDuration, and one that cannot renew its lease ends itself after
	// renewDeadline. Upstream's defaults are 15, 10 and 2 s. docs/adr/0027-a-short-time-without-leader.md.
	leaseDuration = 10 * time.Second
	renewDeadline = 7 * time.Second
	retryPeriod   = time.Second
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

// loadConfig returns the configuration in the file, or the default one if there is no file, with what gangs need. The flags of the leader
// election, which override it, are not applied yet.
func loadConfig(logger klog.Logger, file string, flags *pflag.FlagSet) (*config.KubeSchedulerConfiguration, error) {
	if file == "" {
		return defaultConfig(flags)
	}
	cfg, err := options.LoadConfigFromFile(logger, file)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", file, err)
	}
	given, err := asWritten(file)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", file, err)
	}
	if err := applyDefaults(cfg, given, flags); err != nil {
		return nil, err
	}
	return cfg, nil
}

func defaultConfig(flags *pflag.FlagSet) (*config.KubeSchedulerConfiguration, error) {
	cfg, err := latest.Default()
	if err != nil {
		return nil, fmt.Errorf("upstream's default configuration: %w", err)
	}
	if err := applyDefaults(cfg, &configv1.KubeSchedulerConfiguration{}, flags); err != nil {
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
func applyDefaults(cfg *config.KubeSchedulerConfiguration, given *configv1.KubeSchedulerConfiguration, flags *pflag.FlagSet) error {
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
	if !timesGiven(&given.LeaderElection, flags) {
		cfg.LeaderElection.LeaseDuration.Duration = leaseDuration
		cfg.LeaderElection.RenewDeadline.Duration = renewDeadline
		cfg.LeaderElection.RetryPeriod.Duration = retryPeriod
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

// The flags with the times of the leader election, and the group that they are in.
const (
	electionFlags     = "leader election"
	leaseDurationFlag = "leader-elect-lease-duration"
	renewDeadlineFlag = "leader-elect-renew-deadline"
	retryPeriodFlag   = "leader-elect-retry-period"
)

// timesGiven reports whether the file or a flag sets a time of the leader election. The others are then upstream's, which the one that is
// set has to fit: a renew deadline of 12 s fits a lease of 15 s, and not one of 10 s.
func timesGiven(file *componentbaseconfigv1alpha1.LeaderElectionConfiguration, flags *pflag.FlagSet) bool {
	return file.LeaseDuration.Duration != 0 || file.RenewDeadline.Duration != 0 || file.RetryPeriod.Duration != 0 ||
		flags.Changed(leaseDurationFlag) || flags.Changed(renewDeadlineFlag) || flags.Changed(retryPeriodFlag)
}

// showElectionDefaults has the help of the flags show our defaults.
func showElectionDefaults(flags *pflag.FlagSet) {
	for name, value := range map[string]string{
		"leader-elect-resource-name": Name,
		leaseDurationFlag:            leaseDuration.String(),
		renewDeadlineFlag:            renewDeadline.String(),
		retryPeriodFlag:              retryPeriod.String(),
	} {
		flags.Lookup(name).DefValue = value
	}
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
