//go:build linux

package nodes

import (
	"context"
	"fmt"
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// atPriority returns a change of pods that gives them a priority class, which is made.
func (c *cluster) atPriority(name string, value int32) func(*corev1.PodSpec) {
	c.t.Helper()
	class := c.namespace + "-" + name
	_, err := suite.client.SchedulingV1().PriorityClasses().Create(c.t.Context(),
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Value: value}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := suite.client.SchedulingV1().PriorityClasses().Delete(context.Background(), class, metav1.DeleteOptions{}); err != nil {
			c.t.Error(err)
		}
	})
	return func(s *corev1.PodSpec) { s.PriorityClassName = class }
}

// TestVictims: a gang takes the place of pods that end in different ways, and starts when the last of them has ended, on no node before.
func TestVictims(t *testing.T) {
	c := withScheduler(t)
	low, high := c.atPriority("low", 100), c.atPriority("high", 1000)
	victims := map[string]gang{
		"ends-at-once": {args: []string{"-on-term", "0s"}},
		"takes-3s":     {args: []string{"-on-term", "3s"}},
		"ignores":      {args: []string{"-on-term", "-1s"}},
		"has-a-hook":   {args: nil},
	}
	for name, g := range victims {
		g.name, g.members, g.cpu = name, 1, "900m"
		g.change = func(s *corev1.PodSpec) {
			low(s)
			s.TerminationGracePeriodSeconds = new(int64(5))
			if name == "has-a-hook" {
				s.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
					Exec: &corev1.ExecAction{Command: []string{"/usr/local/bin/worker", "-for", "2s"}},
				}}
			}
		}
		c.pod(name, g)
	}
	for name := range victims {
		c.awaitRunning(name, 1)
	}
	c.job(gang{name: "urgent", members: 2 * *nodes, cpu: "900m", change: high})
	c.awaitRunning("urgent", 2**nodes)
	for name := range victims {
		// One whose containers have ended is Failed for a moment before it is deleted.
		if left := c.pods("gang=" + name); slices.ContainsFunc(left, isActive) {
			t.Errorf("all victims have to have ended before the gang starts:\n%s", describe(left))
		}
	}
	c.rejectedNone()
}

// TestVictimsThatComplete: members that complete in the time that they are given to end count for their Job.
func TestVictimsThatComplete(t *testing.T) {
	c := withScheduler(t)
	low, high := c.atPriority("low", 100), c.atPriority("high", 1000)
	c.job(gang{
		name: "tidy", members: 2, cpu: "1", change: low, onlyFailed: true,
		args: []string{"-on-term", "1s", "-on-term-exit", "0"},
	})
	c.awaitRunning("tidy", 2)
	c.job(gang{name: "urgent", members: 2 * *nodes, cpu: "900m", change: high, args: []string{"-for", "4s"}})
	c.awaitJob("tidy", batchv1.JobComplete)
	c.awaitJob("urgent", batchv1.JobComplete)
	c.rejectedNone()
}

// TestMembersThatEndWhileTheyAreDeleted: a member is deleted and completes meanwhile. Its gang goes on, and what is left of it completes.
func TestMembersThatEndWhileTheyAreDeleted(t *testing.T) {
	c := withScheduler(t)
	c.job(gang{name: "work", members: 3, cpu: "100m", args: []string{"-for", "8s", "-on-term", "1s", "-on-term-exit", "0"}})
	first := c.awaitRunning("work", 3)[0]
	if err := suite.client.CoreV1().Pods(c.namespace).Delete(t.Context(), first.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.awaitJob("work", batchv1.JobComplete)
	process.Within(t, patience, "nothing of the gang to wait", func() (bool, string) {
		all := c.pods("gang=work")
		return !slices.ContainsFunc(all, isActive), describe(all)
	})
	c.job(gang{name: "next", members: 2 * *nodes, cpu: "900m", args: []string{"-for", "2s"}})
	c.awaitJob("next", batchv1.JobComplete)
}

// rejectedNone checks that no kubelet rejected a pod: two pods had one place otherwise.
func (c *cluster) rejectedNone() {
	c.t.Helper()
	all := c.pods("")
	for i := range all {
		if reason := all[i].Status.Reason; reason != "" {
			c.t.Errorf("pod %s: %s", all[i].Name, fmt.Sprint(reason, ": ", all[i].Status.Message))
		}
	}
}
