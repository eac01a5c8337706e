package queueconfig_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// elements returns n elements of a list.
func elements(n int, element func(i int) string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s, ", element(i))
	}
	return b.String()
}

func always(text string) func(int) string { return func(int) string { return text } }

func TestTwentyProblemsAreListedAndTheRestIsCounted(t *testing.T) {
	got := problems(t, header+"queues: ["+elements(50, always("{name: a, weight: -1, order: x}"))+"]")
	if len(got) != 21 || got[20] != "and 129 more" {
		t.Errorf("%d problems, the last one: %s", len(got), got[len(got)-1])
	}
}

func resource(i int) string { return fmt.Sprintf("example.com/r%d: 1", i) }

// What a change of the configuration costs the scheduler is bounded too: the largest ones that are accepted take some tens of MB, not
// hundreds, while the tree is made.
func TestWhatTheLargestConfigurationsTake(t *testing.T) {
	queues := func(n int, fields string) string {
		return elements(n, func(i int) string { return fmt.Sprintf("{name: q%d%s}", i, fields) })
	}
	for name, text := range map[string]string{
		"most queues": "{name: r, guarantee: &r {" + elements(5, resource) + "}, limit: *r}, " + queues(9_998, ", guarantee: *r, limit: *r"),
		"most resources": "{name: r, guarantee: &r {" + elements(64, resource) + "}, limit: *r}, " +
			queues(779, ", guarantee: *r, limit: *r"),
		"most namespaces, which thousands inherit": "{name: p, namespaces: [" +
			elements(1_000, func(i int) string { return fmt.Sprintf("'n%d-*'", i) }) + "], queues: [" + queues(9_998, "") + "]}",
	} {
		t.Run(name, func(t *testing.T) {
			config, err := queueconfig.Parse([]byte(header + "queues: [" + text + "]"))
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			queue.New(config, queue.NewResources())
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > slack*40<<20 {
				t.Errorf("the tree took %d MiB", used>>20)
			} else {
				t.Logf("the tree took %d MiB", used>>20)
			}
		})
	}
}

// What follows would take gigabytes, or minutes, if each repetition were read, or reported, in full.
func TestWhatATextCostsIsBounded(t *testing.T) {
	long := strings.Repeat("x", 500_000)
	names := func(i int) string { return fmt.Sprintf("{name: q%d}", i) }
	resources := elements(20_000, resource)
	for _, test := range []struct{ name, text, want string }{
		{"a text above 1 MiB", strings.Repeat("#", 1<<20+1), "the text has 1048577 bytes: at most 1048576 are read"},
		{"too many queues", header + "queues: [" + elements(10_001, names) + "]", "queues: Too many: the tree may have 10000 queues"},
		{
			"too many queues for that many resources",
			header + "queues: [{name: r, limit: &l {" + elements(64, resource) + "}}, " +
				elements(9_000, func(i int) string { return fmt.Sprintf("{name: q%d, limit: *l}", i) }) + "]",
			"queues: Too many: with 64 different resources in guarantees and limits, the tree may have 781 queues: name fewer resources, or fewer queues",
		},
		{
			"resources in the last queue of too many",
			header + "queues: [" + elements(9_999, names) + "{name: r, limit: {" + elements(11, resource) + "}}]",
			"queues: Too many: with 11 different resources in guarantees and limits, the tree may have 4545 queues",
		},
		{
			"a queue that is its own child", header + "queues: &all [{name: a, queues: *all}]",
			"queues[0].queues[0].name: Duplicate value",
		},
		{
			"queues doubled on each level",
			header + "queues: [{name: a, queues: &a [" + elements(200, names) + "]}, " +
				"{name: b, queues: &b [" + elements(200, always("{queues: *a}")) + "]}, {name: c, queues: [" +
				elements(200, always("{queues: *b}")) + "]}]",
			"queues[1].queues[0].name: Required value",
		},
		{"a long name, many times", header + "queues: [{name: &n " + long + "}, " + elements(9_000, always("{name: *n}")) + "]", "DNS label"},
		{
			"a long pattern, many times",
			header + "queues: [{name: a, namespaces: &n [" + long + "]}, " + elements(9_000, always("{name: b, namespaces: *n}")) + "]",
			"must be the name of a namespace",
		},
		{
			"many patterns, many times",
			header + "queues: [{name: a, namespaces: &n [" + elements(1000, func(i int) string { return fmt.Sprintf("n%d", i) }) + "]}, " +
				elements(9_000, func(i int) string { return fmt.Sprintf("{name: q%d, namespaces: *n}", i) }) + "]",
			"queues[10].namespaces: Invalid value: all queues together may name 10000 namespaces",
		},
		{
			"many patterns at once",
			header + "queues: [{name: a, namespaces: [" + elements(1001, func(i int) string { return fmt.Sprintf("n%d", i) }) + "]}]",
			"queues[0].namespaces: Invalid value: must have at most 1000 namespaces",
		},
		{
			"many resources, many times",
			header + "queues: [{name: a, limit: &r {" + resources + "}}, " + elements(9_000, always("{limit: *r, guarantee: *r}")) + "]",
			"queues[0].limit: Invalid value: must have at most 64 fields",
		},
		{
			"many unknown fields, many times",
			header + "queues: [&q {" + resources + "}, " + elements(9_000, always("*q")) + "]",
			"queues[0]: Invalid value: must have at most 64 fields",
		},
		{"a long field", header + "? " + long + "\n: 1", "xxx...: Forbidden: unknown field"},
		{"a long anchor", header + "queues: *" + long, "not YAML: unknown anchor"},
		{"many levels", header + "queues: " + strings.Repeat("[", 100_000), "not YAML: "},
		{"many documents", header + strings.Repeat("---\na\n", 100_000), "there are several documents"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := queueconfig.Parse([]byte(test.text))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%.500v", err)
			}
			if len(err.Error()) > 21*500 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > slack*500<<20 {
				t.Errorf("it took %d MiB", used>>20)
			}
		})
	}
}

// FuzzParse looks for a text that Parse panics on, or takes without being able to read what it has read.
func FuzzParse(f *testing.F) {
	f.Add(header)
	f.Add(with("- {name: a, weight: 2, guarantee: {cpu: 1500m}, limit: {memory: 1Gi}, order: Strict, maxWait: 1h, namespaces: ['a-*']}"))
	f.Add(with("- &a {name: a, queues: [{name: b, preemption: {reclaim: Any, minRuntime: 1m}}]}\n- *a\n"))
	f.Add("a: [*b, &b c]\n---\n? [d]\n: !!e {<<: f}")
	f.Fuzz(func(t *testing.T, text string) {
		config, err := queueconfig.Parse([]byte(text))
		if err != nil {
			problems(t, text)
			return
		}
		readAgain(t, config)
	})
}
