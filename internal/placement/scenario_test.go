package placement

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven" //nolint:depguard // the scenarios use its file format, like those in test/scenarios
)

// TestScenarios runs the files in testdata. In a file, nodes describes a cluster, one node per line; pack and spread place a gang on it,
// one class per line. min= is how many members must be placed, if not all. parseNode and parseClass describe the lines. -rewrite updates
// the expected output.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := scenario{t: t}
			datadriven.RunTest(t, file, func(_ *testing.T, d *datadriven.TestData) string {
				lines := strings.Split(d.Input, "\n")
				switch d.Cmd {
				case "nodes":
					return s.describe(lines)
				case "pack", "spread":
					least := 0
					if d.HasArg("min") {
						d.ScanArgs(t, "min", &least)
					}
					return s.place(lines, least, map[string]Strategy{"pack": Pack, "spread": Spread}[d.Cmd])
				}
				t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
				return ""
			})
		})
	}
}

type scenario struct {
	t     *testing.T
	nodes []toyNode
}

// describe parses the nodes and returns the totals of the cluster.
func (s *scenario) describe(lines []string) string {
	s.nodes = nil
	cpu, gpu := 0, 0
	for _, line := range lines {
		node := s.parseNode(line)
		cpu += node.free[0]
		gpu += node.free[1]
		s.nodes = append(s.nodes, node)
	}
	return fmt.Sprintf("%d nodes, %d cpu, %d gpu", len(s.nodes), cpu, gpu)
}

// parseNode parses "name cpu=4 gpu=1 zone=a". Omitted resources are 0; an omitted zone is none.
func (s *scenario) parseNode(line string) toyNode {
	words := strings.Fields(line)
	node := toyNode{name: words[0], free: make([]int, 2)}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "cpu":
			node.free[0] = s.number(value)
		case "gpu":
			node.free[1] = s.number(value)
		case "zone":
			node.zone = value
		default:
			s.t.Fatalf("unknown word %q of a node", word)
		}
	}
	return node
}

// parseClass parses "name 3 cpu=1 gpu=1": three members. More words are rules. "not=n1,n2" excludes these nodes. "must=2" is how many
// members the class must have. "apart" allows at most one member per node. "avoids=other" allows no node with members of that class.
// "skew=1" lets zones differ by one member. "zone=other" and "node=other" require the zone, or the node, of a member of that class.
func (s *scenario) parseClass(line string, number map[string]int) toyClass {
	words := strings.Fields(line)
	class := toyClass{name: words[0], members: s.number(words[1]), needs: make([]int, 2)}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "cpu":
			class.needs[0] = s.number(value)
		case "gpu":
			class.needs[1] = s.number(value)
		case "not":
			for n, node := range s.nodes {
				if strings.Contains(","+value+",", ","+node.name+",") {
					class.forbidden = append(class.forbidden, n)
				}
			}
		case "must":
			class.must = s.number(value)
		case "apart":
			class.apart = true
		case "avoids":
			class.avoids = []int{number[value]}
		case "skew":
			class.skew = s.number(value)
		case "zone", "node":
			class.with, class.partner = key, number[value]
		default:
			s.t.Fatalf("unknown word %q of a class", word)
		}
	}
	return class
}

func (s *scenario) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// place returns the plan as text, one class per line.
func (s *scenario) place(lines []string, least int, strategy Strategy) string {
	number := map[string]int{}
	for i, line := range lines {
		number[strings.Fields(line)[0]] = i
	}
	var classes []toyClass
	total := 0
	for _, line := range lines {
		classes = append(classes, s.parseClass(line, number))
		total += classes[len(classes)-1].members
	}
	if least == 0 {
		least = total
	}
	c := newToy(s.nodes, classes)
	g := c.gang(least, strategy)
	plan, ok := Find(c, g)
	examine(s.t, c, g, plan, ok)
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %d of %d\n", map[bool]string{true: "yes", false: "no"}[ok], plan.Placed, total)
	for c, class := range classes {
		fmt.Fprintf(&out, "%s:", class.name)
		for _, node := range plan.Nodes[c] {
			fmt.Fprintf(&out, " %s", s.nodes[node].name)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}
