package docs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/convert"
)

// TestExamplesOfMoving: each example of the page about other schedulers is converted into what the page shows, with the warnings that
// it shows.
func TestExamplesOfMoving(t *testing.T) {
	const page = "docs/moving.md"
	examples := map[string]string{"scheduler-plugins": "", "Volcano": "volcano.yaml", "YuniKorn": "", "Koordinator": "koordinator.yaml"}
	for heading, file := range examples {
		t.Run(heading, func(t *testing.T) {
			text := section(t, page, heading)
			before, text, found := strings.Cut(text, "\nbecomes\n")
			if !found {
				t.Fatal("there is no example")
			}
			warnings := ""
			if after, warned, shown := strings.Cut(text, "\nwith the warning\n"); shown {
				text, warnings = after, block(t, warned, "")
			}
			got, notices := convert.Convert([]convert.File{{Name: file, Text: []byte(block(t, before, "yaml"))}}, "kubenexus-scheduler")
			if diff := cmp.Diff(block(t, text, "yaml"), string(got)); diff != "" {
				t.Errorf("the page shows something else (-page +converted):\n%s", diff)
			}
			said := ""
			for i := range notices {
				said += notices[i].String() + "\n"
			}
			if diff := cmp.Diff(warnings, said); diff != "" {
				t.Errorf("the page shows other warnings (-page +said):\n%s", diff)
			}
		})
	}
}
