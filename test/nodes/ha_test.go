//go:build linux

package nodes

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestHighAvailability ends the leader of three replicas in each way, while gangs are created. Every gang is whole in the end.
func TestHighAvailability(t *testing.T) {
	c := withoutScheduler(t)
	c.install("gang-scheduler-ha", "kube-system", "kubenexus-scheduler")
	for _, fault := range []struct {
		name string
		end  func(*cluster, *corev1.Pod)
	}{
		{"deleted", deleteLeader},
		{"killed", killLeader},
		{"its node stops", stopLeadersNode},
	} {
		t.Run(fault.name, func(t *testing.T) {
			c := newCluster(t)
			c.rollout("kube-system", "kubenexus-scheduler")
			leader := c.leader()
			const gangs, members = 6, 3
			// A kubelet that starts again starts their containers again.
			restart := func(s *corev1.PodSpec) { s.RestartPolicy = corev1.RestartPolicyOnFailure }
			for i := range gangs / 2 {
				c.job(gang{name: fmt.Sprintf("before-%d", i), members: members, cpu: "20m", change: restart})
			}
			fault.end(c, leader)
			began := time.Now()
			for i := range gangs / 2 {
				c.job(gang{name: fmt.Sprintf("after-%d", i), members: members, cpu: "20m", change: restart})
			}
			for i := range gangs / 2 {
				c.awaitBound(fmt.Sprintf("after-%d", i), members)
			}
			c.took("leader "+fault.name+": until gangs that are created then have their nodes", began)
			for _, n := range suite.nodes {
				if err := n.PowerOn(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.awaitNode(n.Name, true)
			}
			for i := range gangs / 2 {
				c.awaitRunning(fmt.Sprintf("before-%d", i), members)
				c.awaitRunning(fmt.Sprintf("after-%d", i), members)
			}
		})
	}
}

// TestASingleReplicaThatIsKilled: with one replica, the process that starts in the place of the one that was killed leads soon, and the pod is
// not ready before.
func TestASingleReplicaThatIsKilled(t *testing.T) {
	c := withScheduler(t)
	leader := c.leader()
	if err := nodeOf(leader).Kill(leader); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c.job(gang{name: "after", members: 3, cpu: "20m"})
	c.awaitBound("after", 3)
	c.took("the only replica killed: until a gang that is created then has its nodes", began)
	c.awaitRunning("after", 3)
}

func deleteLeader(c *cluster, leader *corev1.Pod) {
	c.t.Helper()
	if err := suite.client.CoreV1().Pods(leader.Namespace).Delete(c.t.Context(), leader.Name, metav1.DeleteOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

func killLeader(c *cluster, leader *corev1.Pod) {
	c.t.Helper()
	if err := nodeOf(leader).Kill(leader); err != nil {
		c.t.Fatal(err)
	}
}

func stopLeadersNode(c *cluster, leader *corev1.Pod) {
	c.t.Helper()
	n := nodeOf(leader)
	c.t.Cleanup(func() {
		if err := n.PowerOn(context.Background()); err != nil {
			c.t.Error(err)
		}
	})
	if err := n.PowerOff(); err != nil {
		c.t.Fatal(err)
	}
}

// leader returns the pod that holds the lease.
func (c *cluster) leader() *corev1.Pod {
	c.t.Helper()
	var leader *corev1.Pod
	process.Within(c.t, patience, "a leader that runs", func() (bool, string) {
		lease, err := suite.client.CoordinationV1().Leases("kube-system").Get(c.t.Context(), "kubenexus-scheduler", metav1.GetOptions{})
		if err != nil || lease.Spec.HolderIdentity == nil {
			return false, fmt.Sprint(err)
		}
		name, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
		leader, err = suite.client.CoreV1().Pods("kube-system").Get(c.t.Context(), name, metav1.GetOptions{})
		return err == nil && leader.DeletionTimestamp == nil, fmt.Sprintf("%s: %v", name, err)
	})
	return leader
}

// awaitBound waits until that many pods of a gang have nodes, and are not being deleted.
func (c *cluster) awaitBound(name string, count int) {
	c.t.Helper()
	process.Within(c.t, patience, fmt.Sprintf("%d pods of %s to be bound", count, name), func() (bool, string) {
		bound := 0
		all := c.pods("gang=" + name)
		for i := range all {
			if all[i].Spec.NodeName != "" && all[i].DeletionTimestamp == nil {
				bound++
			}
		}
		return bound == count, describe(all)
	})
}
