package demo_test

import (
	"flag"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/app"
	"github.com/kubenexus/kubenexus-scheduler/internal/reference"
)

var update = flag.Bool("update", false, "write docs/reference/commands.md")

// TestReferenceOfCommands: the page is the one that the commands make. It is here because this package has them linked.
func TestReferenceOfCommands(t *testing.T) {
	pflag.CommandLine = pflag.NewFlagSet("kubenexus", pflag.ContinueOnError) // as app.Main does
	text := reference.Commands(app.NewCommand(), map[string][]string{"scheduler": {"version"}})
	if err := reference.Keep("../../docs/reference/commands.md", text, *update); err != nil {
		t.Error(err)
	}
}
