package queue

import (
	"cmp"
	"slices"
	"strings"
)

// Refusal is whether a gang may use the queue that it names or falls to.
type Refusal int

const (
	// NotFound means that there is no queue of that name.
	NotFound Refusal = iota
	// NotALeaf means that the queue has children; gangs wait in those without.
	NotALeaf
	// NotAllowed means that the queue names the namespaces that may use it, and the gang's is not among them.
	NotAllowed
	// Allowed means that the gang waits in the queue.
	Allowed
)

// For returns the queue of a gang. That is the one that it names. A gang that names none goes to the queue that names its namespace: by
// its exact name, or else by the pattern with the most characters other than *, and of equals to the first in the configuration. A queue
// without Namespaces names nobody. All others go to Default.
//
// With NotAllowed and NotALeaf the queue that was refused is returned too, for its name and children.
func (t *Tree) For(namespace, stated string) (Leaf, Refusal) {
	var n *node
	if stated != "" {
		n = t.byName[stated]
	} else if n = t.owners.of(namespace); n == nil {
		n = t.byName[Default]
	}
	switch {
	case n == nil:
		return Leaf{}, NotFound
	case !n.leaf():
		return Leaf{n}, NotALeaf
	case !allows(n.config.Namespaces, namespace):
		return Leaf{n}, NotAllowed
	}
	return Leaf{n}, Allowed
}

// allows reports whether a namespace may use a queue with these patterns.
func allows(patterns []string, namespace string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return match(p, namespace) })
}

// owners are the queues that name namespaces.
type owners struct {
	exact map[string]*node
	// patterns are the best first.
	patterns []owner
}

// owner is a queue that names namespaces by a pattern.
type owner struct {
	pattern string
	queue   *node
}

// ownersOf returns the owners among leaves in configuration order.
func ownersOf(leaves []*node) owners {
	o := owners{exact: map[string]*node{}}
	named := map[string]bool{}
	for i, n := range leaves {
		if i > 0 && slices.Equal(n.config.Namespaces, leaves[i-1].config.Namespaces) {
			continue // thousands of siblings may have thousands from their parent
		}
		for _, p := range n.config.Namespaces {
			switch {
			case named[p]:
			case strings.Contains(p, "*"):
				o.patterns = append(o.patterns, owner{p, n})
			default:
				o.exact[p] = n
			}
			named[p] = true
		}
	}
	literals := func(o owner) int { return len(o.pattern) - strings.Count(o.pattern, "*") }
	slices.SortStableFunc(o.patterns, func(a, b owner) int { return cmp.Compare(literals(b), literals(a)) })
	return o
}

// of returns the queue that names a namespace best, or nil.
func (o owners) of(namespace string) *node {
	if n := o.exact[namespace]; n != nil {
		return n
	}
	for _, p := range o.patterns {
		if match(p.pattern, namespace) {
			return p.queue
		}
	}
	return nil
}

// match reports whether a name matches a pattern, in which * stands for any characters. The first place at which a part between two stars
// matches leaves the most for the parts behind it, so nothing is tried twice.
func match(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	for {
		part, behind, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], behind
	}
}
