package leadership

import (
	"strings"
	"testing"
	"time"
)

// look is one time that a replica reads the lease, or writes it if it acquires or renews it.
type look struct {
	after  time.Duration // the one before
	holder string
	renews bool // since it was looked at before
	writes bool
}

const self, leader = "self", "leader"

// watch lets a replica look, and returns what it has seen and the time.
func watch(looks []look) (sight, time.Time) {
	var s sight
	now, renewed := noon, noon
	for _, l := range looks {
		now = now.Add(l.after)
		if l.renews {
			renewed = now
		}
		t := term{holder: l.holder, acquired: noon, renewed: renewed}
		if l.writes {
			s.wrote(t, self, now)
		} else {
			s.read(t, self, now)
		}
	}
	return s, now
}

// TestReady: a replica is ready while it leads, or sees another lead.
func TestReady(t *testing.T) {
	const lease = 10 * time.Second
	found := look{holder: leader} // by whoever it was, and however long ago
	for _, test := range []struct {
		name  string
		looks []look
		after time.Duration
		why   string // "" if it is ready
	}{
		{"the lease was not read yet", nil, time.Second, "has not read the lease yet"},
		{"it has read the lease once: the leader may be gone", []look{found}, time.Second, "in the 1s since it first read it"},
		{"a crash left the lease", []look{found, {after: 6 * time.Second, holder: leader}, {after: 6 * time.Second, holder: leader}}, 0, "in the 12s since it first read it"},
		{"the leader renews", []look{found, {after: time.Second, holder: leader, renews: true}}, 2 * time.Second, ""},
		{"another leads now", []look{found, {after: time.Second, holder: "third", renews: true}}, 0, ""},
		{"the leader renewed a moment ago", []look{found, {after: time.Second, holder: leader, renews: true}}, lease, ""},
		{"the leader does not renew any more", []look{found, {after: time.Second, holder: leader, renews: true}}, 12 * time.Second, "no leader has renewed the lease for 12s"},
		{"the leader gave the lease back", []look{found, {after: time.Second, renews: true}}, 0, "since it first read it"},
		{"it leads", []look{found, {after: time.Second, holder: self, renews: true, writes: true}}, time.Hour, ""},
		{"it created the lease", []look{{holder: self, writes: true}}, 0, ""},
		{"it leads, and reads its lease", []look{{holder: self, writes: true}, {after: time.Second, holder: self, renews: true}}, time.Hour, ""},
		{"it gave the lease back", []look{{holder: self, writes: true}, {after: time.Second, writes: true}}, 2 * time.Second, "in the 3s since it first read it"},
		{"it lost the lease", []look{{holder: self, writes: true}, {after: time.Second, holder: leader, renews: true}}, 11 * time.Second, "no leader has renewed the lease for 11s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, now := watch(test.looks)
			switch err := s.ready(lease, now.Add(test.after)); {
			case err == nil && test.why != "":
				t.Errorf("it is ready, want %q", test.why)
			case err != nil && (test.why == "" || !strings.Contains(err.Error(), test.why)):
				t.Errorf("%v, want %q", err, test.why)
			}
		})
	}
}

// TestQuiet: the time since the lease was last renewed, as far as this replica has seen.
func TestQuiet(t *testing.T) {
	s, now := watch([]look{{holder: leader}, {after: 3 * time.Second, holder: leader}, {after: time.Second, holder: leader}})
	if got := s.quiet(now); got != 4*time.Second {
		t.Errorf("got %s since it was first read, want 4s", got)
	}
	s, now = watch([]look{{holder: leader}, {after: 3 * time.Second, holder: leader, renews: true}, {after: time.Second, holder: leader}})
	if got := s.quiet(now); got != time.Second {
		t.Errorf("got %s since it was renewed, want 1s", got)
	}
}
