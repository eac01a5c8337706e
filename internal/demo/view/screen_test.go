package view

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func snapshotOf(now time.Duration, pods ...*corev1.Pod) *Snapshot {
	var tracker Tracker
	s := tracker.Observe(now, Cluster{Pods: pods})
	return &s
}

func TestPipeGetsALineForEachChange(t *testing.T) {
	var out strings.Builder
	screen := NewScreen(&out, nil, false)
	waits := says("GangIncomplete", "gang team/g has 1 of the 2 pods it needs; waiting for 1 more")
	screen.Heading("1. A step")
	screen.Show(snapshotOf(time.Second, pod("a", ofGang("g", "2")))) // nobody said why yet
	screen.Show(snapshotOf(2*time.Second, pod("a", ofGang("g", "2"), waits)))
	screen.Show(snapshotOf(3*time.Second, pod("a", ofGang("g", "2"), waits)))
	screen.Show(snapshotOf(12*time.Second, pod("a", ofGang("g", "2"), runs), pod("b", ofGang("g", "2"), runs)))
	want := `1. A step
   2.0s  gang team/g  1 of 2 pods exist, 0 bound: waiting: gang team/g has 1 of the 2 pods it needs; waiting for 1 more
  12.0s  gang team/g  2 of 2 pods exist, 2 bound: released
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTerminalIsRedrawnInPlace(t *testing.T) {
	var out strings.Builder
	size := func() (int, int) { return 40, 20 }
	screen := NewScreen(&out, size, false)
	screen.Show(snapshotOf(time.Second, pod("a", ofGang("g", "1"), runs)))
	before := out.String()
	drawn := strings.Count(before, "\n")
	screen.Say("a sentence that is wider than the forty columns that there are")
	after := strings.TrimPrefix(out.String(), before)
	up := "\x1b[4A\r\x1b[J"
	if drawn != 4 || !strings.HasPrefix(after, up) {
		t.Errorf("after %d lines: %q, want it to begin with %q", drawn, after, up)
	}
	want := "a sentence that is wider than the forty\ncolumns that there are\n" + before
	if diff := cmp.Diff(want, strings.TrimPrefix(after, up)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	screen.Clear()
	if got := strings.TrimPrefix(out.String(), before+after); got != up {
		t.Errorf("cleared by %q, want %q", got, up)
	}
}

func TestColoursOnlyIfWanted(t *testing.T) {
	snapshot := snapshotOf(time.Second, pod("a", ofGang("g", "1"), runs))
	if plain := strings.Join(snapshot.Table(80, 24, false), "\n"); strings.Contains(plain, "\x1b") {
		t.Errorf("escape codes in %q", plain)
	}
	if green := strings.Join(snapshot.Table(80, 24, true), "\n"); !strings.Contains(green, "\x1b[32m") {
		t.Errorf("no colour in %q", green)
	}
}

func TestWhatWasBegunEndsItsLine(t *testing.T) {
	var out strings.Builder
	screen := NewScreen(&out, nil, false)
	screen.Begin("Starting")
	screen.Say("interrupted")
	if got, want := out.String(), "Starting ... \ninterrupted\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestScreenReportsThatNobodyReads(t *testing.T) {
	screen := NewScreen(closedPipe{}, nil, false)
	screen.Say("hello")
	if screen.Err() == nil {
		t.Error("no error")
	}
}
