// Package picture turns what a program writes to a terminal into an animated SVG.
package picture

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// style is how a character looks: the parameter of the escape sequence that selects it.
type style int

// The styles that view.Screen uses.
const (
	plain  style = 0
	bold   style = 1
	dim    style = 2
	green  style = 32
	yellow style = 33
)

type cell struct {
	char  rune
	style style
}

type line []cell

// text is the line without its styles.
func (l line) text() string {
	var b strings.Builder
	for _, c := range l {
		b.WriteRune(c.char)
	}
	return b.String()
}

// frame is what the terminal shows from a time on.
type frame struct {
	at    time.Duration
	lines []line
}

// Terminal is a terminal of a fixed size that keeps what it shows as frames. It knows the few escape sequences that view.Screen
// writes: cursor up, clear to the end, and styles.
type Terminal struct {
	width, height int
	// now is how long the recording has lasted.
	now    func() time.Duration
	lines  []line
	row    int
	column int
	style  style
	frames []frame
}

// NewTerminal returns an empty terminal. now returns how long it has been recording.
func NewTerminal(width, height int, now func() time.Duration) *Terminal {
	return &Terminal{width: width, height: height, now: now, lines: []line{nil}}
}

// Size returns the width and height in characters.
func (t *Terminal) Size() (width, height int) { return t.width, t.height }

// sequence is an escape sequence, such as ESC [ 4 A.
var sequence = regexp.MustCompile(`^\x1b\[(\d*)([A-Za-z])`)

// Write shows the text. Whatever comes in one call is shown at once.
func (t *Terminal) Write(p []byte) (int, error) {
	for rest := string(p); rest != ""; {
		if found := sequence.FindStringSubmatch(rest); found != nil {
			t.obey(found[1], found[2])
			rest = rest[len(found[0]):]
			continue
		}
		char := []rune(rest)[0]
		t.put(char)
		rest = rest[len(string(char)):]
	}
	t.keep()
	return len(p), nil
}

func (t *Terminal) obey(parameter, command string) {
	n, err := strconv.Atoi(parameter)
	if err != nil {
		n = 0 // left out
	}
	switch command {
	case "A":
		t.row = max(t.row-max(n, 1), 0)
	case "J":
		t.lines = t.lines[:t.row+1]
		t.lines[t.row] = t.lines[t.row][:min(t.column, len(t.lines[t.row]))]
	case "m":
		t.style = style(n)
	}
}

func (t *Terminal) put(char rune) {
	switch char {
	case '\r':
		t.column = 0
	case '\n':
		t.row++
		t.column = 0
		if t.row == len(t.lines) {
			t.lines = append(t.lines, nil)
		}
	default:
		for len(t.lines[t.row]) <= t.column {
			t.lines[t.row] = append(t.lines[t.row], cell{char: ' '})
		}
		t.lines[t.row][t.column] = cell{char: char, style: t.style}
		t.column++
	}
}

// blink is how long a frame must be seen to be kept.
const blink = 100 * time.Millisecond

// keep adds what is shown as a frame if more than its times differ from the frame before.
func (t *Terminal) keep() {
	visible := t.lines[max(len(t.lines)-t.height, 0):]
	next := frame{at: t.now()}
	for _, l := range visible {
		next.lines = append(next.lines, slices.Clone(l))
	}
	last := len(t.frames) - 1
	switch {
	case last >= 0 && timeless(t.frames[last]) == timeless(next):
	case last >= 0 && next.at-t.frames[last].at < blink:
		t.frames[last].lines = next.lines
	default:
		t.frames = append(t.frames, next)
	}
}

// clock is a time as the demo writes it.
var clock = regexp.MustCompile(`\d+\.\d+s`)

// timeless is the text of a frame without its times.
func timeless(f frame) string {
	var b strings.Builder
	for _, l := range f.lines {
		b.WriteString(clock.ReplaceAllString(l.text(), "") + "\n")
	}
	return b.String()
}
