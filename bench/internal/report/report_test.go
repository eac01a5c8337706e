package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is a result with two runs of two contenders.
func sample() *Result {
	run := func(contender string, run int, speed float64) Run {
		return Run{
			Contender: contender, Mode: First, Nodes: 100, Run: run, Pods: 1000, Bound: 1000, Events: 1000,
			ToFirst: 0.5, ToLast: 1000 / speed, PerSecond: speed, CPUPer: 1.5, PeakRSS: 120e6, PeakAnon: 50e6,
		}
	}
	r := &Result{
		Settings: Settings{Nodes: []int{100}, Pods: 1000, Runs: 2},
		Throughput: []Run{
			run("stock", 1, 400), run("ours/plain", 1, 500), run("stock", 2, 600), run("ours/plain", 2, 1000),
		},
		Freed: []Freed{{Contender: "stock", Nodes: 100, Run: 1, Size: 20, Took: []float64{0.03, 0.01, 0.02}}},
		Waiting: []Waiting{
			{Contender: "stock", Nodes: 100, Run: 1, Pods: 1000, PerSecond: 400},
			{Contender: "stock", Nodes: 100, Run: 1, Waiting: 5000, Pods: 1000, PerSecond: 100},
		},
	}
	r.Throughput[3].Bound, r.Throughput[3].Incomplete = 900, "not done within 3m0s"
	r.Throughput[2].Events = 990
	return r
}

func TestText(t *testing.T) {
	text := sample().Text()
	for _, want := range []string{
		"  contender    pods         pods/s  x stock",
		"  stock        1000  500 (400..600)     1.00",
		"  ours/plain  1000*  750 (500..1000)     1.50",
		"* ours/plain, run 2: 900 of 1000 pods were bound: not done within 3m0s",
		"stock, run 2: 10 of 1000 events were lost",
		"75 %",
	} {
		if !strings.Contains(squeeze(text), squeeze(want)) {
			t.Errorf("the tables lack %q:\n%s", want, text)
		}
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines[1]) != len(lines[2]) || len(lines[2]) != len(lines[3]) {
		t.Errorf("the columns are not aligned:\n%s", text)
	}
}

// squeeze replaces each run of white space with one space.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestFewerPodsAreMentioned(t *testing.T) {
	r := sample()
	r.Settings.Pods = 5000
	if text := r.Text(); !strings.Contains(text, "stock gets fewer pods (1000)") {
		t.Errorf("the tables do not say so:\n%s", text)
	}
}

func TestMarkdownTablesHaveAllCells(t *testing.T) {
	columns := 0
	for line := range strings.Lines(sample().Markdown("")) {
		switch cells := strings.Count(line, "|"); {
		case cells == 0:
			columns = 0
		case columns == 0:
			columns = cells
		case cells != columns:
			t.Errorf("%d instead of %d bars in %q", cells, columns, line)
		}
	}
}

func TestSVG(t *testing.T) {
	plot := sample().SVG()
	bars, decoder := 0, xml.NewDecoder(strings.NewReader(plot))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the plot is no XML: %v\n%s", err, plot)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "path" {
			bars++
		}
	}
	if bars != 2 {
		t.Errorf("%d whiskers, want 2:\n%s", bars, plot)
	}
	if plot := (&Result{}).SVG(); plot != "" {
		t.Errorf("a plot of nothing: %s", plot)
	}
}

func TestNiceStep(t *testing.T) {
	for least, want := range map[float64]float64{1: 1, 1.1: 2, 3: 5, 7: 10, 120: 200, 0.03: 0.05} {
		if got := niceStep(least); got != want {
			t.Errorf("niceStep(%v) = %v, want %v", least, got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := sample().Write(dir, "latest"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"latest.json", "latest.md", "latest.svg"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
