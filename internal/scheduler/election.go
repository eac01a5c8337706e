package scheduler

import (
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/leadership"
)

// electionName is the name of the election in metrics, as it is kube-scheduler's.
const electionName = "kube-scheduler"

// hangs is for how much longer than its lease a leader may run without renewing it before it is not healthy.
const hangs = 20 * time.Second

// leaderElection returns the election that this process takes part in, or nil without one.
func leaderElection(c *schedulerappconfig.Config) (*leaderelection.LeaderElectionConfig, error) {
	election := &c.ComponentConfig.LeaderElection
	if !election.LeaderElect {
		return nil, nil
	}
	// With coordinated leader election the control plane decides, and the lease is its alone.
	var pod leadership.Pod
	coordinated := utilfeature.DefaultFeatureGate.Enabled(kubefeatures.CoordinatedLeaderElection)
	if !coordinated {
		pod = ownPod()
	}
	identity, err := identityOf(pod)
	if err != nil {
		return nil, err
	}
	recorder := c.EventBroadcaster.DeprecatedNewLegacyRecorder(c.ComponentConfig.Profiles[0].SchedulerName)
	lock, err := resourcelock.NewFromKubeconfig(election.ResourceLock, election.ResourceNamespace, election.ResourceName,
		resourcelock.ResourceLockConfig{Identity: identity, EventRecorder: recorder}, c.KubeConfig, election.RenewDeadline.Duration)
	if err != nil {
		return nil, fmt.Errorf("preparing the lease: %w", err)
	}
	if !coordinated {
		lock = leadership.NewLock(lock, leadership.Options{
			Pod: pod, Pods: c.Client.CoreV1(), Clock: clock.RealClock{},
			LeaseDuration: election.LeaseDuration.Duration, RetryPeriod: election.RetryPeriod.Duration,
		})
	}
	return &leaderelection.LeaderElectionConfig{
		Lock:            lock,
		LeaseDuration:   election.LeaseDuration.Duration,
		RenewDeadline:   election.RenewDeadline.Duration,
		RetryPeriod:     election.RetryPeriod.Duration,
		WatchDog:        leaderelection.NewLeaderHealthzAdaptor(hangs),
		Name:            electionName,
		ReleaseOnCancel: true,
	}, nil
}

// ownPod returns the pod of this process, which its manifest gives in the environment.
func ownPod() leadership.Pod {
	return leadership.Pod{Namespace: os.Getenv("POD_NAMESPACE"), Name: os.Getenv("POD_NAME"), UID: os.Getenv("POD_UID")}
}

// identityOf returns who this process is in the election: no other process is the same. Without a pod it is what it is for kube-scheduler.
func identityOf(pod leadership.Pod) (string, error) {
	unique := string(uuid.NewUUID())
	if pod.Known() {
		return pod.Identity(unique), nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("reading the name of the host, by which others know this process: %w", err)
	}
	return host + "_" + unique, nil
}
