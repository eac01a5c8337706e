package metrics

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/component-base/metrics/testutil"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	gpus = "nvidia.com/gpu"
	rack = "example.com/rack"
)

// gpuNode is a node of a rack, or of none, with eight GPUs.
func gpuNode(name, inRack string, free int64) NodeDevices {
	labels := map[string]string{"kubernetes.io/hostname": name}
	if inRack != "" {
		labels[rack] = inRack
	}
	return NodeDevices{Labels: labels, Devices: []Devices{{Resource: gpus, Total: 8, Free: free}}}
}

// asking is a gang that asks for these keys.
func asking(name string, keys ...string) gang.Status {
	return gang.Status{Key: keyOf(name), TopologyKeys: keys}
}

// TestTheLargestGangThatDevicesWouldHold: 26 GPUs are free, and no gang with eight of them each has more than two members.
func TestTheLargestGangThatDevicesWouldHold(t *testing.T) {
	_, registry := registered(t, &source{
		gangs: []gang.Status{asking("a", rack)},
		nodes: []NodeDevices{
			gpuNode("a", "r1", 8), gpuNode("b", "r1", 3), gpuNode("c", "r2", 7), gpuNode("d", "r2", 0), gpuNode("e", "", 8),
			{Labels: map[string]string{rack: "r3"}, Devices: []Devices{{Resource: "nvidia.com/mig-1g.10gb", Total: 7, Free: 5}}},
		},
	})
	gang := func(resource, key string, of1, of2, of4, of8 int) (series string) {
		for i, n := range []int{of1, of2, of4, of8} {
			series += fmt.Sprintf("%s{devices=\"%d\",key=%q,resource=%q} %d\n", devicesGang.Name, 1<<i, key, resource, n)
		}
		return series
	}
	const mig = "nvidia.com/mig-1g.10gb"
	want := head(devicesFree) + devicesFree.Name + `{resource="nvidia.com/gpu"} 26
` + devicesFree.Name + `{resource="nvidia.com/mig-1g.10gb"} 5
` + head(devicesDomain) + devicesDomain.Name + `{domain="r1",key="example.com/rack",resource="nvidia.com/gpu"} 11
` + devicesDomain.Name + `{domain="r2",key="example.com/rack",resource="nvidia.com/gpu"} 7
` + devicesDomain.Name + `{domain="r3",key="example.com/rack",resource="nvidia.com/mig-1g.10gb"} 5
` + head(devicesFreeWhole) + devicesFreeWhole.Name + `{resource="nvidia.com/gpu"} 16
` + devicesFreeWhole.Name + `{resource="nvidia.com/mig-1g.10gb"} 0
` + head(devicesGang) +
		gang(gpus, "", 26, 12, 5, 2) + gang(gpus, "kubernetes.io/hostname", 8, 4, 2, 1) + gang(gpus, rack, 11, 5, 2, 1) +
		gang(mig, "", 5, 2, 1, 0) + gang(mig, "kubernetes.io/hostname", 0, 0, 0, 0) + gang(mig, rack, 5, 2, 1, 0) +
		head(devicesHidden) + devicesHidden.Name + "{kind=\"domains\"} 0\n" + devicesHidden.Name + "{kind=\"keys\"} 0\n" +
		devicesHidden.Name + "{kind=\"resources\"} 0\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), devicesFree.Name, devicesDomain.Name, devicesFreeWhole.Name,
		devicesGang.Name, devicesHidden.Name); err != nil {
		t.Error(err)
	}
}

// TestSeriesOfDevicesAreBounded: whatever users name and device plugins publish.
func TestSeriesOfDevicesAreBounded(t *testing.T) {
	from := &source{}
	for i := range 20 {
		from.gangs = append(from.gangs, asking(fmt.Sprint("g", i), fmt.Sprint("key-", i)))
	}
	from.gangs = append(from.gangs, asking("more", "key-19"), asking("hosts", "kubernetes.io/hostname"))
	for n := range 300 {
		node := NodeDevices{Labels: map[string]string{"kubernetes.io/hostname": fmt.Sprint("n", n)}}
		for i := range 20 {
			node.Devices = append(node.Devices, Devices{Resource: fmt.Sprintf("example.com/%02d", i), Total: 8, Free: 8})
			node.Labels[fmt.Sprint("key-", i)] = fmt.Sprint("d", n%200)
		}
		node.Labels["key-19"] = fmt.Sprint("d", n%201)
		from.nodes = append(from.nodes, node)
	}
	_, registry := registered(t, from)
	served := seriesIn(t, registry)
	want := map[string]int{
		devicesFree.Name: 16, devicesFreeWhole.Name: 16, devicesHidden.Name: 3,
		devicesDomain.Name: 16 * 7 * 200, // key-19 has too many domains
		devicesGang.Name:   16 * (2 + 8) * 4,
	}
	maps.DeleteFunc(served, func(name string, _ int) bool { return want[name] == 0 })
	if diff := cmp.Diff(want, served); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(head(devicesHidden)+devicesHidden.Name+"{kind=\"domains\"} 201\n"+
		devicesHidden.Name+"{kind=\"keys\"} 12\n"+devicesHidden.Name+"{kind=\"resources\"} 4\n"), devicesHidden.Name); err != nil {
		t.Error(err)
	}
}

// TestKeysHaveSeriesForAnHour after the last gang that asked, and those that most gangs ask for come first.
func TestKeysHaveSeriesForAnHour(t *testing.T) {
	var r recentKeys
	update := func(after time.Duration, want []string, others int, all ...gang.Status) {
		t.Helper()
		keys, more := r.update(all, now().Add(after))
		if !slices.Equal(keys, want) || more != others {
			t.Errorf("after %s, the keys %q have series and %d others have none, want %q and %d", after, keys, more, want, others)
		}
	}
	update(0, []string{"block", "rack"}, 0, asking("a", "block", "rack", "kubernetes.io/hostname"))
	update(time.Minute, []string{"rack", "block"}, 0, asking("b", "rack"))
	update(time.Hour, []string{"rack", "block"}, 0)
	update(time.Hour+time.Second, []string{"rack"}, 0)
	update(time.Hour+time.Second, []string{"zone", "clique", "rack"}, 0, asking("c", "zone"), asking("d", "clique", "zone"))
	update(3*time.Hour, nil, 0)
	many := asking("e", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	update(3*time.Hour, []string{"9", "1", "2", "3", "4", "5", "6", "7"}, 1, many, asking("f", "9"))
	update(3*time.Hour, []string{"9", "1", "2", "3", "4", "5", "6", "7"}, 0)
}

// TestTheLargestGangIsThatOfSomeDomain compares with members that are put on nodes one by one.
func TestTheLargestGangIsThatOfSomeDomain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []NodeDevices
		for i := range rapid.IntRange(0, 8).Draw(t, "nodes") {
			inRack := rapid.SampledFrom([]string{"", "r1", "r2", "r3"}).Draw(t, "rack")
			nodes = append(nodes, gpuNode(fmt.Sprint("n", i), inRack, rapid.Int64Range(0, 8).Draw(t, "free")))
		}
		got := map[string]float64{}
		emit := func(e entry, value float64, labels ...string) {
			if e.Name == devicesGang.Name && labels[1] == rack {
				got[labels[2]] = value
			}
		}
		emitDevices(emit, nodes, []string{rack}, 0)
		want := map[string]float64{}
		for _, each := range perMember() {
			if len(nodes) > 0 {
				want[fmt.Sprint(each)] = 0
			}
			for _, name := range []string{"r1", "r2", "r3"} {
				members := 0
				for _, node := range nodes {
					for free := node.Devices[0].Free; node.Labels[rack] == name && free >= each; free -= each {
						members++
					}
				}
				if members > 0 {
					want[fmt.Sprint(each)] = max(want[fmt.Sprint(each)], float64(members))
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("members of the largest gang (-want +got):\n%s", diff)
		}
	})
}
