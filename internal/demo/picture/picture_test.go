package picture

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recording returns a terminal whose clock is now.
func recording(now *time.Duration) *Terminal {
	return NewTerminal(20, 3, func() time.Duration { return *now })
}

func shown(f frame) []string {
	var lines []string
	for _, l := range f.lines {
		lines = append(lines, l.text())
	}
	return lines
}

func TestATableIsRedrawnInPlace(t *testing.T) {
	var now time.Duration
	terminal := recording(&now)
	fmt.Fprint(terminal, "story\nold 1\nold 2\n")
	now = time.Second
	fmt.Fprint(terminal, "\x1b[2A\r\x1b[Jnew\n")
	if diff := cmp.Diff([]string{"story", "new", ""}, shown(terminal.frames[1])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOnlyTheLastLinesAreSeen(t *testing.T) {
	var now time.Duration
	terminal := recording(&now)
	fmt.Fprint(terminal, "a\nb\nc\nd")
	if diff := cmp.Diff([]string{"b", "c", "d"}, shown(terminal.frames[0])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAClockThatGoesOnIsNoNewFrame(t *testing.T) {
	var now time.Duration
	terminal := recording(&now)
	for _, text := range []string{"1.0s waiting", "\r2.0s waiting", "\r3.0s released"} {
		now += time.Second
		fmt.Fprint(terminal, text)
	}
	if len(terminal.frames) != 2 || shown(terminal.frames[1])[0] != "3.0s released" {
		t.Errorf("frames: %v", terminal.frames)
	}
}

func TestWhatIsSeenForAMomentIsNoFrame(t *testing.T) {
	var now time.Duration
	terminal := recording(&now)
	fmt.Fprint(terminal, "a")
	now = blink / 2
	fmt.Fprint(terminal, "b")
	if len(terminal.frames) != 1 || shown(terminal.frames[0])[0] != "ab" {
		t.Errorf("frames: %v", terminal.frames)
	}
}

func TestThePictureIsXMLWithTheLastFrameAtRest(t *testing.T) {
	var now time.Duration
	terminal := recording(&now)
	fmt.Fprint(terminal, "\x1b[33m<waiting> & \"why\"\x1b[0m\n")
	now = 2 * time.Second
	fmt.Fprint(terminal, "\x1b[32mreleased\x1b[0m\n")
	svg := terminal.SVG("a & b")
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	for _, want := range []string{
		`<tspan class="yellow">&lt;waiting&gt; &amp; &#34;why&#34;</tspan>`, `<tspan class="green">released</tspan>`,
		".strip { transform: translateY(-54px) }", "0.00% { transform: translateY(0px) }", "20.00% { transform: translateY(-54px) }",
		"animation: play 10.0s step-end infinite",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
}
