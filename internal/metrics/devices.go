package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// maxKeys is how many keys of node labels have series, beside those of single nodes and of the whole cluster.
	maxKeys = 8
	// maxDomains is how many domains a key may have for each to have series.
	maxDomains = 200
	// keyTime is for how long a key has series after the last gang that asked for it.
	keyTime = time.Hour
	// wholeCluster is the key of which all nodes are one domain.
	wholeCluster = ""
)

// perMember are the numbers of devices for each member for which the largest gang is computed.
func perMember() [4]int64 { return [4]int64{1, 2, 4, 8} }

// NodeDevices are the devices of a node.
type NodeDevices struct {
	Labels map[string]string
	// Devices has those of the node, each resource once.
	Devices []Devices
}

// Devices are the devices of one kind that a node has.
type Devices struct {
	// Resource is the name of the extended resource.
	Resource string
	// Total is how many devices pods can use, Free how many of them no pod uses.
	Total, Free int64
}

// recentKeys are the keys of node labels that gangs asked for within keyTime. Series of a key do not end with the only gang that asked.
type recentKeys struct {
	mu   sync.Mutex
	seen map[string]seenKey
}

// seenKey is when gangs asked for a key last, and how many of them.
type seenKey struct {
	at    time.Time
	gangs int
}

// update adds the keys that gangs ask for now. It returns those with series, the latest first and of them those that most gangs ask for,
// and how many others gangs ask for now.
func (r *recentKeys) update(all []gang.Status, now time.Time) (keys []string, others int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := map[string]int{}
	for i := range all {
		for _, key := range all[i].TopologyKeys {
			if key != corev1.LabelHostname {
				asked[key]++
			}
		}
	}
	if r.seen == nil {
		r.seen = map[string]seenKey{}
	}
	for key, n := range asked {
		r.seen[key] = seenKey{now, n}
	}
	maps.DeleteFunc(r.seen, func(_ string, s seenKey) bool { return now.Sub(s.at) > keyTime })
	keys = slices.SortedFunc(maps.Keys(r.seen), func(a, b string) int {
		x, y := r.seen[a], r.seen[b]
		return cmp.Or(y.at.Compare(x.at), cmp.Compare(y.gangs, x.gangs), cmp.Compare(a, b))
	})
	for _, key := range keys[min(len(keys), maxKeys):] { // users name keys, so there is no end of them
		delete(r.seen, key)
	}
	return keys[:min(len(keys), maxKeys)], max(0, len(asked)-maxKeys)
}

// domain is what is free in a domain of a node label.
type domain struct {
	free int64
	// members is for how many members devices are free, in the order of perMember.
	members [4]int64
}

// add counts the free devices of a node. Those of one member are on one node.
func (d *domain) add(free int64) {
	d.free += free
	for i, each := range perMember() {
		d.members[i] += free / each
	}
}

// emitDevices makes the series of devices: of these keys, of single nodes, and of the whole cluster. others is how many keys have none.
func emitDevices(emit emitter, nodes []NodeDevices, keys []string, others int) {
	whole, totals := map[string]int64{}, map[string]int64{}
	for i := range nodes {
		for _, d := range nodes[i].Devices {
			totals[d.Resource] += d.Total
			if d.Free == d.Total {
				whole[d.Resource] += d.Total
			}
		}
	}
	shown := slices.Sorted(maps.Keys(totals))
	hiddenResources := max(0, len(shown)-maxResources)
	shown = shown[:len(shown)-hiddenResources]
	for _, resource := range shown {
		emit(devicesFreeWhole, float64(whole[resource]), resource)
	}
	hiddenDomains := 0
	for _, key := range append([]string{wholeCluster, corev1.LabelHostname}, keys...) {
		hiddenDomains += emitKey(emit, nodes, shown, key)
	}
	for kind, n := range map[string]int{"resources": hiddenResources, "keys": others, "domains": hiddenDomains} {
		emit(devicesHidden, float64(n), kind)
	}
}

// emitKey makes the series of a key. It returns how many domains have no series because the key has too many.
func emitKey(emit emitter, nodes []NodeDevices, resources []string, key string) (hidden int) {
	of := byDomain(nodes, key)
	names := map[string]bool{}
	for _, resource := range resources {
		for name := range of[resource] {
			names[name] = true
		}
	}
	for _, resource := range resources {
		var best domain
		for _, d := range of[resource] {
			for i, n := range d.members {
				best.members[i] = max(best.members[i], n)
			}
		}
		for i, each := range perMember() {
			emit(devicesGang, float64(best.members[i]), resource, key, strconv.FormatInt(each, 10))
		}
		switch {
		case key == wholeCluster:
			free := int64(0)
			if all := of[resource][wholeCluster]; all != nil {
				free = all.free
			}
			emit(devicesFree, float64(free), resource)
		case key != corev1.LabelHostname && len(names) <= maxDomains:
			for name, d := range of[resource] {
				emit(devicesDomain, float64(d.free), resource, key, name)
			}
		}
	}
	if key != corev1.LabelHostname && len(names) > maxDomains {
		return len(names)
	}
	return 0
}

// byDomain returns what is free of each resource, by domain of the key. Nodes without the label are in no domain.
func byDomain(nodes []NodeDevices, key string) map[string]map[string]*domain {
	of := map[string]map[string]*domain{}
	for i := range nodes {
		name, labelled := nodes[i].Labels[key]
		if !labelled && key != wholeCluster {
			continue
		}
		for _, d := range nodes[i].Devices {
			if of[d.Resource] == nil {
				of[d.Resource] = map[string]*domain{}
			}
			if of[d.Resource][name] == nil {
				of[d.Resource][name] = &domain{}
			}
			of[d.Resource][name].add(d.Free)
		}
	}
	return of
}
