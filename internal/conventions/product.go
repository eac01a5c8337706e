package conventions

import (
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// product is a scheduler or a controller with its own keys that group pods. It reads groups whose keys are equivalent to ours.
type product struct {
	name string
	// keys name a group, by precedence. All keys are accepted as labels and as annotations: some products read both, and users mean
	// the same in either case.
	keys [2]string
	// size is the key for the number of pods of the group that must start together, or empty. With it, a pod's keys are equivalent to
	// our annotations, unless the pod also has the key more, whose meaning goes beyond them.
	size, more string
}

// products returns the products with known keys. Add new ones here and in docs/keys.md. Those without a size are not read: their
// pods wait and get an event.
func products() [6]product {
	return [6]product{
		koordinator(),
		volcano(),
		{name: "scheduler-plugins", keys: [2]string{"scheduling.x-k8s.io/pod-group", "pod-group.scheduling.sigs.k8s.io"}},
		{name: "YuniKorn", keys: [2]string{"yunikorn.apache.org/task-group-name", "yunikorn.apache.org/task-groups"}},
		{name: "Kueue", keys: [2]string{"kueue.x-k8s.io/pod-group-name"}},
		{name: "KAI", keys: [2]string{"pod-group-name"}},
	}
}

// find returns the key that ties a pod to others or sets their number. An empty value names no group.
func (p product) find(pod Pod) (u Unknown, found bool) {
	for _, key := range [...]string{p.more, p.keys[0], p.keys[1], p.size} {
		if value := pod.Labels[key]; value != "" {
			return Unknown{Where: InLabel, Key: key, Value: value, Product: p.name}, true
		}
		if value := pod.Annotations[key]; value != "" {
			return Unknown{Where: InAnnotation, Key: key, Value: value, Product: p.name}, true
		}
	}
	return Unknown{}, false
}

// convention returns the product's keys as a convention without a plugin, if the pod's keys are equivalent to ours.
func (p product) convention(pod Pod) (c Convention, same bool) {
	has := func(key string) bool { return key != "" && (pod.Labels[key] != "" || pod.Annotations[key] != "") }
	if !has(p.size) || has(p.more) {
		return Convention{}, false
	}
	for _, key := range p.keys {
		if has(key) {
			return Convention{GroupAnnotation: key, MinAvailableAnnotation: p.size}, true
		}
	}
	return Convention{}, false
}

// Applies reports whether the pod has keys of the product that are equivalent to ours.
func (p product) Applies(pod Pod) bool {
	_, same := p.convention(pod)
	return same
}

// Read reads the product's keys like ours.
func (p product) Read(pod Pod) (*gang.Spec, error) {
	c, _ := p.convention(pod)
	return c.Read(pod)
}

// Beside rejects a pod on which the keys of two products differ. If the pod has our keys, those of other products do not count.
func (p product) Beside(first Reader, pod Pod) error {
	counts, foreign := first.(product)
	if !foreign {
		return nil
	}
	a, _ := counts.convention(pod)
	b, _ := p.convention(pod)
	ours, theirs := a.keys(), b.keys()
	for i := range ours {
		one, _, _ := pod.says(ours[i])
		other, where, _ := pod.says(theirs[i])
		if one != other {
			wrong := conflict(theirs[i], other, ours[i]+"="+one, fmt.Sprintf(
				"%s has the value %q; make both say the same, or remove those of one product", ours[i], shown(one)))
			wrong.Where = where
			return wrong
		}
	}
	return nil
}
