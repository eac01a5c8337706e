package gang

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// SlotID identifies a slot.
type SlotID struct {
	Gang   Key
	Number int
}

// Move reports that a slot is now held, or no longer held. The package that blocks the capacity of slots for other pods applies the
// moves in order.
type Move struct {
	ID   SlotID
	Role Role
	Node string
	Held bool
	// Free is true if any pod may use the slot's capacity now.
	Free bool
}

// slot is a Slot that is held or about to be taken by a member.
type slot struct {
	number int
	role   Role
	node   string
	taker  *member
}

// slots tracks the slots that are held for declared members.
type slots struct {
	held []*slot
	// until is when the remaining slots expire; zero until the creator starts.
	until time.Time
	// last is the number of the newest slot; moves are the moves since the last call of Moves.
	last  int
	moves []Move
}

// hold reserves slots. It ignores roles that the gang does not declare.
func (g *Gang) hold(plan []Slot) {
	for _, p := range plan {
		role := g.shape().Named(p.Role)
		if role == nil {
			continue
		}
		g.holdOne(*role, p.Node)
	}
}

func (g *Gang) holdOne(role Role, node string) {
	g.last++
	held := &slot{number: g.last, role: role, node: node}
	g.held = append(g.held, held)
	g.move(held, true, false)
}

func (g *Gang) move(p *slot, held, free bool) {
	g.moves = append(g.moves, Move{ID: SlotID{g.Key, p.number}, Role: p.role, Node: p.node, Held: held, Free: free})
}

// Moves returns the moves of slots since it was last called.
func (g *Gang) Moves() []Move {
	moves := g.moves
	g.moves = nil
	return moves
}

// Moved reports whether there are moves that Moves has not returned yet.
func (g *Gang) Moved() bool { return len(g.moves) > 0 }

// free releases the slots for which yes returns true, and returns their number.
func (g *Gang) free(yes func(*slot) bool) int {
	before := len(g.held)
	g.held = slices.DeleteFunc(g.held, func(p *slot) bool {
		if !yes(p) {
			return false
		}
		if p.taker == nil {
			g.move(p, false, true)
		} else {
			p.taker.slot = nil
		}
		return true
	})
	if len(g.held) == 0 {
		g.until = time.Time{}
	}
	return before - len(g.held)
}

func anySlot(*slot) bool { return true }

// Slots is the number of slots that are held or about to be taken.
func (g *Gang) Slots() int { return len(g.held) }

// HeldSlots returns the slots that are held, as moves.
func (g *Gang) HeldSlots() []Move {
	var moves []Move
	for _, p := range g.held {
		if p.taker == nil {
			moves = append(moves, Move{ID: SlotID{g.Key, p.number}, Role: p.role, Node: p.node, Held: true})
		}
	}
	return moves
}

func (g *Gang) slotsOf(role string) int {
	n := 0
	for _, p := range g.held {
		if p.role.Name == role {
			n++
		}
	}
	return n
}

// Take assigns a slot of its role to a popped member, so that the slot does not block the member itself.
func (g *Gang) Take(uid string) {
	m, known := g.members[uid]
	if !known || m.slot != nil || m.misfit || len(g.held) == 0 || g.Phase() != Running || m.otherRun || !g.mayEnter(m) {
		return
	}
	for _, p := range g.held {
		if p.taker == nil && p.role.Name == m.Spec.Role {
			p.taker, m.slot = m, p
			g.move(p, false, false)
			return
		}
	}
}

// SlotNode returns the node of the slot that the member is about to take, or "".
func (g *Gang) SlotNode(uid string) string {
	if m, known := g.members[uid]; known && m.slot != nil {
		return m.slot.node
	}
	return ""
}

// Return puts back the slot of a popped member that holds no capacity because its scheduling cycle ended early.
func (g *Gang) Return(uid string) {
	if m, known := g.members[uid]; known && m.bindsTo == "" && m.Node == "" {
		g.giveBack(m)
	}
}

// giveBack holds the member's slot again.
func (g *Gang) giveBack(m *member) {
	p := m.slot
	if p == nil {
		return
	}
	p.taker, m.slot = nil, nil
	g.move(p, true, false)
}

// fill removes the slot of a member that was bound.
func (g *Gang) fill(m *member) {
	filled := m.slot
	if filled == nil {
		return
	}
	m.slot = nil
	g.held = slices.DeleteFunc(g.held, func(p *slot) bool { return p == filled })
}

// NodeGone releases the slots on a node that was deleted.
func (g *Gang) NodeGone(node string, now time.Time) []Decision {
	if g.free(func(p *slot) bool { return p.node == node }) == 0 {
		return nil
	}
	return g.settle(false, now)
}

// creatorRuns reports whether a creator runs.
func (g *Gang) creatorRuns() bool {
	creator := g.shape().Creator()
	return creator != nil && g.tally.startedRoles[creator.Name] > 0
}

func (g *Gang) isCreator(m *member) bool {
	creator := g.shape().Creator()
	return creator != nil && m.Spec.Role == creator.Name
}

// tendSlots releases slots that no member will take: the creator is gone, or the slots expired.
func (g *Gang) tendSlots(now time.Time) []Decision {
	switch {
	case len(g.held) == 0:
	case !g.creatorRuns():
		g.free(anySlot)
	case g.until.IsZero():
		g.until = now.Add(g.reservationTimeout())
	case !now.Before(g.until):
		why := g.explanation(KindExpired)
		why.Declared = g.free(anySlot)
		return []Decision{Notify{Members: g.refs(g.where(g.isCreator)), Explanation: why}}
	}
	return nil
}

func (g *Gang) reservationTimeout() time.Duration {
	g.rank()
	return g.longestReservation
}

// Reservation describes the slots that are held for a gang, as written on the gang's creator.
type Reservation struct {
	Until time.Time      `json:"until"`
	Roles []ReservedRole `json:"roles"`
}

// ReservedRole describes the slots of a role: the number of slots by node.
type ReservedRole struct {
	Name  string         `json:"name"`
	Nodes map[string]int `json:"nodes"`
}

// maxReservation is the longest text of a reservation, in bytes: all annotations of a pod together may have 256 KiB.
const maxReservation = 128 << 10

// Reservation returns the text to write on the member: the gang's slots as JSON if the member is the creator, otherwise "". It
// fails if the text is longer than maxReservation.
func (g *Gang) Reservation(uid string, now time.Time) (string, error) {
	m, known := g.members[uid]
	if !known || !g.isCreator(m) || len(g.held) == 0 {
		return "", nil
	}
	r := Reservation{Until: g.until}
	if r.Until.IsZero() {
		r.Until = now.Add(g.reservationTimeout())
	}
	r.Until = r.Until.UTC().Truncate(time.Second)
	for _, p := range g.held {
		i := slices.IndexFunc(r.Roles, func(known ReservedRole) bool { return known.Name == p.role.Name })
		if i < 0 {
			i = len(r.Roles)
			r.Roles = append(r.Roles, ReservedRole{Name: p.role.Name, Nodes: map[string]int{}})
		}
		r.Roles[i].Nodes[p.node]++
	}
	text, err := json.Marshal(r)
	if err != nil || len(text) > maxReservation {
		return "", fmt.Errorf("the reservation of gang %s takes %d bytes, more than a pod's annotation may: %w", g.Key, len(text), err)
	}
	return string(text), nil
}

// Restore holds the slots again that an earlier process wrote on a running creator, except those of members that exist or are done.
// It never holds more than the creator declares, nor for longer than the reservation timeout.
func (g *Gang) Restore(uid string, r Reservation, now time.Time) []Decision {
	m, known := g.members[uid]
	if known && now.Before(r.Until) {
		g.resumes(m)
	}
	if !known || !g.isCreator(m) || !m.started() || len(g.held) > 0 || !now.Before(r.Until) {
		return nil
	}
	for _, reserved := range r.Roles {
		if role := g.shape().Named(reserved.Name); role != nil && !role.Creates && len(reserved.Nodes) > 0 {
			g.restoreRole(*role, reserved.Nodes)
		}
	}
	if len(g.held) > 0 {
		g.until = now.Add(g.reservationTimeout())
		if r.Until.Before(g.until) {
			g.until = r.Until
		}
	}
	return g.settle(true, now)
}

// restoreRole holds slots of a role on these nodes, less those of existing members.
func (g *Gang) restoreRole(role Role, nodes map[string]int) {
	missing := int(role.Min) - g.tally.startedRoles[role.Name] - g.doneOf[role.Name] - g.slotsOf(role.Name)
	left := maps.Clone(nodes)
	for _, m := range g.each() {
		if m.Spec.Role == role.Name {
			left[m.Node]--
		}
	}
	for _, node := range slices.Sorted(maps.Keys(left)) {
		for range min(left[node], missing) {
			g.holdOne(role, node)
			missing--
		}
	}
}

// DeclaredBy returns the roles that the member declares if it is a creator, otherwise nil.
func (g *Gang) DeclaredBy(uid string) []Role {
	m, known := g.members[uid]
	if !known || !g.isCreator(m) {
		return nil
	}
	return g.shape().All()
}
