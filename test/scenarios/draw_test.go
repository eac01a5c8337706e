package scenarios

import (
	"bytes"
	"encoding/json"
	"flag"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var draw = flag.Bool("draw", false, "draw docs/pictures/queues-*.svg from the runs of the tests that measure queues")

// picturePanel is one for tools/plot.
type picturePanel struct {
	Title, Unit string
	Lines       []pictureLine
}

// pictureLine has seconds since the start and values.
type pictureLine struct {
	Name   string
	Points [][2]float64
}

// pictureStep is the time over which lines are averaged.
const pictureStep = 500 * time.Millisecond

// level is a line that stays the same.
func level(name string, value, from, to float64) pictureLine {
	return pictureLine{name, [][2]float64{{from, value}, {to, value}}}
}

// overTime is a line of a value, averaged over each step.
func overTime(name string, from, to time.Time, value func(from, to time.Time) float64) pictureLine {
	line := pictureLine{Name: name}
	for at := from; !at.Add(pictureStep).After(to); at = at.Add(pictureStep) {
		line.Points = append(line.Points, [2]float64{(at.Sub(from) + pictureStep/2).Seconds(), value(at, at.Add(pictureStep))})
	}
	return line
}

// drawPicture writes docs/pictures/NAME.svg.
func drawPicture(t *testing.T, name string, panels ...picturePanel) {
	t.Helper()
	data, err := json.Marshal(panels)
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs("../../docs/pictures/" + name + ".svg")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "-C", "../../tools/plot", "run", ".", file)
	cmd.Stdin = bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("drawing %s: %v: %s", name, err, out)
	}
}

// drawShares draws the three queues' parts of the sum of their dominant shares, and how much of the cluster is used.
func drawShares(t *testing.T, usage *usageWatch, began time.Time, total amount) {
	t.Helper()
	queues := []string{"one", "two", "three"}
	end := time.Now()
	seconds := end.Sub(began).Seconds()
	parts := picturePanel{Title: "Part of the sum of dominant shares", Unit: "short"}
	for i, queue := range queues {
		name := []string{"one, weight 1", "two, weight 2", "three, weight 3"}[i]
		parts.Lines = append(parts.Lines, overTime(name, began, end, func(from, to time.Time) float64 {
			shares, all := usage.dominantShares(from, to, total), 0.0
			for _, share := range shares {
				all += share
			}
			return shares[queue] / max(all, 1e-9)
		}))
	}
	for i, name := range []string{"1/6", "2/6", "3/6"} {
		parts.Lines = append(parts.Lines, level(name, float64(i+1)/6, 0, seconds))
	}
	used := picturePanel{Title: "Part of the cluster that is used", Unit: "short"}
	of := func(resource func(amount) float64) func(from, to time.Time) float64 {
		return func(from, to time.Time) (part float64) {
			usage.each(from, to, func(_ time.Time, lasted time.Duration, used map[string]amount) {
				part += resource(sum(used, queues...)) / resource(total) * lasted.Seconds() / to.Sub(from).Seconds()
			})
			return part
		}
	}
	used.Lines = []pictureLine{
		overTime("CPU", began, end, of(func(a amount) float64 { return a.cpu })),
		overTime("memory", began, end, of(func(a amount) float64 { return a.memory })),
	}
	drawPicture(t, "queues-weights", parts, used)
}

// drawStream draws what the streams and the gangs use, with capacity set aside and without.
func drawStream(t *testing.T, aside, effort *stream) {
	t.Helper()
	var panels []picturePanel
	for _, run := range []struct {
		title string
		*stream
	}{{"CPUs in use, maxWait: " + streamMaxWait.String(), aside}, {"CPUs in use, maxWait: 0s (best effort)", effort}} {
		end := run.complete.Add(streamPeriod)
		used := func(users ...string) func(from, to time.Time) float64 {
			return func(from, to time.Time) float64 {
				return run.load.usage.work(from, to, users...) / to.Sub(from).Seconds()
			}
		}
		panels = append(panels, picturePanel{Title: run.title, Unit: "short", Lines: []pictureLine{
			overTime("the stream", run.began, end, used("stream")),
			overTime("the gang", run.began, end, used("half")),
			overTime("both", run.began, end, used("stream", "half")),
		}})
	}
	drawPicture(t, "queues-set-aside", panels...)
}
