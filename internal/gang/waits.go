package gang

import "time"

// Waits is what a gang that waits says of itself, without its members.
type Waits struct {
	Key Key
	// Why explains what it waits for. It shares no memory with the gang.
	Why Explanation
	// SetAside is the capacity that is set aside for it; nil if none is.
	SetAside *SetAsideStatus
	// NextTry is when it is tried again even if nothing changes; zero means that only a change leads to another attempt.
	NextTry time.Time
	// Shortage is that of the last plan if it waits because of it, otherwise zero.
	Shortage ShortageStatus
}

// Waits returns what a gang waits for that is complete and has not started, so that it has a place in the order. It returns false for any
// other gang. It visits no members, so it costs the same for a gang of 10 and of 10,000.
func (g *Gang) Waits(now time.Time) (Waits, bool) {
	phase := g.Phase()
	if phase != Ready && phase != Placing {
		return Waits{}, false
	}
	return Waits{
		Key: g.Key, Why: g.explainIn(phase).clone(), SetAside: g.setAside.status(now), NextTry: g.nextTryIn(phase),
		Shortage: g.shortageIn(phase),
	}, true
}
