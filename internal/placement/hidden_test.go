package placement

import (
	"math/rand/v2"
	"testing"
)

// hidden is a toy with something on each node that Room does not count, such as devices.
type hidden struct {
	*toy
	takes []int // by class
	each  int   // how much a node has of it
}

func (h *hidden) Fits(class, node int) bool {
	free := h.each - h.takes[class]
	for c, counts := range h.counts {
		free -= counts[node] * h.takes[c]
	}
	return h.toy.Fits(class, node) && free >= 0
}

// TestClassesThatTakeMoreThanRoomCounts: Room says the same of all classes, but a large and a small member fill a node. In most orders two
// small members share a node first, and then a large one has none.
func TestClassesThatTakeMoreThanRoomCounts(t *testing.T) {
	const nodes = 12
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		h := &hidden{each: 8}
		classes := make([]toyClass, 2*nodes)
		for c := range classes {
			classes[c] = toyClass{members: 1, must: 1, needs: []int{1}}
			h.takes = append(h.takes, []int{3, 5}[c%2])
		}
		random.Shuffle(len(h.takes), func(a, b int) { h.takes[a], h.takes[b] = h.takes[b], h.takes[a] })
		h.toy = newToy(cluster(nodes, 1, 8, false), classes)
		gang := h.gang(len(classes), Pack)
		for c := range gang.Classes {
			gang.Classes[c].Local, gang.Classes[c].Cost = false, 10
		}
		if plan, ok := Find(h, gang); !ok {
			t.Errorf("order %d, %v: only %d of %d are placed", i, h.takes, plan.Placed, len(classes))
		}
	}
}
