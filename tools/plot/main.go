// Command plot draws panels in two columns as one SVG. It reads the panels as JSON from its standard input; test/install passes the results
// of the dashboard's queries.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// units maps Grafana's units to readable ones, with the factor to divide by.
var units = map[string]struct {
	name string
	of   float64
}{
	"short": {"", 1}, "ops": {"per second", 1}, "reqps": {"per second", 1}, "s": {"seconds", 1}, "bytes": {"MB", 1e6},
	"percentunit": {"%", 0.01},
}

// palette has colors that most people can distinguish, also with a color vision deficiency. Further lines are gray.
var palette = []color.RGBA{
	{R: 0x00, G: 0x72, B: 0xb2, A: 255},
	{R: 0xd5, G: 0x5e, B: 0x00, A: 255},
	{R: 0x00, G: 0x9e, B: 0x73, A: 255},
	{R: 0xcc, G: 0x79, B: 0xa7, A: 255},
	{R: 0xe6, G: 0x9f, B: 0x00, A: 255},
	{R: 0x56, G: 0xb4, B: 0xe9, A: 255},
}

const (
	columns       = 2
	width, height = 360, 190 // of a panel, in points
	gap           = 14
)

type panel struct {
	Title, Unit string
	Lines       []line
}

// line has [seconds since the start, value] for each time that has a value.
type line struct {
	Name   string
	Points [][2]float64
}

func (l *line) highest() float64 {
	highest := 0.0
	for _, point := range l.Points {
		highest = max(highest, point[1])
	}
	return highest
}

func (l *line) scaled(one float64) plotter.XYs {
	points := make(plotter.XYs, len(l.Points))
	for i, point := range l.Points {
		points[i] = plotter.XY{X: point[0], Y: point[1] / one}
	}
	return points
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: plot FILE.svg, with the panels on the input")
	}
	var panels []panel
	if err := json.NewDecoder(os.Stdin).Decode(&panels); err != nil {
		return fmt.Errorf("reading the panels: %w", err)
	}
	rows := (len(panels) + columns - 1) / columns
	canvas := vgsvg.NewWith(vgsvg.UseWH(columns*(width+gap)+gap, vg.Length(rows)*(height+gap)+gap))
	whole := draw.New(canvas)
	whole.FillPolygon(color.White, []vg.Point{
		whole.Min, {X: whole.Max.X, Y: whole.Min.Y}, whole.Max, {X: whole.Min.X, Y: whole.Max.Y},
	})
	tiles := draw.Tiles{
		Rows: rows, Cols: columns, PadX: gap, PadY: gap,
		PadTop: gap, PadBottom: gap, PadLeft: gap, PadRight: gap,
	}
	for i, p := range panels {
		drawn, err := p.plot()
		if err != nil {
			return fmt.Errorf("panel %s: %w", p.Title, err)
		}
		drawn.Draw(tiles.At(whole, i%columns, i/columns))
	}
	out, err := os.Create(os.Args[1])
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(out); err != nil {
		return fmt.Errorf("writing %s: %w", os.Args[1], err)
	}
	return out.Close()
}

func (p *panel) plot() (*plot.Plot, error) {
	unit, known := units[p.Unit]
	if !known {
		return nil, fmt.Errorf("the unit %q is not among those that can be drawn", p.Unit)
	}
	drawn := plot.New()
	drawn.Title.Text = p.Title
	drawn.Title.TextStyle.Font.Size = 11
	drawn.X.Tick.Label.Font.Size, drawn.Y.Tick.Label.Font.Size = 8, 8
	drawn.X.Label.Text, drawn.Y.Label.Text = "seconds of the test", unit.name
	drawn.X.Label.TextStyle.Font.Size, drawn.Y.Label.TextStyle.Font.Size = 8, 8
	drawn.Legend.Top, drawn.Legend.Left = true, true
	drawn.Legend.TextStyle.Font.Size = 8
	drawn.Legend.ThumbnailWidth = 12
	drawn.Add(plotter.NewGrid())
	if len(p.Lines) > len(palette) { // the highest get a name
		slices.SortStableFunc(p.Lines, func(a, b line) int { return cmp.Compare(b.highest(), a.highest()) })
	}
	for i, l := range p.Lines {
		one, err := plotter.NewLine(l.scaled(unit.of))
		if err != nil {
			return nil, fmt.Errorf("line %s: %w", l.Name, err)
		}
		one.Width = 1.2
		drawn.Add(one)
		switch {
		case i < len(palette):
			one.Color = palette[i]
			drawn.Legend.Add(l.Name, one)
		case i == len(palette):
			one.Color = color.Gray{Y: 160}
			drawn.Legend.Add(fmt.Sprintf("%d others", len(p.Lines)-i), one)
		default:
			one.Color = color.Gray{Y: 160}
		}
	}
	drawn.X.Min, drawn.Y.Min = 0, 0
	if drawn.Y.Max <= 0 {
		drawn.Y.Max = 1
	}
	drawn.Y.Max *= 1 + 0.13*float64(min(len(p.Lines), len(palette)+1)) // space for the legend
	return drawn, nil
}
