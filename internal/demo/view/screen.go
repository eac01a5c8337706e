package view

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// Paint colours text, if it is on.
type Paint bool

func (p Paint) with(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p Paint) bold(text string) string { return p.with("1", text) }
func (p Paint) dim(text string) string  { return p.with("2", text) }

func (p Paint) state(r *Row, text string) string {
	switch {
	case r.Pending > 0:
		return p.with("33", text) // yellow
	case r.State == Released:
		return p.with("32", text) // green
	case r.State == Finished, r.State == Deleted:
		return p.dim(text)
	}
	return text
}

// Size returns the width and height of a terminal.
type Size func() (width, height int)

// Screen shows snapshots with text between them. On a terminal it redraws a table below the text; elsewhere it writes a
// line for each change. Its methods may be called at once.
type Screen struct {
	mu    sync.Mutex
	out   io.Writer
	size  Size // nil if the output is no terminal
	paint Paint
	// drawn is how many lines the table has, below which the cursor stands.
	drawn int
	// open says that the cursor stands behind what Begin wrote.
	open  bool
	table *Snapshot
	lines map[string]string
	err   error
}

// NewScreen returns a screen on the output. A nil size means that it is no terminal.
func NewScreen(out io.Writer, size Size, paint Paint) *Screen {
	return &Screen{out: out, size: size, paint: paint, lines: map[string]string{}}
}

// ForOutput returns the screen that suits an output and the environment.
func ForOutput(out io.Writer) *Screen {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return NewScreen(out, nil, false)
	}
	size := func() (int, int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width < 1 || height < 1 {
			return 80, 24
		}
		return width, height
	}
	return NewScreen(out, size, os.Getenv("NO_COLOR") == "")
}

// Live says whether the screen is an interactive terminal.
func (s *Screen) Live() bool { return s.size != nil }

// Err returns the first error of the output. A closed pipe is not an error of ours.
func (s *Screen) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Heading writes a line that begins something new.
func (s *Screen) Heading(text string) {
	s.above(text, func(line string, width int) []string {
		lines := fold(line, width)
		for i := range lines {
			lines[i] = s.paint.bold(lines[i])
		}
		return lines
	})
}

// Say writes text that stays. Lines that are too wide for a terminal are broken between words.
func (s *Screen) Say(text string) { s.above(text, fold) }

// Print writes lines that stay, such as those of a table. What is too wide for a terminal is cut off.
func (s *Screen) Print(lines ...string) {
	s.above(strings.Join(lines, "\n"), func(line string, width int) []string { return []string{cut(line, width)} })
}

// Verbatim writes a line that stays, as it is: one that a reader copies must not be broken or cut.
func (s *Screen) Verbatim(line string) {
	s.above(line, func(line string, _ int) []string { return []string{line} })
}

// above writes text above the table.
func (s *Screen) above(text string, fit func(line string, width int) []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	s.erase(&b)
	s.finish(&b)
	width, _ := s.dimensions()
	for line := range strings.SplitSeq(text, "\n") {
		for _, part := range fit(line, width) {
			b.WriteString(part + "\n")
		}
	}
	s.draw(&b)
	s.write(b.String())
}

// fold breaks a line so that it fits, and keeps its indent.
func fold(line string, width int) []string {
	text := strings.TrimLeft(line, " ")
	return wrap(text, width, line[:len(line)-len(text)], 100)
}

// Begin writes what takes a moment. The function that it returns writes how long it took.
func (s *Screen) Begin(text string) (end func()) {
	start := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	s.erase(&b)
	s.finish(&b)
	s.table, s.open = nil, true
	s.write(b.String() + text + " ... ")
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open = false
		s.write(Seconds(time.Since(start)) + "\n")
	}
}

// finish ends the line of what was begun and did not end well.
func (s *Screen) finish(b *strings.Builder) {
	if s.open {
		b.WriteString("\n")
		s.open = false
	}
}

// Show shows a snapshot: all of it on a terminal, elsewhere what differs from the one before.
func (s *Screen) Show(snapshot *Snapshot) {
	for _, note := range snapshot.Notes {
		s.Say(fmt.Sprintf("%7s  %s", Seconds(snapshot.At), note))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	if s.size == nil {
		s.change(&b, snapshot)
	} else {
		s.table = snapshot
		s.erase(&b)
		s.draw(&b)
	}
	s.write(b.String())
}

// change writes the rows whose line is new. Rows of waiting pods are written once their reason is known, which is soon.
func (s *Screen) change(b *strings.Builder, snapshot *Snapshot) {
	for i := range snapshot.Rows {
		row := &snapshot.Rows[i]
		if row.Pending > 0 && row.Why == "" {
			continue
		}
		if line := row.Line(); s.lines[row.ID] != line {
			s.lines[row.ID] = line
			fmt.Fprintf(b, "%7s  %s\n", Seconds(snapshot.At), line)
		}
	}
}

// Clear removes the table.
func (s *Screen) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	s.erase(&b)
	s.table = nil
	s.write(b.String())
}

func (s *Screen) dimensions() (width, height int) {
	if s.size == nil {
		return 0, 0
	}
	width, height = s.size()
	return max(width-1, 1), height // some terminals break a line that fills the last column
}

// erase goes back to where the table begins, and clears what follows.
func (s *Screen) erase(b *strings.Builder) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r\x1b[J", s.drawn)
		s.drawn = 0
	}
}

func (s *Screen) draw(b *strings.Builder) {
	if s.table == nil {
		return
	}
	width, height := s.dimensions()
	lines := append([]string{""}, s.table.Table(width, max(height-3, 1), s.paint)...)
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	s.drawn = len(lines)
}

func (s *Screen) write(text string) {
	if s.err != nil || text == "" {
		return
	}
	_, s.err = io.WriteString(s.out, text)
}
