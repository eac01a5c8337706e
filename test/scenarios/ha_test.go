package scenarios

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// replicas are three schedulers with leader election.
type replicas struct {
	t     *testing.T
	lease string
	all   map[string]*process.Scheduler
}

// shortLease is for tests that wait until it ends, longLease for one in which it must not: it is longer than any test waits.
const (
	shortLease = 4 * time.Second
	longLease  = time.Hour
)

func startReplicas(t *testing.T, lease string, duration time.Duration) *replicas {
	t.Helper()
	r := &replicas{t: t, lease: lease, all: map[string]*process.Scheduler{}}
	for i := range 3 {
		r.all[fmt.Sprint(i)] = startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true",
			"--leader-elect-resource-name="+lease, "--leader-elect-lease-duration="+duration.String(),
			"--leader-elect-renew-deadline="+(duration*3/4).String(), "--leader-elect-retry-period=500ms")
	}
	return r
}

// leader returns the replica that holds the lease, other than not.
func (r *replicas) leader(not string) (identity string, p *process.Scheduler) {
	r.t.Helper()
	process.Within(r.t, shortLease+patience, "a leader", func() (bool, string) {
		lease, err := suite.client.CoordinationV1().Leases("kube-system").Get(r.t.Context(), r.lease, metav1.GetOptions{})
		if err != nil || lease.Spec.HolderIdentity == nil {
			return false, fmt.Sprint(err)
		}
		identity = *lease.Spec.HolderIdentity
		for _, candidate := range r.all {
			if candidate.Log.Contains("uccessfully acquired lease") && !candidate.Ended() {
				p = candidate
			}
		}
		return identity != "" && identity != not && p != nil, identity
	})
	return identity, p
}

// TestLeaderKilledWhileItBinds kills the leader of three with -9 in the middle of binding a gang of 500: another takes over
// within the lease's time and finishes the gang before anything else, and no node gets more pods than fit.
func TestLeaderKilledWhileItBinds(t *testing.T) {
	const members = 500
	r := startReplicas(t, "ha-killed", shortLease)
	s := newScenario(t, "ha-killed")
	if err := suite.plane.AddNodes(s.ctx, "ha", 10, controlplane.NodeShape{CPU: "50", Memory: "64Gi", Pods: 110}); err != nil {
		t.Fatal(err)
	}
	identity, leader := r.leader("")
	s.crowd(t, "team", members, members)
	process.Within(t, patience, "the gang to be half bound", func() (bool, string) {
		n, err := s.countBound("team")
		return err == nil && n > 0, fmt.Sprint(n, err)
	})
	leader.Kill()
	bound, err := s.countBound("team")
	if err != nil || bound == 0 || bound == members {
		t.Fatalf("%d of %d were bound when the leader was killed (%v): this shows nothing", bound, members, err)
	}
	t.Logf("the leader was killed with %d of %d bound", bound, members)
	if next, _ := r.leader(identity); next == identity {
		t.Errorf("%s still leads", identity)
	}
	s.boundIs(t, "team", members)
	s.noNodeIsOverfull(t, 50)
}

// TestLeaseIsHandedOver: a leader that is asked to stop gives the lease back, so another leads long before the lease ends.
func TestLeaseIsHandedOver(t *testing.T) {
	r := startReplicas(t, "ha-handover", longLease)
	identity, leader := r.leader("")
	leader.End()
	if next, _ := r.leader(identity); next == identity {
		t.Errorf("%s still leads", identity)
	}
}

// TestALeaderEndsWhatItBegan: one that is asked to stop while it binds a gang binds all of it, and says so of each.
func TestALeaderEndsWhatItBegan(t *testing.T) {
	const members = 200
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true", "--leader-elect-resource-name=ha-ends")
	s := newScenario(t, "ha-ends")
	if err := suite.plane.AddNodes(s.ctx, "ends", 10, controlplane.NodeShape{CPU: "50", Memory: "64Gi", Pods: 110}); err != nil {
		t.Fatal(err)
	}
	s.crowd(t, "team", members, members)
	process.Within(t, patience, "the gang to be partly bound", func() (bool, string) {
		n, err := s.countBound("team")
		return err == nil && n > 0, fmt.Sprint(n, err)
	})
	scheduler.End()
	s.boundIs(t, "team", members)
	s.saidOfAll(t, members)
}

// crowd creates members of a gang, many at a time.
func (s *scenario) crowd(t *testing.T, name string, members, minAvailable int) {
	t.Helper()
	errs := make(chan error, members)
	workqueue.ParallelizeUntil(s.ctx, 32, members, func(i int) {
		spec := podSpec{
			namespace: s.namespace, name: fmt.Sprintf("%s-%d", name, i), cpu: "1",
			scheduler: ours, annotations: gangAnnotations(name, minAvailable),
		}
		if err := create(s, spec.pod()); err != nil {
			errs <- err
		}
	})
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
}

// noNodeIsOverfull checks that no node has more pods of one CPU than it has CPUs.
func (s *scenario) noNodeIsOverfull(t *testing.T, cpus int) {
	t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]int{}
	for i := range pods.Items {
		if pods.Items[i].Status.Phase != corev1.PodFailed {
			on[pods.Items[i].Spec.NodeName]++
		}
	}
	for node, n := range on {
		if n > cpus {
			t.Errorf("node %s has %d pods of 1 CPU and %d CPUs", node, n, cpus)
		}
	}
}
