package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

// The dimensions of the plot, in pixels.
const (
	left, right, top   = 60, 150, 40
	panelWidth         = 760
	panelHeight        = 220
	panelGap           = 70
	barShare           = 0.8 // of the width for a number of nodes
	tickCount          = 4
	whisker            = 3
	legendStep, swatch = 20, 12
)

// style has colors that most people can distinguish, also with a color vision deficiency, on white and on black.
const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .grid { stroke: #d0d7de } .whisker { stroke: #24292f; stroke-width: 1.5 }
  .c0 { fill: #8c959f } .c1 { fill: #0072b2 } .c2 { fill: #56b4e9 } .c3 { fill: #d55e00 }
  .c4 { fill: #e69f00 } .c5 { fill: #009e73 } .c6 { fill: #cc79a7 } .c7 { fill: #b5a900 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #30363d } .whisker { stroke: #e6edf3 }
  }
</style>
`

const colours = 8

// bar is the median of a contender, with its range.
type bar struct {
	contender string
	speed     stats.Spread
}

// SVG returns the plot of pods per second by contender and number of nodes, or "" if there are no figures to plot.
func (r *Result) SVG() string {
	contenders := r.plotted()
	if len(contenders) == 0 {
		return ""
	}
	var b strings.Builder
	height := top
	for _, mode := range []string{First, While} {
		if r.panel(&b, mode, contenders, height) {
			height += panelHeight + panelGap
		}
	}
	legend(&b, contenders)
	size := fmt.Sprintf(`width="%d" height="%d" viewBox="0 0 %d %d"`, left+panelWidth+right, height, left+panelWidth+right, height)
	return `<svg xmlns="http://www.w3.org/2000/svg" ` + size + ` role="img" aria-label="Pods bound per second">` + "\n" +
		style + b.String() + "</svg>\n"
}

// plotted returns all contenders with throughput runs.
func (r *Result) plotted() []string {
	var names []string
	for i := range r.Throughput {
		if name := r.Throughput[i].Contender; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// panel draws one mode and reports whether there were figures to draw.
func (r *Result) panel(b *strings.Builder, mode string, contenders []string, y int) bool {
	bars := make([][]bar, len(r.Settings.Nodes))
	most := 0.0
	for i, nodes := range r.Settings.Nodes {
		for _, g := range r.throughput(mode, nodes) {
			speed := g.spread(perSecond)
			bars[i] = append(bars[i], bar{g.contender, speed})
			most = max(most, speed.Max)
		}
	}
	if most == 0 {
		return false
	}
	title := map[string]string{First: "all pods exist when the scheduler starts", While: "pods are created while the scheduler runs"}
	fmt.Fprintf(b, `<text class="title" x="%d" y="%d">Pods bound per second: %s</text>`+"\n", left, y-16, title[mode])
	step := niceStep(most / tickCount)
	highest := math.Ceil(most/step) * step
	for value := 0.0; value <= highest; value += step {
		at := float64(y) + panelHeight*(1-value/highest)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n",
			left, left+panelWidth, at, at, left-8, at+4, value)
	}
	room := float64(panelWidth) / float64(len(bars))
	for i := range bars {
		x := left + room*float64(i)
		drawBars(b, bars[i], contenders, x+room*(1-barShare)/2, room*barShare, float64(y), panelHeight/highest)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%d nodes</text>`+"\n", x+room/2, y+panelHeight+18, r.Settings.Nodes[i])
	}
	return true
}

// drawBars draws the bars for one number of nodes, starting at x; y is the top of the panel.
func drawBars(b *strings.Builder, bars []bar, contenders []string, x, room, y, scale float64) {
	width := room / float64(len(contenders))
	for _, bar := range bars {
		at := slices.Index(contenders, bar.contender)
		from := x + width*float64(at)
		level := func(value float64) float64 { return y + panelHeight - value*scale }
		fmt.Fprintf(b, `<rect class="c%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s: %s</title></rect>`+"\n",
			at%colours, from, level(bar.speed.Median), max(width-2, 1), bar.speed.Median*scale,
			html.EscapeString(bar.contender), format(bar.speed, 0))
		middle := from + (width-2)/2
		if bar.speed.Min == bar.speed.Max {
			continue
		}
		fmt.Fprintf(b, `<path class="whisker" d="M%.1f %.1fV%.1fM%.1f %.1fh%dM%.1f %.1fh%d"/>`+"\n",
			middle, level(bar.speed.Min), level(bar.speed.Max),
			middle-whisker, level(bar.speed.Min), 2*whisker, middle-whisker, level(bar.speed.Max), 2*whisker)
	}
}

func legend(b *strings.Builder, contenders []string) {
	x := left + panelWidth + 16
	for i, name := range contenders {
		y := top + i*legendStep
		fmt.Fprintf(b, `<rect class="c%d" x="%d" y="%d" width="%d" height="%d"/><text x="%d" y="%d">%s</text>`+"\n",
			i%colours, x, y, swatch, swatch, x+swatch+6, y+10, html.EscapeString(name))
	}
}

// niceStep returns the next of 1, 2, 5, 10, 20, 50 and so on.
func niceStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= least {
			return factor * power
		}
	}
	return 10 * power
}
