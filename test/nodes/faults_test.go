//go:build linux

package nodes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// hidden is a pod that a kubelet runs and nobody else knows of: its namespace does not exist, so no object is made for it.
const hidden = `apiVersion: v1
kind: Pod
metadata: {name: hidden, namespace: nowhere}
spec:
  containers:
  - {name: main, image: ` + work + `, resources: {requests: {cpu: 1500m}}}
`

// TestRejected: a kubelet rejects a member, because its node has less room than anybody could know. Another member takes its place, on
// another node.
func TestRejected(t *testing.T) {
	c := withScheduler(t)
	first := suite.nodes[0]
	manifest := filepath.Join(first.StaticPods(), "hidden.yaml")
	if err := os.WriteFile(manifest, []byte(hidden), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(manifest); err != nil {
			t.Error(err)
		}
		process.Within(t, patience, "the hidden pod to end", func() (bool, string) {
			running, err := first.Running(context.Background(), "nowhere")
			return err == nil && !running, fmt.Sprint(err)
		})
	})
	process.Within(t, patience, "the hidden pod to run", func() (bool, string) {
		running, err := first.Running(t.Context(), "nowhere")
		return err == nil && running, fmt.Sprint(err)
	})
	for _, n := range suite.nodes[1:] {
		t.Cleanup(func() { c.kubectlOutput("uncordon", n.Name) })
		c.kubectl("cordon", n.Name)
	}
	c.job(gang{name: "surprised", members: 2, cpu: "600m"})
	c.awaitEvent("GangMemberLost", "OutOfcpu")
	began := time.Now()
	for _, n := range suite.nodes[1:] {
		c.kubectl("uncordon", n.Name)
	}
	c.awaitRunning("surprised", 2)
	c.took("from a member that a kubelet rejects to its replacement running", began)
}

// TestDrain: a node is drained. The members that were there wait until there is room, and then the gang is whole again.
func TestDrain(t *testing.T) {
	c := withScheduler(t)
	c.job(gang{name: "everywhere", members: 2 * *nodes, cpu: "800m"})
	c.awaitRunning("everywhere", 2**nodes)
	last := suite.nodes[*nodes-1].Name
	t.Cleanup(func() { c.kubectlOutput("uncordon", last) })
	c.kubectl("drain", last, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout="+patience.String())
	process.Within(t, patience, "successors that wait", func() (bool, string) {
		all := c.pods("gang=everywhere")
		waiting := 0
		for i := range all {
			if all[i].Spec.NodeName == last {
				return false, describe(all)
			}
			if whyPending(&all[i]) != "" {
				waiting++
			}
		}
		return waiting >= 2, describe(all)
	})
	began := time.Now()
	c.kubectl("uncordon", last)
	c.awaitRunning("everywhere", 2**nodes)
	c.took("from the end of a drain to all members running", began)
	c.rollout("kube-system", "kubenexus-scheduler")
}

// TestKubeletStops: a node does not answer any more. Its members are evicted, their successors wait, and a gang that fits elsewhere starts
// there. When the node is back, the gang is whole again.
func TestKubeletStops(t *testing.T) {
	c := withScheduler(t)
	c.job(gang{name: "everywhere", members: 2 * *nodes, cpu: "700m"})
	c.awaitRunning("everywhere", 2**nodes)
	last := c.otherThanTheScheduler()
	last.StopKubelet()
	c.awaitNode(last.Name, false)
	c.job(gang{name: "small", members: 2, cpu: "100m"})
	for _, pod := range c.awaitRunning("small", 2) {
		if pod.Spec.NodeName == last.Name {
			t.Errorf("pod %s was bound to a node that does not answer", pod.Name)
		}
	}
	process.Within(t, patience, "successors that wait", func() (bool, string) {
		all := c.pods("gang=everywhere")
		return slices.ContainsFunc(all, func(p corev1.Pod) bool { return whyPending(&p) != "" }), describe(all)
	})
	if err := last.StartKubelet(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c.awaitNode(last.Name, true)
	c.awaitRunning("everywhere", 2**nodes)
	c.took("from a kubelet that starts again to all members running", began)
	c.rejectedNone()
}

// TestReboot: a node is switched off and on again. What ran there has ended, and the gang is whole again soon.
func TestReboot(t *testing.T) {
	c := withScheduler(t)
	c.job(gang{name: "everywhere", members: 2 * *nodes, cpu: "700m"})
	before := c.awaitRunning("everywhere", 2**nodes)
	last := c.otherThanTheScheduler()
	began := time.Now()
	if err := last.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if err := last.PowerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "other members than before the reboot", func() (bool, string) {
		now := c.awaitRunning("everywhere", 2**nodes)
		lost := 0
		for i := range before {
			if before[i].Spec.NodeName == last.Name && !slices.ContainsFunc(now, func(p corev1.Pod) bool { return p.UID == before[i].UID }) {
				lost++
			}
		}
		return lost == 2, fmt.Sprintf("%d members were lost", lost)
	})
	c.took("from a node that is switched off and on again to all members running", began)
}
