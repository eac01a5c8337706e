package reference

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands returns the page of the command line: of a command and those below it. Commands in upstream are kube-scheduler with
// changes; of their many flags only those that are named are listed.
func Commands(root *cobra.Command, upstream map[string][]string) string {
	var b strings.Builder
	b.WriteString("# Command line\n\n" +
		"Two programs: `kubenexus-scheduler`, which runs in a cluster, and `kubenexus`, which has the demo and the same scheduler. " +
		generated)
	document(&b, root, upstream)
	return b.String()
}

func document(b *strings.Builder, cmd *cobra.Command, upstream map[string][]string) {
	cmd.InitDefaultVersionFlag()
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n```\n%s\n```\n", cmd.CommandPath(), cmd.Short, strings.TrimSpace(cmd.Long))
	if cmd.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", undent(cmd.Example))
	}
	only, changed := upstream[cmd.Name()]
	if changed {
		b.WriteString("\nIt has the [flags of kube-scheduler]" +
			"(https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/); " +
			"[configuration.md](../configuration.md#other-defaults-than-kube-schedulers) says which defaults differ. Its own:\n")
	}
	var rows [][]string
	list := func(f *pflag.Flag) {
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		value := ""
		if f.DefValue != "" && f.DefValue != "[]" {
			value = "`" + f.DefValue + "`"
		}
		rows = append(rows, []string{name, f.Value.Type(), value, upper(f.Usage)})
	}
	if changed {
		for _, name := range only {
			list(cmd.Flag(name))
		}
	} else {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" {
				list(f)
			}
		})
	}
	if len(rows) > 0 {
		b.WriteString("\n")
		table(b, []string{"flag", "type", "default", "what it is"}, rows)
	}
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			document(b, below, upstream)
		}
	}
}

// undent removes the two leading spaces of cobra's examples.
func undent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
