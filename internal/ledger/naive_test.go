package ledger

import (
	"fmt"
	"reflect"
)

// state are the parts of a gang in which Tick may change something without a decision.
var state = []string{"cycle", "parked", "binding", "slots", "losses", "wait", "notices"}

// CheckSkipped ticks the gangs that the next Tick does not look at, and returns what that changed: nothing, or Tick misses something.
func (l *Ledger) CheckSkipped() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	for _, g := range l.gangs {
		_, touched := l.touched[g]
		at, later := l.times.at[g]
		if touched || later && !now.Before(at) {
			continue
		}
		text := func() (all string) {
			for _, part := range state {
				all += fmt.Sprintf("%+v\n", reflect.ValueOf(g).Elem().FieldByName(part))
			}
			return all
		}
		before := text()
		if decisions := g.Tick(now); len(decisions) > 0 || g.Moved() || g.Empty() {
			return fmt.Errorf("a tick that was skipped, due %s, has an effect on gang %s: %+v", at, g.Key, decisions)
		}
		if after := text(); after != before {
			return fmt.Errorf("a tick that was skipped, due %s, changes gang %s from\n%s\nto\n%s", at, g.Key, before, after)
		}
	}
	return nil
}

// CheckLooked returns an error if a parked gang may be helped by what changed, and nothing has it looked at. It is called after Tick.
func (l *Ledger) CheckLooked() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.idle != l.changes.count {
		return nil
	}
	now := l.clock.Now()
	for _, g := range l.gangs {
		if _, touched := l.touched[g]; touched {
			continue
		}
		if l.tree != nil {
			s := l.standings[g]
			if s == nil || !s.waits {
				continue
			}
			if e, waits := l.tree.Entry(s.id); !waits || e.Ready {
				continue
			}
		}
		if lacked, seen, seeks := g.Seeks(now); seeks && l.news(g, lacked, seen) {
			return fmt.Errorf("nobody looks at gang %s", g.Key)
		}
	}
	return nil
}

// Restless returns how many gangs the next Tick looks at if nothing changes before.
func (l *Ledger) Restless() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.touched)
	for g, at := range l.times.at {
		if _, touched := l.touched[g]; !touched && !l.clock.Now().Before(at) {
			n++
		}
	}
	return n
}
