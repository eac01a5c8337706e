package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Line describes a row in one line.
func (r *Row) Line() string {
	if r.Need == 0 && r.Exist == 1 {
		return r.Title + ": " + r.explained()
	}
	return r.Title + "  " + r.counts() + ": " + r.explained()
}

// counts says how many pods there are, and how many of them have a node.
func (r *Row) counts() string {
	return fmt.Sprintf("%s, %d bound", r.existing(), r.Bound)
}

func (r *Row) existing() string {
	switch {
	case r.Need == 0 || r.Exist > r.Need:
		text := plural(r.Exist, "pod") + " " + agree(r.Exist, "exists", "exist")
		if r.Need > 0 {
			text += fmt.Sprintf(" (%d needed)", r.Need)
		}
		return text
	default:
		return fmt.Sprintf("%d of %s %s", r.Exist, plural(r.Need, "pod"), agree(r.Need, "exists", "exist"))
	}
}

// explained is the state, and why pods wait if any do.
func (r *Row) explained() string {
	text := r.status()
	if r.Pending == 0 {
		return text
	}
	if r.State != Waiting {
		text += fmt.Sprintf("; %d %s", r.Pending, agree(r.Pending, "waits", "wait"))
	}
	return text + ": " + r.because()
}

func (r *Row) because() string {
	if r.Why == "" {
		return "the scheduler has not reported a reason yet"
	}
	return r.Why
}

// status is the state in the word that fits: a pod without a gang is not released, it is bound.
func (r *Row) status() string {
	text := string(r.State)
	if r.State == Released && r.Need == 0 {
		text = "bound"
	}
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d failed", r.Failed)
	}
	return text
}

// statusAt is the state and since when it lasts.
func (r *Row) statusAt() string {
	switch r.State {
	case Released:
		return r.status() + " at " + Seconds(r.ReleasedAt)
	case Finished, Deleted:
		return r.status() + " at " + Seconds(r.EndedAt)
	case Waiting, Starting:
	}
	return r.status()
}

// Text describes the capacity in one line.
func (r Room) Text() string {
	return fmt.Sprintf("%s, %s of %s CPU in use", plural(r.Nodes, "node"), cpus(r.Used), cpus(r.Size))
}

func cpus(thousandths int64) string {
	return strconv.FormatFloat(float64(thousandths)/1000, 'f', -1, 64)
}

// Table draws the snapshot for a screen of that width. It has at most height lines.
func (s *Snapshot) Table(width, height int, paint Paint) []string {
	head := paint.dim(cut(fmt.Sprintf("%7s  %s", Seconds(s.At), s.Room.Text()), width))
	if len(s.Rows) == 0 {
		return []string{head}
	}
	cells := [][]string{{"", "PODS", "BOUND", "RUNNING", "STATE"}}
	for i := range s.Rows {
		r := &s.Rows[i]
		cells = append(cells, []string{r.Title, r.ratio(), strconv.Itoa(r.Bound), strconv.Itoa(r.Running), r.statusAt()})
	}
	aligned := align(cells)
	lines := []string{head, paint.dim(cut(aligned[0], width))}
	for i := range s.Rows {
		r := &s.Rows[i]
		lines = append(lines, paint.state(r, cut(aligned[i+1], width)))
		if r.Pending == 0 {
			continue
		}
		lines = append(lines, wrap(r.because(), width, "    ", 3)...)
	}
	if len(lines) > height && height > 0 {
		hidden := len(lines) - height + 1
		lines = append(lines[:height-1], paint.dim(cut(fmt.Sprintf("... %d more lines; enlarge the window to see them", hidden), width)))
	}
	return lines
}

func (r *Row) ratio() string {
	if r.Need == 0 {
		return strconv.Itoa(r.Exist)
	}
	return fmt.Sprintf("%d of %d", r.Exist, r.Need)
}

// Summary is a table of what happened to each gang.
func (s *Snapshot) Summary() []string {
	cells := [][]string{{"", "PODS", "BOUND", "COMPLETE", "RELEASED", "TOOK", "NOW"}}
	for i := range s.Rows {
		r := &s.Rows[i]
		row := []string{r.Title, r.ratio(), strconv.Itoa(r.Bound), at(r.CompleteAt), at(r.ReleasedAt), "-", r.status()}
		if r.ReleasedAt > 0 && r.CompleteAt > 0 {
			row[5] = took(r.ReleasedAt - r.CompleteAt)
		}
		cells = append(cells, row)
	}
	return align(cells)
}

func at(t time.Duration) string {
	if t == 0 {
		return "-"
	}
	return "at " + Seconds(t)
}

// took writes how long something took, which is not seen more exactly.
func took(d time.Duration) string {
	if d < 100*time.Millisecond {
		return "<0.1s"
	}
	return Seconds(d)
}

// Seconds writes a time as the demo shows it.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// align pads the cells of a table so that its columns stand below each other.
func align(cells [][]string) []string {
	var widths []int
	for _, row := range cells {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(cells))
	for n, row := range cells {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString("  ")
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// cut shortens a line that is too wide, so that the terminal does not break it.
func cut(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}

// wrap breaks a text between words into at most most lines; a width of 0 breaks nothing.
func wrap(text string, width int, indent string, most int) []string {
	if width <= 0 || utf8.RuneCountInString(indent+text) <= width {
		return []string{indent + text}
	}
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	lines = append(lines, line)
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] += " …"
	}
	for i := range lines {
		lines[i] = cut(lines[i], width)
	}
	return lines
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func agree(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Fingerprint is the same for snapshots that look the same.
func (s *Snapshot) Fingerprint() string {
	var b strings.Builder
	b.WriteString(s.Room.Text())
	for i := range s.Rows {
		b.WriteString("\n" + s.Rows[i].Line())
	}
	return b.String()
}
