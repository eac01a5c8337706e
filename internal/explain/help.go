package explain

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// help says what would let the gang start, in numbers. started is how many of its pods have started, and oneSize says that the gang has
// no roles, so that min-available alone decides.
func (c *counting) help(fit, started int, oneSize bool) []string {
	missing := c.needed - fit
	if missing <= 0 || len(c.asks) == 0 {
		return nil
	}
	a := c.scarcest()
	var all []string
	all = append(all, c.moreNodes(a, missing)...)
	all = append(all, c.moreOnOne(a, missing)...)
	if len(c.asks) == 1 {
		all = append(all, c.smaller(a)...)
	}
	if oneSize && fit > 0 {
		all = append(all, fmt.Sprintf("a min-available of %d would fit now", started+fit))
	}
	return all
}

// scarcest returns the kind of pods of which the most do not fit.
func (c *counting) scarcest() *ask {
	worst, most := &c.asks[0], -1
	for i := range c.asks {
		a := &c.asks[i]
		if left := a.pods - min(a.pods, total(a.on(c.within))); left > most {
			worst, most = a, left
		}
	}
	return worst
}

// whole returns how many of the pods a node takes if it is empty.
func (c *counting) whole(a *ask, f *fit) int {
	if !f.admitted() {
		return 0
	}
	return a.roomIn(c.kinds.amountsOf(f.place.node.Status.Allocatable))
}

// moreNodes says how many more nodes like one of those that there are would do, or that none can hold one of the pods.
func (c *counting) moreNodes(a *ask, missing int) []string {
	var like *fit
	most, admitting := 0, 0
	fits := a.on(c.within)
	for i := range fits {
		f := &fits[i]
		if f.admitted() {
			admitting++
		}
		if n := c.whole(a, f); n > most || n == most && n > 0 && f.place.node.Name < like.place.node.Name {
			most, like = n, f
		}
	}
	switch {
	case like != nil:
		nodes := (missing + most - 1) / most
		return []string{fmt.Sprintf("%s like %s (each takes %d of these pods when it is empty)",
			more(nodes, "node"), like.place.node.Name, most)}
	case len(c.places) == 0:
		return []string{fmt.Sprintf("nodes: there are none, and each pod asks for %s", listed(c.quantities(a.amounts)))}
	case admitting == 0:
		return []string{"a toleration, another nodeSelector or another node affinity: no node admits these pods"}
	}
	return []string{fmt.Sprintf("larger nodes, or smaller requests: none of the nodes that admit these pods holds one even when it is "+
		"empty, and each asks for %s", listed(c.quantities(a.amounts)))}
}

// moreOnOne says of which node the least has to become free, if a single node can take all that is missing.
func (c *counting) moreOnOne(a *ask, missing int) []string {
	var best *fit
	bestGap := 0.0
	fits := a.on(c.within)
	for i := range fits {
		f := &fits[i]
		if c.whole(a, f) < f.takes+missing {
			continue
		}
		if gap := a.gapTo(f, f.takes+missing); best == nil || gap < bestGap || gap == bestGap && f.place.node.Name < best.place.node.Name {
			best, bestGap = f, gap
		}
	}
	if best == nil {
		return nil
	}
	var texts []string
	for i, each := range a.amounts {
		if short := each*int64(best.takes+missing) - best.place.free[i]; each > 0 && short > 0 {
			name := string(c.kinds[i])
			texts = append(texts, requests.Quantity(name, short)+" "+name)
		}
	}
	return []string{fmt.Sprintf("%s more free on %s, where other pods use it", strings.Join(texts, " and "), best.place.node.Name)}
}

// gapTo is how much a node lacks for so many pods, in parts of a pod.
func (a *ask) gapTo(f *fit, pods int) float64 {
	gap := 0.0
	for i, each := range a.amounts {
		if short := each*int64(pods) - f.place.free[i]; each > 0 && short > 0 {
			gap += float64(short) / float64(each)
		}
	}
	return gap
}

// smaller says with which request of a single resource all would fit.
func (c *counting) smaller(a *ask) []string {
	fits := a.on(c.within)
	fits = slices.DeleteFunc(fits, func(f fit) bool { return !f.admitted() })
	holds := func(i int, each int64) bool {
		b := ask{amounts: slices.Clone(a.amounts)}
		b.amounts[i] = each
		room := 0
		for n := range fits {
			room += b.roomIn(fits[n].place.free)
		}
		return room >= c.needed
	}
	var all []string
	for i, each := range a.amounts {
		step := stepOf(c.kinds[i])
		if i == 0 || each <= step || !holds(i, step) {
			continue
		}
		// The smallest number of steps that is too many.
		steps := sort.Search(int(each/step), func(n int) bool { return !holds(i, int64(n)*step) })
		name := string(c.kinds[i])
		all = append(all, fmt.Sprintf("requests of at most %s %s for each pod instead of %s: all that are needed fit then",
			requests.Quantity(name, int64(steps-1)*step), name, requests.Quantity(name, each)))
	}
	return all
}

// stepOf is the unit in which requests are made smaller.
func stepOf(name corev1.ResourceName) int64 {
	switch name {
	case corev1.ResourceCPU:
		return 50
	case corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return 64 << 20
	default:
		return 1
	}
}

// helpInQueue says which limits of a queue, and of those above it, are too small for what is needed.
func (c *counting) helpInQueue(queues answers.Queues, name string) []string {
	needs := c.asksTogether()
	byName := make(map[string]*answers.Queue, len(queues.Items))
	for i := range queues.Items {
		byName[queues.Items[i].Name] = &queues.Items[i]
	}
	var all []string
	for q := byName[name]; q != nil; q = byName[q.Parent] {
		for i, kind := range c.kinds {
			limit, limited := q.Limit[string(kind)]
			if !limited || needs[i] == 0 {
				continue
			}
			uses := cmp.Or(q.Uses[string(kind)], "0")
			if over := quantity(kind, uses) + needs[i] - quantity(kind, limit); over > 0 {
				unit := string(kind)
				all = append(all, fmt.Sprintf("queue %s uses %s of its limit of %s %s, and the pods ask for %s: free %s in it, "+
					"or raise the limit to %s", q.Name, uses, limit, unit, requests.Quantity(unit, needs[i]), requests.Quantity(unit, over),
					requests.Quantity(unit, quantity(kind, limit)+over)))
			}
		}
	}
	return all
}

// asksTogether returns what the pods that have to start together ask for, at least.
func (c *counting) asksTogether() []int64 {
	needs, left := make([]int64, len(c.kinds)), c.needed
	for i := range c.asks {
		n := min(left, c.asks[i].pods)
		left -= n
		for r, each := range c.asks[i].amounts {
			needs[r] += each * int64(n)
		}
	}
	return needs
}

func quantity(name corev1.ResourceName, text string) int64 {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return 0 // the API server and the scheduler write none that is no quantity
	}
	return amountOf(name, q)
}

func more(n int, noun string) string {
	if n == 1 {
		return "1 more " + noun
	}
	return fmt.Sprintf("%d more %ss", n, noun)
}
