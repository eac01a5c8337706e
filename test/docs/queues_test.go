package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// aboutQueues is the page about queues.
const aboutQueues = "docs/concepts/queues.md"

const gpu = "nvidia.com/gpu"

// section returns the text of a page below a heading, up to the next one of its level.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// block returns the first block of code in a text, in a language or in none.
func block(t *testing.T, text, language string) string {
	t.Helper()
	_, text, _ = strings.Cut(text, "\n```"+language+"\n")
	text, _, found := strings.Cut(text, "```\n")
	if !found {
		t.Fatalf("there is no block of %q in:\n%s", language, text)
	}
	return text
}

// example is the cluster of the worked example, and the gangs that wait in it.
type example struct {
	*queue.Tree
	resources *queue.Resources
	free      int
	// order is how the gangs were created, and nodes is how many each needs.
	order []string
	nodes map[string]int
}

func newExample(t *testing.T, config queue.Config) *example {
	t.Helper()
	e := &example{
		resources: queue.NewResources(), free: 12,
		order: []string{"r1", "p1", "d1", "r2", "p2", "d2", "r3", "p3", "d3", "r4", "d4", "d5", "d6"},
		nodes: map[string]int{},
	}
	e.Tree = queue.New(config, e.resources)
	e.SetTotal(e.vector(12*8, 12*96_000))
	for i, name := range e.order {
		e.nodes[name] = map[byte]int{'r': 3, 'p': 2, 'd': 1}[name[0]]
		e.Wait(queue.Entry{
			ID: queue.ID(name), Leaf: e.leaf(t, name), Ask: e.asks(name), Ready: true,
			Key: queue.SortKey{Age: time.Unix(int64(i), 0), Gang: gang.Key{Name: name}},
		})
	}
	return e
}

func (e *example) vector(gpus, millicores int64) queue.Vector {
	var v queue.Vector
	v.Set(e.resources.Index(gpu), gpus)
	v.Set(e.resources.Index("cpu"), millicores)
	return v
}

func (e *example) asks(name string) queue.Vector {
	nodes := int64(e.nodes[name])
	return e.vector(8*nodes, 32_000*nodes)
}

func (e *example) leaf(t *testing.T, name string) queue.Leaf {
	t.Helper()
	leaf, refusal := e.For("default", map[byte]string{'r': "research", 'p': "product", 'd': "data"}[name[0]])
	if refusal != queue.Allowed {
		t.Fatalf("there is no queue for %s", name)
	}
	return leaf
}

// step tries the gang that goes next. It returns its name, and whether there were enough nodes for it.
func (e *example) step(t *testing.T) (name string, starts bool) {
	t.Helper()
	next, found := e.Next()
	if !found {
		t.Fatal("no gang goes next")
	}
	name = string(next.ID)
	if e.nodes[name] > e.free {
		e.SetReady(next.ID, false)
		return name, false
	}
	e.free -= e.nodes[name]
	e.Remove(next.ID)
	e.Use(e.leaf(t, name), e.asks(name), 1)
	return name, true
}

// ends takes away a gang that runs, and lets all others be tried again.
func (e *example) ends(t *testing.T, name string) {
	t.Helper()
	e.free += e.nodes[name]
	e.Use(e.leaf(t, name), e.asks(name), -1)
	for _, waits := range e.order {
		e.SetReady(queue.ID(waits), true)
	}
}

// gpus returns an amount of each queue.
func (e *example) gpus(of func(queue.Status) queue.Vector) map[string]int64 {
	all := map[string]int64{}
	for _, status := range e.Statuses() {
		if status.Name != queue.Default {
			all[status.Name] = of(status).Get(e.resources.Index(gpu))
		}
	}
	return all
}

func used(s queue.Status) queue.Vector { return s.Used }

var row = regexp.MustCompile(`(?m)^\| (\d+) \| (\d+)[^|]* \| (\d+)[^|]* \| (\d+)[^|]* \| (\d+) \| (\S+) \| (.*) \|$`)

// TestTheWorkedExampleOfQueues follows the steps of the page about queues with the tree that the scheduler has.
func TestTheWorkedExampleOfQueues(t *testing.T) {
	text := section(t, aboutQueues, "A worked example")
	config, err := queueconfig.Parse([]byte(block(t, text, "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	e := newExample(t, config)
	rows := row.FindAllStringSubmatch(text, -1)
	if len(rows) != 9 {
		t.Fatalf("the table has %d steps", len(rows))
	}
	for i, cells := range rows {
		use := e.gpus(used)
		want := []string{fmt.Sprint(i + 1), fmt.Sprint(use["research"]), fmt.Sprint(use["product"]), fmt.Sprint(use["data"]), fmt.Sprint(e.free)}
		name, starts := e.step(t)
		if starts {
			want = append(want, name)
		} else if want = append(want, "-"); !strings.Contains(cells[7], name) {
			t.Errorf("step %s does not say that %s was tried", cells[1], name)
		}
		if diff := cmp.Diff(want, cells[1:7]); diff != "" {
			t.Errorf("a step (-what happens +what the page says):\n%s", diff)
		}
	}
	for _, name := range []string{"r3", "r4"} {
		if got, starts := e.step(t); got != name || starts {
			t.Errorf("after the table, %s is tried, want %s, which does not fit", got, name)
		}
	}
	if next, found := e.Next(); found {
		t.Errorf("then %s goes next", next.ID)
	}
	for what, got := range map[string]map[string]int64{"48 16 32": e.gpus(used), "48 24 24": e.gpus(func(s queue.Status) queue.Vector { return s.Fair })} {
		if numbers := fmt.Sprint(got["research"], " ", got["product"], " ", got["data"]); numbers != what {
			t.Errorf("the queues have %s GPUs, want %s", numbers, what)
		}
	}
	for _, round := range []struct{ ends, starts string }{{"d1", "d5"}, {"d2", "d6"}} {
		e.ends(t, round.ends)
		name, starts := e.step(t)
		for !starts {
			name, starts = e.step(t)
		}
		if name != round.starts {
			t.Errorf("when %s ends, %s starts, want %s", round.ends, name, round.starts)
		}
	}
}

// TestConfigurationsOfQueuesAreValid: whoever copies what a page shows gets queues.
func TestConfigurationsOfQueuesAreValid(t *testing.T) {
	for page, heading := range map[string]string{aboutQueues: "A configuration", "README.md": "Queues"} {
		var object struct {
			Kind string            `json:"kind"`
			Data map[string]string `json:"data"`
		}
		if err := yaml.Unmarshal([]byte(block(t, section(t, page, heading), "yaml")), &object); err != nil {
			t.Fatal(err)
		}
		if _, err := queueconfig.Parse([]byte(object.Data[queueconfig.Key])); object.Kind != "ConfigMap" || err != nil {
			t.Errorf("%s: a %s, and %v", page, object.Kind, err)
		}
	}
}

// TestSentencesAboutQueuesAreTheSchedulers: the reference is generated from the code.
func TestSentencesAboutQueuesAreTheSchedulers(t *testing.T) {
	reference := strings.Split(read(t, "docs/reference/events.md"), "\n")
	sentences := strings.Split(strings.TrimSpace(block(t, section(t, aboutQueues, "What users see"), "")), "\n")
	if len(sentences) < 8 {
		t.Fatalf("only %d sentences", len(sentences))
	}
	for _, sentence := range sentences {
		if !slices.Contains(reference, sentence) {
			t.Errorf("the reference of events has no such sentence: %s", sentence)
		}
	}
}
