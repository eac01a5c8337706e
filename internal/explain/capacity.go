package explain

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/bars"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

const (
	// shownNodes is how many lines of nodes are shown for each kind of pod, and shownNames how many names of equal nodes.
	shownNodes = 8
	shownNames = 3
)

// Capacity is where waiting pods fit, counted by what pods request, and by the taints and labels of nodes. The scheduler also applies its
// other filters, and does not use capacity that it holds for others.
type Capacity struct {
	// Waiting is the number of pods that wait for a node, Needed how many of them have to start together, and Fit how many of those fit
	// now.
	Waiting int `json:"waiting"`
	Needed  int `json:"needed"`
	Fit     int `json:"fit"`
	// Within is the topology domain that takes the most, if all have to be in one.
	Within *gang.DomainStatus `json:"within,omitempty"`
	// Asks are the kinds of waiting pods, those that are most first.
	Asks []Ask `json:"asks"`
	// Uncounted is what else decides where the pods fit, and is not counted here.
	Uncounted []string `json:"uncounted,omitempty"`
}

// Ask is what each of some waiting pods asks for, and which nodes take it.
type Ask struct {
	Pods     int               `json:"pods"`
	Requests map[string]string `json:"requests"`
	// Nodes are the nodes, those that take the most first, then those that lack the least. Equal nodes are together.
	Nodes []EqualNodes `json:"nodes"`
	// MoreNodes is the number of nodes that are not listed.
	MoreNodes int `json:"moreNodes,omitempty"`
}

// EqualNodes are nodes of which the same is true.
type EqualNodes struct {
	// Names are at most three of their names, sorted; Count is how many they are.
	Names []string `json:"names"`
	Count int      `json:"count"`
	// Takes is how many more pods each takes, and Free what is free there of what the pods ask for.
	Takes int               `json:"takes"`
	Free  map[string]string `json:"free"`
	// Why says why they take no more.
	Why []string `json:"why"`
}

// counting is the capacity that is being counted.
type counting struct {
	kinds  kinds
	asks   []ask
	places []place
	// within are the places where all have to be: all of them without a required topology.
	within []place
	needed int
}

// question is what capacity is counted for.
type question struct {
	waiting []*corev1.Pod
	needed  int
	// within is the label of nodes of which one value has to hold all, or empty.
	within string
	nodes  []*corev1.Node
	pods   []*corev1.Pod
}

// count returns where the waiting pods fit.
func count(q question) (Capacity, *counting) {
	c := &counting{kinds: kindsOf(q.waiting), needed: q.needed}
	var others int
	c.asks, others = asksOf(q.waiting, c.kinds)
	c.places = placesOf(q.nodes, q.pods, c.kinds)
	c.within = c.places
	capacity := Capacity{Waiting: len(q.waiting), Needed: q.needed, Uncounted: uncounted(q.waiting)}
	if others > 0 {
		capacity.Uncounted = append(capacity.Uncounted, words.Count(others, "pod")+" that ask for something else")
	}
	if q.within == "" {
		capacity.Fit = min(q.needed, c.fit(c.places))
	} else {
		capacity.Fit, capacity.Within = c.best(q.within)
	}
	for i := range c.asks {
		capacity.Asks = append(capacity.Asks, c.describe(&c.asks[i]))
	}
	return capacity, c
}

// best chooses the domain of the topology that takes the most, and returns how many of those that are needed fit there.
func (c *counting) best(key string) (fit int, domain *gang.DomainStatus) {
	domains := map[string][]place{}
	for _, p := range c.places {
		if name, labelled := p.node.Labels[key]; labelled {
			domains[name] = append(domains[name], p)
		}
	}
	c.within = nil
	for name, places := range domains {
		n := min(c.needed, c.fit(places))
		if domain == nil || n > fit || n == fit && name < domain.Name {
			fit, domain, c.within = n, &gang.DomainStatus{Key: key, Name: name}, places
		}
	}
	return fit, domain
}

// fit returns how many of the pods fit on the places. With several kinds of pods, those for which there is the least room go first.
func (c *counting) fit(places []place) int {
	type kind struct {
		ask  *ask
		room int
	}
	order := make([]kind, len(c.asks))
	for i := range c.asks {
		order[i] = kind{&c.asks[i], total(c.asks[i].on(places))}
	}
	if len(order) == 1 {
		return min(order[0].room, order[0].ask.pods)
	}
	slices.SortStableFunc(order, func(a, b kind) int { return cmp.Compare(a.room, b.room) })
	left := make([]place, len(places))
	for i := range places {
		left[i] = place{node: places[i].node, free: slices.Clone(places[i].free)}
	}
	fit := 0
	for _, k := range order {
		fit += k.ask.put(left)
	}
	return fit
}

func total(fits []fit) int {
	n := 0
	for i := range fits {
		n += fits[i].takes
	}
	return n
}

// put puts as many of the pods on the places as fit, and returns how many.
func (a *ask) put(places []place) int {
	put := 0
	fits := a.on(places)
	for i := range fits {
		n := min(fits[i].takes, a.pods-put)
		for r, each := range a.amounts {
			places[i].free[r] -= each * int64(n)
		}
		put += n
	}
	return put
}

// describe lists the nodes for a kind of pod.
func (c *counting) describe(a *ask) Ask {
	described := Ask{Pods: a.pods, Requests: c.quantities(a.amounts)}
	groups := c.group(a, a.on(c.within))
	for i, g := range groups {
		if i >= shownNodes {
			described.MoreNodes += len(g)
			continue
		}
		described.Nodes = append(described.Nodes, c.nodes(a, g))
	}
	return described
}

// group puts nodes together of which the same is true, in the order in which they are shown.
func (c *counting) group(a *ask, fits []fit) [][]*fit {
	groups := map[string][]*fit{}
	var key []byte
	for i := range fits {
		f := &fits[i]
		key = key[:0]
		switch {
		case f.taint != nil:
			key = append(key, f.taint.ToString()...)
		case f.cordoned:
			key = append(key, "cordoned"...)
		case f.elsewhere:
			key = append(key, "elsewhere"...)
		default:
			for _, free := range f.place.free[1:] {
				key = binary.AppendVarint(key, free)
			}
			key = binary.AppendVarint(key, min(f.place.free[0], int64(a.pods))) // the number of pods is rarely what lacks
		}
		groups[string(key)] = append(groups[string(key)], f)
	}
	ordered := make([][]*fit, 0, len(groups))
	for _, g := range groups {
		slices.SortFunc(g, func(x, y *fit) int { return cmp.Compare(x.place.node.Name, y.place.node.Name) })
		ordered = append(ordered, g)
	}
	slices.SortFunc(ordered, func(x, y []*fit) int {
		f, g := x[0], y[0]
		return cmp.Or(cmp.Compare(g.takes, f.takes), -compareBools(f.admitted(), g.admitted()), cmp.Compare(a.gap(f), a.gap(g)),
			cmp.Compare(len(y), len(x)), cmp.Compare(f.place.node.Name, g.place.node.Name))
	})
	return ordered
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// gap is how much of one more pod a node lacks, as the sum of the parts of each resource.
func (a *ask) gap(f *fit) float64 {
	gap := 0.0
	for i, each := range a.amounts {
		if short := each - f.place.free[i]; each > 0 && short > 0 {
			gap += float64(short) / float64(each)
		}
	}
	return gap
}

func (c *counting) nodes(a *ask, group []*fit) EqualNodes {
	first := group[0]
	n := EqualNodes{Count: len(group), Takes: first.takes, Free: c.quantities(first.place.free), Why: c.why(a, first)}
	for _, f := range group[:min(len(group), shownNames)] {
		n.Names = append(n.Names, f.place.node.Name)
	}
	return n
}

// why says why a node takes no more pods.
func (c *counting) why(a *ask, f *fit) []string {
	switch {
	case f.taint != nil:
		return []string{"taint " + f.taint.ToString() + " is not tolerated"}
	case f.cordoned:
		return []string{"marked as unschedulable"}
	case f.elsewhere:
		return []string{"not selected by the pods' nodeSelector or node affinity"}
	}
	after := slices.Clone(f.place.free)
	for i, each := range a.amounts {
		after[i] -= each * int64(f.takes)
	}
	var why []string
	for _, i := range a.lacks(after) {
		name := string(c.kinds[i])
		if i == 0 {
			why = append(why, "as many pods as it may have")
			continue
		}
		text := requests.Quantity(name, max(0, f.place.free[i])) + " " + name + " free"
		if f.takes > 0 {
			text = requests.Quantity(name, max(0, after[i])) + " " + name + " left then"
		}
		why = append(why, text)
	}
	return why
}

// quantities writes amounts, without the number of pods.
func (c *counting) quantities(amounts []int64) map[string]string {
	quantities := map[string]string{}
	for i, name := range c.kinds {
		if i > 0 {
			quantities[string(name)] = requests.Quantity(string(name), max(0, amounts[i]))
		}
	}
	return quantities
}

// uncounted names what the pods ask for that only the scheduler can decide.
func uncounted(pods []*corev1.Pod) []string {
	var all []string
	add := func(what string, asked bool) {
		if asked && !slices.Contains(all, what) {
			all = append(all, what)
		}
	}
	for _, pod := range pods {
		affinity := pod.Spec.Affinity
		add("pod affinity and anti-affinity", affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil))
		add("topology spread constraints", len(pod.Spec.TopologySpreadConstraints) > 0)
		add("resource claims", len(pod.Spec.ResourceClaims) > 0)
		add("volumes", slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil || v.Ephemeral != nil
		}))
		add("host ports", slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
			return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort > 0 })
		}))
	}
	return all
}

// listed writes the amounts of resources, in the order in which users look at them.
func listed(quantities map[string]string) string {
	names := bars.Names(quantities)
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name + " " + bars.Rounded(name, quantities[name])
	}
	return strings.Join(texts, ", ")
}
