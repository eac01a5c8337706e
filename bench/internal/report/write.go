package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Text returns the tables for a terminal.
func (r *Result) Text() string {
	var b strings.Builder
	for _, t := range r.tables() {
		t.text(&b)
	}
	return b.String()
}

// Markdown returns the tables for a document, with the machine's description and the plot of that name.
func (r *Result) Markdown(plot string) string {
	var b strings.Builder
	m := &r.Machine
	fmt.Fprintf(&b, "Commit %s, %s, on %s (%d cores, %s), %s, Linux %s, %s; load average at the start %s.\n",
		m.Commit, m.Date, m.CPU, m.Cores, m.Memory, m.OS, m.Kernel, m.Go, m.Load)
	if r.Settings.Runs > 1 {
		fmt.Fprintf(&b, "Each figure is the median of %d runs (smallest..largest).\n", r.Settings.Runs)
	} else {
		b.WriteString("One run of each: how far runs lie apart is not known.\n")
	}
	if r.Ended != "" {
		fmt.Fprintf(&b, "\n**It did not come to its end: %s**\n", firstLine(r.Ended))
	}
	if plot != "" {
		fmt.Fprintf(&b, "\n![Pods bound per second](%s)\n", plot)
	}
	for _, t := range r.tables() {
		t.markdown(&b)
	}
	return b.String()
}

// Write writes the result to name.json, name.md and name.svg in the directory.
func (r *Result) Write(dir, name string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	plot := r.SVG()
	files := map[string]string{".json": string(raw) + "\n", ".svg": plot}
	if plot == "" {
		delete(files, ".svg")
		files[".md"] = r.Markdown("")
	} else {
		files[".md"] = r.Markdown(name + ".svg")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("creating the directory of results: %w", err)
	}
	for extension, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name+extension), []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
	}
	return nil
}
