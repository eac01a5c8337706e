package gang

import (
	"cmp"
	"slices"
	"strings"
)

// Topology is where the members of a gang, or of one of its roles, have to be in the topology of the nodes. Each key is that of a node
// label. Nodes with the same value of it are one domain; nodes without it belong to no domain. The zero value asks for nothing.
type Topology struct {
	// Required is the key of which one domain holds all members, or empty.
	Required string
	// Preferred are keys, the narrowest first. The first of which one domain holds all members counts. If there is none, the members
	// are in as few domains of the last as possible.
	Preferred []string
	// SliceRequired is the key of which one domain holds each slice, or empty. A slice is SliceSize consecutive members in the order
	// of Task.Members; the last one may have fewer. SliceSize is 0 if there are no slices.
	SliceRequired string
	SliceSize     int
	// Spread is the key over whose domains the members are spread evenly, or empty: each has its share of them, or one more.
	Spread string
}

// Any reports whether the topology asks for anything.
func (t Topology) Any() bool {
	return t.Required != "" || len(t.Preferred) > 0 || t.SliceRequired != "" || t.Spread != ""
}

// StatedTopology is a Topology as members state it, in a form that can be compared.
type StatedTopology struct {
	Required string
	// Preferred are the keys, separated by commas.
	Preferred     string
	SliceRequired string
	SliceSize     int
	Spread        string
}

// Stated returns the topology in the form of which members state it.
func (t Topology) Stated() StatedTopology {
	return StatedTopology{t.Required, strings.Join(t.Preferred, ","), t.SliceRequired, t.SliceSize, t.Spread}
}

// Topology returns what is stated.
func (s StatedTopology) Topology() Topology {
	t := Topology{Required: s.Required, SliceRequired: s.SliceRequired, SliceSize: s.SliceSize, Spread: s.Spread}
	if s.Preferred != "" {
		t.Preferred = strings.Split(s.Preferred, ",")
	}
	return t
}

func (s StatedTopology) compare(o StatedTopology) int {
	return cmp.Or(cmp.Compare(s.Required, o.Required), cmp.Compare(s.Preferred, o.Preferred),
		cmp.Compare(s.SliceRequired, o.SliceRequired), cmp.Compare(s.SliceSize, o.SliceSize), cmp.Compare(s.Spread, o.Spread))
}

// RunningMember is the role and the node of a member that runs or is being bound, or for which a slot is held. The role may be empty.
type RunningMember struct{ Role, Node string }

// Topology is what the members say of the topology for the whole gang. It asks for nothing if members disagree and those that run do
// not decide it. Roles may ask for more, for their members.
func (g *Gang) Topology() Topology {
	said, _ := g.tally.says(topologyAspect)
	return said.Topology.Topology()
}

// topologies returns what the gang and its roles ask for.
func (g *Gang) topologies() []Topology {
	var all []Topology
	add := func(t Topology) {
		if t.Any() {
			all = append(all, t)
		}
	}
	add(g.Topology())
	for _, role := range g.shape().All() {
		add(role.Topology)
	}
	return all
}

// TopologyKeys returns the keys of node labels that the gang and its roles ask for, sorted, each once.
func (g *Gang) TopologyKeys() []string {
	var keys []string
	for _, t := range g.topologies() {
		keys = append(append(keys, t.Preferred...), t.Required, t.SliceRequired, t.Spread)
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(key string) bool { return key == "" })
}

// RunningMembers returns where the gang runs, sorted by role and node: members that come later go to the same domains. It is empty if
// neither the gang nor a role asks for any topology. It visits every member.
func (g *Gang) RunningMembers() []RunningMember {
	if len(g.topologies()) == 0 {
		return nil
	}
	var all []RunningMember
	for _, m := range g.each() {
		if m.started() {
			all = append(all, RunningMember{Role: m.Spec.Role, Node: cmp.Or(m.Node, m.bindsTo)})
		}
	}
	for _, p := range g.held {
		if p.taker == nil || !p.taker.started() {
			all = append(all, RunningMember{Role: p.role.Name, Node: p.node})
		}
	}
	slices.SortFunc(all, func(a, b RunningMember) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Node, b.Node))
	})
	return all
}

// sliced reports whether the gang, or a role, asks for slices.
func (g *Gang) sliced() bool {
	return slices.ContainsFunc(g.topologies(), func(t Topology) bool { return t.SliceRequired != "" })
}

// compareRanks orders members as slices count them: by role, then as their controllers number them. The name of a pod has its number
// in a StatefulSet, and in most other controllers; the pods of an Indexed Job have a completion index.
func compareRanks(a, b *member) int {
	return cmp.Or(cmp.Compare(a.Spec.Role, b.Spec.Role), compareNatural(a.numbered(), b.numbered()), compareNatural(a.Index, b.Index),
		compareNatural(a.Name, b.Name), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// numbered is what the member's number belongs to: its Job if it has a completion index, otherwise its own name.
func (m *member) numbered() string {
	if m.Index != "" {
		return m.Owner
	}
	return m.Name
}

// compareNatural orders texts as people do: numbers in them by value, so that "w-2" is before "w-10".
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		if i, j := digits(a), digits(b); i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if differ := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); differ != 0 {
				return differ
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is the number of digits with which the text begins.
func digits(text string) int { return len(text) - len(strings.TrimLeft(text, "0123456789")) }
