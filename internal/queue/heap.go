package queue

import "container/heap"

// heads is a set of entries that knows the first of them, by Key. An entry is in at most one.
type heads struct{ heap waiterHeap }

// first returns the first entry, or nil.
func (h *heads) first() *waiter {
	if len(h.heap) == 0 {
		return nil
	}
	return h.heap[0]
}

func (h *heads) add(w *waiter) { heap.Push(&h.heap, w) }

func (h *heads) remove(w *waiter) { heap.Remove(&h.heap, w.at) }

func (h *heads) len() int { return len(h.heap) }

// waiterHeap implements heap.Interface.
type waiterHeap []*waiter

func (h waiterHeap) Len() int           { return len(h) }
func (h waiterHeap) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }

func (h waiterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *waiterHeap) Push(x any) {
	w, _ := x.(*waiter)
	w.at = len(*h)
	*h = append(*h, w)
}

func (h *waiterHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}
