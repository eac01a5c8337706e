package picture

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// The measures of the picture, in pixels. Monospaced fonts are 0.6 of their size wide.
const (
	fontSize   = 13
	charWidth  = 7.8
	lineHeight = 18
	padding    = 16
	// baseline is how far below the upper end of its row a line of text stands.
	baseline = 13
)

// hold is how long the last frame stays before the picture starts again.
const hold = 8 * time.Second

// sheet gives the picture a dark background of its own, so that it looks the same on a white and on a black page.
const sheet = `text { font: %dpx ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
text { fill: #c9d1d9; white-space: pre }
.bold { font-weight: 700; fill: #f0f6fc } .dim { fill: #8b949e } .green { fill: #56d364 } .yellow { fill: #e3b341 }
`

// SVG returns the frames as an animated picture. Where nothing is animated, it shows the last frame.
func (t *Terminal) SVG(title string) string {
	width := int(float64(t.width)*charWidth) + 2*padding
	height := t.height*lineHeight + 2*padding
	strip, defs := t.strip()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `, width, height, width, height)
	fmt.Fprintf(&b, `role="img" aria-label="%s" xml:space="preserve">`+"\n", html.EscapeString(title))
	fmt.Fprintf(&b, "<title>%s</title>\n<style>\n"+sheet+"%s</style>\n", html.EscapeString(title), fontSize, t.animation())
	fmt.Fprintf(&b, "<defs>\n%s</defs>\n", defs)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#0d1117"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<svg x="%d" y="%d" width="%d" height="%d"><g class="strip">`+"\n%s</g></svg>\n</svg>\n",
		padding, padding, width-2*padding, t.height*lineHeight, strip)
	return b.String()
}

// animation moves the strip of frames, one below the other, past the window.
func (t *Terminal) animation() string {
	if len(t.frames) == 0 {
		return ""
	}
	end := t.frames[len(t.frames)-1].at + hold
	begin := t.frames[0].at
	var b strings.Builder
	fmt.Fprintf(&b, ".strip { transform: translateY(%dpx) }\n", -t.offset(len(t.frames)-1))
	b.WriteString("@keyframes play {\n")
	for i, f := range t.frames {
		fmt.Fprintf(&b, "%.2f%% { transform: translateY(%dpx) }\n", 100*(f.at-begin).Seconds()/(end-begin).Seconds(), -t.offset(i))
	}
	fmt.Fprintf(&b, "}\n@media (prefers-reduced-motion: no-preference) { .strip { animation: play %.1fs step-end infinite } }\n",
		(end - begin).Seconds())
	return b.String()
}

// offset is where a frame begins on the strip.
func (t *Terminal) offset(i int) int { return i * t.height * lineHeight }

// strip draws the frames one below the other. A line that several frames have is defined once.
func (t *Terminal) strip() (strip, defs string) {
	var used, defined strings.Builder
	names := map[string]string{}
	for i, f := range t.frames {
		for row, l := range f.lines {
			if strings.TrimSpace(l.text()) == "" {
				continue
			}
			drawn := l.svg()
			if names[drawn] == "" {
				names[drawn] = fmt.Sprintf("l%d", len(names))
				fmt.Fprintf(&defined, `<text id="%s">%s</text>`+"\n", names[drawn], drawn)
			}
			fmt.Fprintf(&used, `<use href="#%s" y="%d"/>`, names[drawn], t.offset(i)+row*lineHeight+baseline)
		}
		used.WriteString("\n")
	}
	return used.String(), defined.String()
}

// svg draws the parts of a line that have one style each.
func (l line) svg() string {
	var b strings.Builder
	for from := 0; from < len(l); {
		to := from
		for to < len(l) && l[to].style == l[from].style {
			to++
		}
		text := html.EscapeString(l[from:to].text())
		if class := l[from].style.class(); class != "" {
			text = fmt.Sprintf(`<tspan class="%s">%s</tspan>`, class, text)
		}
		b.WriteString(text)
		from = to
	}
	return strings.TrimRight(b.String(), " ")
}

func (s style) class() string {
	switch s {
	case bold:
		return "bold"
	case dim:
		return "dim"
	case green:
		return "green"
	case yellow:
		return "yellow"
	case plain:
	}
	return ""
}
