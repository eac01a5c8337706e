package queueconfig_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// parse returns the queues of a configuration without mistakes.
func parse(t *testing.T, text string) []queue.Queue {
	t.Helper()
	config, err := queueconfig.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v, in\n%s", err, text)
	}
	return config.Queues
}

// TestWhatMayLookWrong is accepted.
func TestWhatMayLookWrong(t *testing.T) {
	for name, text := range map[string]string{
		"a limit above that of the parent, which counts then": `
- name: a
  limit: {cpu: 1}
  queues: [{name: b, limit: {cpu: 2}}]
`,
		"names of one letter": "\n- {name: y}\n- {name: n}\n",
	} {
		t.Run(name, func(t *testing.T) { parse(t, with(text)) })
	}
}

func TestAGoodConfiguration(t *testing.T) {
	got := parse(t, with(`
- name: research
  weight: 3
  priority: -5
  guarantee: {cpu: "1.5", memory: 64Gi}
  limit: {cpu: 100, nvidia.com/gpu: 64, hugepages-2Mi: 1Gi, pods: 1k}
  order: Strict
  maxWait: 1h30m
  preemption: {withinQueue: Never, reclaim: LowerPriority, minRuntime: 5m}
  namespaces: ["ml-*", web]
  queues:
  - name: vision
    guarantee: {nvidia.com/gpu: "8"}
    preemption: {withinQueue: LowerPriority}
  - name: speech
    weight: 0.5
    guarantee: {nvidia.com/gpu: "4", memory: 32Gi}
    order: BestEffort
    maxWait: 0s
    preemption: {reclaim: Never}
    namespaces: ["*"]
- name: other
`))
	preemption := queue.Preemption{
		WithinQueue: queue.NeverWithin, Reclaim: queue.ReclaimLowerPriority, MinRuntime: 5 * time.Minute,
	}
	want := []queue.Queue{
		{
			Name: "research", Weight: 3, Priority: -5,
			Guarantee: queue.Amounts{"cpu": 1500, "memory": 64 << 30, "nvidia.com/gpu": 12},
			Limit:     queue.Amounts{"cpu": 100_000, "nvidia.com/gpu": 64, "hugepages-2Mi": 1 << 30, "pods": 1000},
			Order:     queue.Strict, MaxWait: 90 * time.Minute, Preemption: preemption, Namespaces: []string{"ml-*", "web"},
			Queues: []queue.Queue{
				{
					Name: "vision", Weight: 1, Guarantee: queue.Amounts{"nvidia.com/gpu": 8},
					Order: queue.Strict, MaxWait: 90 * time.Minute, Namespaces: []string{"ml-*", "web"},
					Preemption: queue.Preemption{
						WithinQueue: queue.LowerPriorityWithin, Reclaim: queue.ReclaimLowerPriority, MinRuntime: 5 * time.Minute,
					},
				},
				{
					Name: "speech", Weight: 0.5, Guarantee: queue.Amounts{"nvidia.com/gpu": 4, "memory": 32 << 30},
					Order: queue.BestEffort, MaxWait: 0, Namespaces: []string{"*"},
					Preemption: queue.Preemption{Reclaim: queue.NeverReclaim, MinRuntime: 5 * time.Minute},
				},
			},
		},
		queue.NewQueue("other"),
		queue.NewQueue("default"),
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
}

func TestThereIsADefaultQueueInEveryConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		header + "queues: []":                          "default",
		with("- name: a\n"):                            "a default",
		with("- name: default\n- name: a"):             "default a",
		with("- {name: a, queues: [{name: default}]}"): "a",
	} {
		var names []string
		for _, q := range parse(t, text) {
			names = append(names, q.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s\nhas the queues %s, not %s", text, got, want)
		}
	}
}

func TestAFieldWithoutAValueIsLeftOut(t *testing.T) {
	got := parse(t, with("- {name: default, weight: , priority: ~, guarantee: null, limit: , order: , maxWait: , preemption: {reclaim: }, queues: }"))
	if diff := cmp.Diff([]queue.Queue{queue.NewQueue("default")}, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
}

// Editors and tools write the same text in several ways.
func TestTheSameConfigurationInOtherForms(t *testing.T) {
	text := with("- name: a\n  limit: {cpu: 1.5}\n")
	want := parse(t, text)
	for name, other := range map[string]string{
		"a byte order mark":       "\uFEFF" + text,
		"line ends of Windows":    strings.ReplaceAll(text, "\n", "\r\n"),
		"no line end at the end":  strings.TrimSpace(text),
		"the begin of a document": "# queues\n---\n" + text,
		"the end of a document":   text + "...\n",
		"empty documents":         "---\n---\n" + text + "---\n---\n# nothing\n",
		"JSON":                    `{"apiVersion":"kubenexus.io/v1alpha1","kind":"QueueConfiguration","queues":[{"name":"a","limit":{"cpu":"1500m"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, parse(t, other), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("queues (-want +got):\n%s", diff)
			}
		})
	}
}

// What is in quotes is text to every reader of YAML, and amounts are read from text as Kubernetes reads them.
func TestQuotedText(t *testing.T) {
	got := parse(t, with(`- {name: "on", namespaces: ['no', "12"], limit: {cpu: "010", memory: "1e3"}}`))
	if got[0].Name != "on" || got[0].Limit["cpu"] != 10_000 || got[0].Limit["memory"] != 1000 {
		t.Errorf("read as %+v", got[0])
	}
}

// Namespaces may use several queues: what names none goes to the first of those that name its namespace alike.
func TestQueuesMayNameTheSameNamespaces(t *testing.T) {
	parse(t, with("- {name: a, namespaces: [ml, web-*]}\n- {name: b, namespaces: [ml, web-*]}\n"))
}

func TestAliasesAreRead(t *testing.T) {
	got := parse(t, with("- {name: a, limit: &limit {cpu: 8}, namespaces: [&ns web]}\n- {name: b, limit: *limit, namespaces: [*ns]}\n"))
	if diff := cmp.Diff(got[0].Limit, got[1].Limit); diff != "" || got[1].Namespaces[0] != "web" {
		t.Errorf("b is not as a: %s, namespaces %s", diff, got[1].Namespaces)
	}
}

func TestTheTreeMayHaveEightLevels(t *testing.T) {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "%s- name: q%d\n", strings.Repeat("  ", i), i)
		if i < 7 {
			fmt.Fprintf(&b, "%s  queues:\n", strings.Repeat("  ", i))
		}
	}
	if got := parse(t, with(b.String())); len(got) != 2 {
		t.Errorf("%d queues on the first level", len(got))
	}
}

// A document is what Parse reads, and it reads it as the same queues: nothing is lost, and nothing is resolved a second time.
func TestADocumentIsReadAsTheSameQueues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 0
		want := queue.Config{Queues: append(drawQueues(t, &n, 1, 1_000_000_000_000), queue.NewQueue(queue.Default))}
		readAgain(t, want)
	})
}

// readAgain reads the document of a configuration.
func readAgain(t rapid.TB, want queue.Config) {
	text, err := json.Marshal(queueconfig.NewDocument(want))
	if err != nil {
		t.Fatal(err)
	}
	got, err := queueconfig.Parse(text)
	if err != nil {
		t.Fatalf("%v, in\n%s", err, text)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s\nqueues (-want +got):\n%s", text, diff)
	}
}

// drawQueues draws queues that guarantee their children what those are guaranteed, and that may have as many pods as the one above.
func drawQueues(t *rapid.T, n *int, level int, above int64) []queue.Queue {
	amount := rapid.Int64Range(0, 1_000_000_000_000)
	var queues []queue.Queue
	for range rapid.IntRange(0, 3).Draw(t, "queues") {
		*n++
		q := queue.Queue{
			Name:     fmt.Sprintf("q%d", *n),
			Weight:   rapid.OneOf(rapid.Float64Range(0.001, 1_000_000), rapid.Just(0.0)).Draw(t, "weight"),
			Priority: rapid.Int32().Draw(t, "priority"),
			Order:    rapid.SampledFrom([]queue.Order{queue.Strict, queue.BestEffort}).Draw(t, "order"),
			MaxWait:  time.Duration(rapid.Int64Range(0, int64(720*time.Hour)).Draw(t, "maxWait")),
			Preemption: queue.Preemption{
				WithinQueue: rapid.SampledFrom([]queue.Within{queue.NeverWithin, queue.LowerPriorityWithin}).Draw(t, "withinQueue"),
				Reclaim: rapid.SampledFrom([]queue.Reclaim{
					queue.NeverReclaim, queue.ReclaimLowerPriority, queue.ReclaimAny,
				}).Draw(t, "reclaim"),
				MinRuntime: time.Duration(rapid.IntRange(0, 720*60).Draw(t, "minRuntime")) * time.Minute,
			},
			Namespaces: rapid.SampledFrom([][]string{{"*"}, {"ml-*", "web"}}).Draw(t, "namespaces"),
			Guarantee:  queue.Amounts{},
			Limit:      queue.Amounts{"pods": rapid.Int64Range(0, above).Draw(t, "pods")},
		}
		if level < 4 {
			q.Queues = drawQueues(t, n, level+1, q.Limit["pods"])
		}
		for _, name := range []string{"cpu", "memory", "nvidia.com/gpu"} {
			q.Guarantee[name] = amount.Draw(t, name)
			for _, child := range q.Queues {
				q.Guarantee[name] += child.Guarantee[name]
			}
		}
		queues = append(queues, q)
	}
	return queues
}
