package top

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen is a terminal that a frame fills.
type screen struct {
	keys io.Reader
	out  io.Writer
	// size returns the width and the height.
	size func() (width, height int, err error)
	// raw makes keys arrive as they are pressed, until the function that it returns is called.
	raw func() (restore func(), err error)
}

// terminal returns the screen of a terminal, or nil if it is none.
func terminal(in, out *os.File) *screen {
	keys, shown := int(in.Fd()), int(out.Fd())
	if !term.IsTerminal(keys) || !term.IsTerminal(shown) {
		return nil
	}
	return &screen{
		keys: in, out: out,
		size: func() (int, int, error) { return term.GetSize(shown) },
		raw: func() (func(), error) {
			before, err := term.MakeRaw(keys)
			if err != nil {
				return nil, fmt.Errorf("preparing the terminal: %w", err)
			}
			return func() { term.Restore(keys, before) }, nil //nolint:errcheck // there is nothing left to do about it
		},
	}
}

const (
	// enterScreen shows the terminal's second screen and hides the cursor; leaveScreen shows what was there before.
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toTheTop    = "\x1b[H"
	eraseLine   = "\x1b[K"
	eraseBelow  = "\x1b[J"
	ctrlC       = 3
)

// enter prepares the screen, and calls end when the user presses q or Ctrl-C. The function that it returns makes the screen as it was.
func (s *screen) enter(end func()) (leave func(), err error) {
	restore, err := s.raw()
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(s.out, enterScreen); err != nil {
		restore()
		return nil, fmt.Errorf("writing to the terminal: %w", err)
	}
	go func() { // until the process ends, if no key is pressed: reading a terminal cannot be interrupted
		key := make([]byte, 1)
		for {
			n, err := s.keys.Read(key)
			if err != nil || n == 1 && (key[0] == 'q' || key[0] == 'Q' || key[0] == ctrlC) {
				end()
				return
			}
		}
	}()
	return func() {
		fmt.Fprint(s.out, leaveScreen)
		restore()
	}, nil
}

// draw shows a frame in place of the one before.
func (s *screen) draw(f *frame) error {
	width, height, err := s.size()
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	var text strings.Builder
	text.WriteString(toTheTop)
	lines := f.lines(width, height-1)
	for _, line := range lines {
		text.WriteString(line + eraseLine + "\r\n") // in this mode a new line does not go back to the first column
	}
	text.WriteString("q: quit" + eraseLine + eraseBelow)
	_, err = io.WriteString(s.out, text.String())
	return err
}
