package demo_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/app"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/internal/demo"
	"github.com/kubenexus/kubenexus-scheduler/internal/demo/picture"
	"github.com/kubenexus/kubenexus-scheduler/internal/demo/view"
)

var draw = flag.Bool("draw", false, "draw docs/pictures/demo.svg from a run of the live demo")

// TestDrawTheDemo runs the demo on a terminal that records it. The scheduler is this test binary once more.
func TestDrawTheDemo(t *testing.T) {
	if !*draw {
		t.Skip("make picture runs it")
	}
	t.Setenv(asCommand, "1")
	start := time.Now()
	terminal := picture.NewTerminal(100, 30, func() time.Duration { return time.Since(start) })
	options := demo.Options{
		Nodes: demo.DefaultNodes, Timeout: 2 * time.Minute,
		Shape:   controlplane.NodeShape{CPU: demo.DefaultCPU, Memory: "32Gi", Pods: 110},
		Command: func(args string) string { return "make demo ARGS='" + args + "'" },
		Execute: app.Execute,
	}
	if err := demo.Run(t.Context(), options, view.NewScreen(terminal, terminal.Size, true)); err != nil {
		t.Fatal(err)
	}
	svg := terminal.SVG("make demo: gangs wait, say why, and start all together")
	if err := os.WriteFile("../../docs/pictures/demo.svg", []byte(svg), 0o600); err != nil {
		t.Fatal(err)
	}
}
