package doctor

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/document"
	"github.com/kubenexus/kubenexus-scheduler/internal/doctor"
	"github.com/kubenexus/kubenexus-scheduler/internal/words"
)

//nolint:gochecknoglobals // a constant table
var printers = map[string]func(io.Writer, []doctor.Finding) error{"table": asTable, "json": asJSON, "yaml": asYAML}

// Report is what -o json and -o yaml print.
type Report struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Problems and Warnings are the numbers of those among the findings.
	Problems int              `json:"problems"`
	Warnings int              `json:"warnings"`
	Findings []doctor.Finding `json:"findings"`
}

func reportOf(findings []doctor.Finding) Report {
	return Report{
		APIVersion: "kubenexus.io/v1alpha1", Kind: "DoctorReport", Findings: findings,
		Problems: doctor.Count(findings, doctor.Problem), Warnings: doctor.Count(findings, doctor.Warning),
	}
}

func asJSON(out io.Writer, findings []doctor.Finding) error {
	return document.JSON(out, reportOf(findings))
}

func asYAML(out io.Writer, findings []doctor.Finding) error {
	return document.YAML(out, reportOf(findings))
}

// asTable prints the findings in the order of the checks, each remedy below its finding.
func asTable(out io.Writer, findings []doctor.Finding) error {
	const columns = "%-9s%-13s%s\n"
	var b strings.Builder
	fmt.Fprintf(&b, columns, "LEVEL", "CHECK", "FINDING")
	for i := range findings {
		f := &findings[i]
		fmt.Fprintf(&b, columns, f.Level, f.Check, words.OneLine(f.Text))
		if f.Remedy != "" {
			fmt.Fprintf(&b, columns, "", "", "-> "+words.OneLine(f.Remedy))
		}
	}
	fmt.Fprintf(&b, "\nproblems: %d, warnings: %d\n", doctor.Count(findings, doctor.Problem), doctor.Count(findings, doctor.Warning))
	_, err := io.WriteString(out, b.String())
	return err
}
