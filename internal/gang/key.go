package gang

import "cmp"

// Key is the identity of a gang. The same name in two namespaces, two conventions, or two instances of a template means two gangs.
type Key struct {
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	Convention string `json:"convention"`
	Instance   string `json:"instance,omitempty"`
}

// String returns "namespace/name", the form that users read.
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Compare orders keys: by namespace, name, convention, then instance. It is negative if k comes before o.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Namespace, o.Namespace), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Convention, o.Convention),
		cmp.Compare(k.Instance, o.Instance))
}
