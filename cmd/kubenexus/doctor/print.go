package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/doctor"
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
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(reportOf(findings))
}

func asYAML(out io.Writer, findings []doctor.Finding) error {
	text, err := yaml.Marshal(reportOf(findings))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// asTable prints the findings in the order of the checks, each remedy below its finding.
func asTable(out io.Writer, findings []doctor.Finding) error {
	const columns = "%-9s%-13s%s\n"
	var b strings.Builder
	fmt.Fprintf(&b, columns, "LEVEL", "CHECK", "FINDING")
	for i := range findings {
		f := &findings[i]
		fmt.Fprintf(&b, columns, f.Level, f.Check, oneLine(f.Text))
		if f.Remedy != "" {
			fmt.Fprintf(&b, columns, "", "", "-> "+oneLine(f.Remedy))
		}
	}
	fmt.Fprintf(&b, "\nproblems: %d, warnings: %d\n", doctor.Count(findings, doctor.Problem), doctor.Count(findings, doctor.Warning))
	_, err := io.WriteString(out, b.String())
	return err
}

// oneLine keeps what pods say from breaking the table, or from changing the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
