package install

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// root is the directory in which the documentation runs commands.
const root = "../.."

// notRun are prefixes of documented commands that cannot run here, and why.
var notRun = map[string]string{
	"make image":   "compiles for minutes, and pushes to a registry; what it makes is tried in tools/image",
	"docker build": "needs Docker",
	"make build":   "compiles for minutes",
	"tar ":         "reads what make image makes",
	"ctr ":         "needs containerd; test/nodes imports the image into it",
	"git clone ":   "the test runs in the repository",
	"cd ":          "the test runs in the repository",
	"kind ":        "needs Docker",
	"minikube ":    "needs a virtual machine, or Docker",
	"k3d ":         "needs Docker",
	"bin/":         "make build makes it; test/scenarios runs the command",
}

// docs are sections of the documentation by heading, with the contents of their code blocks.
type docs struct {
	sections map[string]*section
	env      []string
}

type section struct {
	commands []*command // in sh blocks
	yaml     []string   // in yaml blocks
	prose    string
}

type command struct {
	text string
	done bool
}

// read reads the sections of a file: all of them, or those with these headings.
func (d *docs) read(t *testing.T, file string, headings ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```\n")
	for part := range strings.SplitSeq("\n"+string(data), "\n## ") {
		heading, text, _ := strings.Cut(part, "\n")
		if len(headings) > 0 && !slices.Contains(headings, heading) {
			continue
		}
		s := &section{}
		for _, found := range fence.FindAllStringSubmatch(text, -1) {
			switch found[1] {
			case "sh":
				s.commands = append(s.commands, commandsOf(found[2])...)
			case "yaml":
				s.yaml = append(s.yaml, found[2])
			}
		}
		s.prose = fence.ReplaceAllString(text, "")
		d.sections[file+": "+heading] = s
	}
}

// commandsOf returns the commands of a code block: its lines, of which each that ends with a backslash continues on the next.
func commandsOf(text string) []*command {
	var all []*command
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, &command{text: line})
		}
	}
	return all
}

func (d *docs) section(t *testing.T, name string) *section {
	t.Helper()
	s := d.sections[name]
	if s == nil {
		t.Fatalf("there is no section %q; there are %q", name, slices.Sorted(maps.Keys(d.sections)))
	}
	return s
}

// run runs the section's next commands with these prefixes, and returns their output.
func (d *docs) run(t *testing.T, name string, beginnings ...string) string {
	t.Helper()
	var out strings.Builder
	for _, beginning := range beginnings {
		commands := d.section(t, name).commands
		i := slices.IndexFunc(commands, func(c *command) bool { return !c.done && strings.HasPrefix(c.text, beginning) })
		if i < 0 {
			t.Fatalf("%s has no more command %s...", name, beginning)
		}
		commands[i].done = true
		out.WriteString(d.shell(t, commands[i].text))
	}
	return out.String()
}

// shell runs a command in the repository's root directory, as a user would, and returns its output.
func (d *docs) shell(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", text)
	cmd.Dir, cmd.Env, cmd.WaitDelay = root, d.env, time.Second
	out, err := cmd.CombinedOutput()
	t.Logf("$ %s\n%s", text, out)
	if err != nil {
		t.Fatalf("%s: %v\n%s", text, err, out)
	}
	if regexp.MustCompile("(?im)^warning:").Match(out) {
		t.Errorf("%s warns:\n%s", text, out)
	}
	return string(out)
}

// untried returns the commands that no test has run although it could, and commands in running text.
func (d *docs) untried() []string {
	var left []string
	inline := regexp.MustCompile("`((kubectl|helm) [^` ]+ [^`]+)`") // a verb alone is only a mention
	for name, s := range d.sections {
		for _, c := range s.commands {
			if !c.done && !cannotRun(c.text) {
				left = append(left, name+": "+c.text)
			}
		}
		for _, found := range inline.FindAllStringSubmatch(s.prose, -1) {
			left = append(left, name+": "+found[1])
		}
	}
	return left
}

func cannotRun(text string) bool {
	for beginning := range notRun {
		if strings.HasPrefix(text, beginning) {
			return true
		}
	}
	return false
}

// newDocs returns docs without sections, with a shell that has kubectl and helm.
func newDocs(t *testing.T) *docs {
	t.Helper()
	bin, home := t.TempDir(), t.TempDir()
	for tool, module := range map[string]string{"kubectl": ".", "helm": "../../tools/helm"} {
		cmd := exec.Command("go", "tool", "-n", tool) // builds the tool the first time, and prints its path
		cmd.Dir, cmd.Stderr = module, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("building %s: %v", tool, err)
		}
		if err := os.Symlink(strings.TrimSpace(string(out)), filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return &docs{sections: map[string]*section{}, env: append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "KUBECONFIG="+suite.plane.Kubeconfig())}
}

// settings returns the names in the first column of the section's tables.
func (s *section) settings() []string {
	var names []string
	for line := range strings.Lines(s.prose) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
				names = append(names, found[1])
			}
		}
	}
	return names
}
