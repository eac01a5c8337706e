package cycle

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	// topologyKeysMost is how many keys of node labels an answer has, topologyKeysTried how many of those that gangs ask for are looked at:
	// users name keys, so there is no end of them.
	topologyKeysMost  = 8
	topologyKeysTried = 32
	// cliqueLabel says which nodes NVLink connects. GPU feature discovery sets it.
	cliqueLabel = "nvidia.com/gpu.clique"
)

// topologyKeys returns the keys of labels that say which nodes are close to each other, those with the fewest domains first: the keys that
// clouds and GPU operators set, and those that most gangs ask for. asked has the number of gangs that ask for a key. A key of which every
// node has a value of its own says nothing of that.
func topologyKeys(nodes []map[string]string, asked map[string]int) []string {
	tried := []string{corev1.LabelTopologyRegion, corev1.LabelTopologyZone, cliqueLabel}
	for _, key := range slices.SortedFunc(maps.Keys(asked), func(a, b string) int {
		return cmp.Or(cmp.Compare(asked[b], asked[a]), cmp.Compare(a, b))
	}) {
		if !slices.Contains(tried, key) && len(tried) < topologyKeysTried {
			tried = append(tried, key)
		}
	}
	domains := map[string]int{}
	keys := slices.DeleteFunc(tried, func(key string) bool {
		values, labelled := map[string]struct{}{}, 0
		for _, labels := range nodes {
			if value, has := labels[key]; has {
				values[value] = struct{}{}
				labelled++
			}
		}
		domains[key] = len(values)
		return len(values) == labelled
	})
	keys = keys[:min(len(keys), topologyKeysMost)]
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(domains[a], domains[b]) })
	return keys
}
