//go:build linux

package nodes

import (
	"flag"
	"strings"
	"testing"
	"time"
)

var measure = flag.Bool("measure", false, "measure how long a gang of 40 takes to start, packed on few nodes and spread over all")

// TestStartOfALargeGang measures what packing costs when containers start: one kubelet starts all of them.
func TestStartOfALargeGang(t *testing.T) {
	if !*measure {
		t.Skip("-measure was not given")
	}
	for name, placement := range map[string]string{"packed": "pack", "spread": "spread"} {
		t.Run(name, func(t *testing.T) {
			c := withoutScheduler(t)
			manifest := strings.Replace(c.manifest("gang-scheduler-deployment", image), "      pluginConfig:\n",
				"      pluginConfig:\n      - {name: Coscheduling, args: {placement: "+placement+"}}\n", 1)
			c.apply(manifest)
			t.Cleanup(func() { c.uninstall(manifest, "kube-system") })
			c.rollout("kube-system", "kubenexus-scheduler")
			for range 3 {
				began := time.Now()
				c.job(gang{name: "large", members: 40, cpu: "20m"})
				running := c.awaitRunning("large", 40)
				took := time.Since(began)
				on := map[string]int{}
				for i := range running {
					on[running[i].Spec.NodeName]++
				}
				t.Logf("%s: a gang of 40 ran after %s, on %v", name, took.Round(100*time.Millisecond), on)
				c.kubectl("-n", c.namespace, "delete", "job", "large", "--cascade=foreground")
			}
		})
	}
}
