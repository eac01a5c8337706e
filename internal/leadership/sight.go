package leadership

import (
	"errors"
	"fmt"
	"time"
)

// sight is what this process has seen of the lease, by its own clock. It does not compare the clocks of two machines.
type sight struct {
	term term
	// began is when the lease was first read, changed when the term was first seen as it is, and renewed when another process was last
	// seen to renew or acquire the lease.
	began, changed, renewed time.Time
	// leads is true while this process holds the lease, and led once it did.
	leads, led bool
}

// read notes what was read of the lease. own is the identity of this process.
func (s *sight) read(t term, own string, now time.Time) {
	first := s.began.IsZero()
	if first {
		s.began = now
	}
	if first || !t.same(s.term) {
		s.changed = now
		if !first && t.holder != "" && t.holder != own {
			s.renewed = now
		}
	}
	s.term, s.leads = t, t.holder == own
}

// wrote notes that this process wrote the lease: it leads now, or has given the lease back.
func (s *sight) wrote(t term, own string, now time.Time) {
	if s.began.IsZero() {
		s.began = now
	}
	s.term, s.changed, s.leads = t, now, t.holder == own
	s.led = s.led || s.leads
}

// quiet returns for how long the lease was not renewed.
func (s *sight) quiet(now time.Time) time.Duration { return now.Sub(s.changed) }

// ready returns nil if this process leads, or has seen another lead no longer ago than a lease lasts; else it says why not.
func (s *sight) ready(lease time.Duration, now time.Time) error {
	switch {
	case s.leads:
		return nil
	case s.began.IsZero():
		return errors.New("this replica does not lead, and has not read the lease yet")
	case s.renewed.IsZero():
		return fmt.Errorf("this replica does not lead, and no leader has renewed the lease in the %s since it first read it",
			inWords(now.Sub(s.began)))
	case now.Sub(s.renewed) > lease:
		return fmt.Errorf("this replica does not lead, and no leader has renewed the lease for %s", inWords(now.Sub(s.renewed)))
	}
	return nil
}

func inWords(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
