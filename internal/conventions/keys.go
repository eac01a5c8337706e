package conventions

import "slices"

// Keys returns the keys of all annotations and labels that this package reads. What else a pod carries does not change its gang.
func Keys() []string {
	var keys []string
	for _, a := range slices.Concat(Annotations(), SparkKeys()) {
		keys = append(keys, a.Key)
	}
	for _, p := range products() {
		keys = append(keys, p.keys[0], p.keys[1], p.size, p.more)
	}
	revisions := revisionLabels()
	keys = append(append(keys, revisions[:]...),
		jobSetLabel, jobSetRestartLabel, lwsLabel, lwsGroupLabel, lwsKeyLabel, rayLabel, kubeflowLabel,
		jobLabel, jobUIDLabel, oldJobLabel, oldJobUIDLabel)
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(key string) bool { return key == "" })
}
