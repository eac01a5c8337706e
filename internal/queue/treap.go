package queue

import "iter"

// treap is an ordered set whose elements know their position and what lies below them. It is balanced by random numbers that are the same
// in every run; no answer depends on them.
type treap[T any] struct {
	root *branch[T]
	// compare is the order. Elements that it holds equal are one.
	compare func(a, b T) int
	// pull, if set, computes what an element keeps about itself and those below it, from the two right below.
	pull   func(*branch[T])
	random uint64
}

// branch is an element, and the elements below it.
type branch[T any] struct {
	value           T
	up, left, right *branch[T]
	// size counts the elements from here down.
	size int
	// heat is above that of the elements below.
	heat uint64
}

// len returns the number of elements.
func (t *treap[T]) len() int { return t.root.count() }

func (b *branch[T]) count() int {
	if b == nil {
		return 0
	}
	return b.size
}

// find returns the element equal to a value, or nil.
func (t *treap[T]) find(value T) *branch[T] {
	for b := t.root; b != nil; {
		switch order := t.compare(value, b.value); {
		case order == 0:
			return b
		case order < 0:
			b = b.left
		default:
			b = b.right
		}
	}
	return nil
}

// insert adds an element that the set does not have.
func (t *treap[T]) insert(value T) *branch[T] {
	added := &branch[T]{value: value, heat: t.next()}
	for at := &t.root; ; {
		above := *at
		if above == nil {
			*at = added
			break
		}
		added.up = above
		if t.compare(value, above.value) < 0 {
			at = &above.left
		} else {
			at = &above.right
		}
	}
	t.refresh(added)
	for added.up != nil && added.up.heat < added.heat {
		t.rotate(added)
	}
	t.update(added)
	return added
}

// remove removes an element of the set.
func (t *treap[T]) remove(b *branch[T]) {
	for b.left != nil || b.right != nil {
		if b.right == nil || b.left != nil && b.left.heat > b.right.heat {
			t.rotate(b.left)
		} else {
			t.rotate(b.right)
		}
	}
	t.replace(b, nil)
	t.update(b.up)
}

// update recomputes what an element and those above it store.
func (t *treap[T]) update(b *branch[T]) {
	for ; b != nil; b = b.up {
		t.refresh(b)
	}
}

// refresh computes what one element keeps about those below it.
func (t *treap[T]) refresh(b *branch[T]) {
	b.size = 1 + b.left.count() + b.right.count()
	if t.pull != nil {
		t.pull(b)
	}
}

// rotate puts an element above the one that is right above it.
func (t *treap[T]) rotate(b *branch[T]) {
	above, between := b.up, b.right
	if b == above.left {
		above.left, b.right = between, above
	} else {
		between = b.left
		above.right, b.left = between, above
	}
	if between != nil {
		between.up = above
	}
	t.replace(above, b)
	above.up = b
	t.refresh(above)
	t.refresh(b)
}

// replace puts another element, or nothing, in the place of one.
func (t *treap[T]) replace(b, other *branch[T]) {
	switch {
	case b.up == nil:
		t.root = other
	case b == b.up.left:
		b.up.left = other
	default:
		b.up.right = other
	}
	if other != nil {
		other.up = b.up
	}
}

// index returns how many elements are before one.
func (b *branch[T]) index() int {
	before := b.left.count()
	for ; b.up != nil; b = b.up {
		if b == b.up.right {
			before += 1 + b.up.left.count()
		}
	}
	return before
}

// first returns the first element, or nil.
func (t *treap[T]) first() *branch[T] {
	if t.root == nil {
		return nil
	}
	return t.root.leftmost()
}

// leftmost returns the first element from here down.
func (b *branch[T]) leftmost() *branch[T] {
	for b.left != nil {
		b = b.left
	}
	return b
}

// all returns the elements in order.
func (t *treap[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		for b := t.first(); b != nil; b = b.successor() {
			if !yield(b.value) {
				return
			}
		}
	}
}

// successor returns the next element, or nil.
func (b *branch[T]) successor() *branch[T] {
	if b.right != nil {
		return b.right.leftmost()
	}
	for b.up != nil && b == b.up.right {
		b = b.up
	}
	return b.up
}

// next returns the next random number (Marsaglia, Xorshift RNGs, Journal of Statistical Software 2003).
func (t *treap[T]) next() uint64 {
	if t.random == 0 {
		t.random = 0x9e3779b97f4a7c15
	}
	t.random ^= t.random << 13
	t.random ^= t.random >> 7
	t.random ^= t.random << 17
	return t.random
}
