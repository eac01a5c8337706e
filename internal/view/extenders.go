package view

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"
)

// askExtenders limits the class to the nodes that the scheduler's extenders return. They are called once for a class, with no other member
// placed, and the scheduler calls them again for each member on its node.
func (v *view) askExtenders(c *class) error {
	pod := c.info.GetPod()
	for _, extender := range v.framework.Extenders() {
		if !extender.IsFilter() || !extender.IsInterested(pod) {
			continue
		}
		left, _, _, err := extender.Filter(pod, v.snapshot)
		switch {
		case err != nil && extender.IsIgnorable():
			continue
		case err != nil:
			return fmt.Errorf("asking extender %s about pod %s: %w", extender.Name(), pod.Name, err)
		}
		allowed := sets.New[string]()
		for _, node := range left {
			if name := node.Node().Name; c.offered == nil || c.offered.Has(name) {
				allowed.Insert(name)
			}
		}
		c.offered = allowed
	}
	return nil
}
