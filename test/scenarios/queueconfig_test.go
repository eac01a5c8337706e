package scenarios

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// queueDocument is a configuration with a list of queues.
func queueDocument(list string) string {
	return "apiVersion: kubenexus.io/v1alpha1\nkind: QueueConfiguration\nqueues:\n" + list + "\n"
}

// badQueues are configurations with a mistake, and what is said about them: the field's path first. Each has no limit for the queue
// research, so a gang that waits for that would start if it were in force.
func badQueues() []struct{ name, text, says string } {
	with := func(lines string) string { return queueDocument("- name: research\n" + lines) }
	return []struct{ name, text, says string }{
		{"nothing", "", "there is nothing in it"},
		{"comments", "# queues\n", "there is nothing in it"},
		{"null", "null", "there is nothing in it"},
		{"no queues, as in a file that was cut off", strings.TrimSpace(strings.Split(queueDocument(""), "queues")[0]), "queues: Required value"},
		{"no YAML", "a: b: c", "not YAML"},
		{"a tab", with("\tweight: 2"), "not YAML: line 4"},
		{"two documents", with("---\nqueues: []"), "there are several documents"},
		{"a second document behind an empty one", with("---\n---\nqueues: []"), "there are several documents"},
		{"another version", strings.Replace(with(""), "v1alpha1", "v1", 1), `apiVersion: Unsupported value: "kubenexus.io/v1"`},
		{"another kind", strings.Replace(with(""), "QueueConfiguration", "Queues", 1), `kind: Unsupported value: "Queues"`},
		{"an unknown field", with("  quota: {cpu: 1}"), "queues[0].quota: Forbidden: unknown field"},
		{"a field in the wrong case", with("  maxwait: 1m"), "queues[0].maxwait: Forbidden: unknown field: write maxWait"},
		{"a field twice", with("  weight: 1\n  weight: 2"), "queues[0].weight: Duplicate value"},
		{"no name", with("- weight: 1"), "queues[1].name: Required value"},
		{"a name that is no label", with("- name: The Others"), `queues[1].name: Invalid value: "The Others"`},
		{"a name that is true for others", with("- name: yes"), `queues[1].name: Invalid value: "yes"`},
		{"a tag", with("  order: !fifo Strict"), "queues[0].order: Forbidden: YAML's tags are not read: remove !fifo"},
		{"a merge key", with("  weight: &w 1\n- <<: *w"), "queues[1].<<: Forbidden"},
		{"a name twice", with("- name: a\n  queues:\n  - name: research"), `queues[1].queues[0].name: Duplicate value: "research"`},
		{"a negative weight", with("  weight: -1"), `queues[0].weight: Invalid value: "-1"`},
		{"a priority with a fraction", with("  priority: 1.5"), `queues[0].priority: Invalid value: "1.5"`},
		{"an unknown order", with("  order: FIFO"), `queues[0].order: Unsupported value: "FIFO"`},
		{"a duration without a unit", with("  maxWait: 600"), `queues[0].maxWait: Invalid value: "600"`},
		{"no quantity", with("  guarantee: {memory: 64GB}"), `queues[0].guarantee[memory]: Invalid value: "64GB"`},
		{"an unknown resource", with("  guarantee: {gpu: 1}"), `queues[0].guarantee[gpu]: Invalid value: "gpu"`},
		{"an octal number", with("  guarantee: {cpu: 010}"), `queues[0].guarantee[cpu]: Invalid value: "010"`},
		{"too much", with("  guarantee: {cpu: 1e999}"), `queues[0].guarantee[cpu]: Invalid value: "1e999"`},
		{"a negative guarantee", with("  guarantee: {cpu: -1}"), `queues[0].guarantee[cpu]: Invalid value: "-1"`},
		{
			"guarantees above a limit", with("- name: a\n  limit: {cpu: 1}\n  queues:\n  - {name: b, guarantee: {cpu: 2}}"),
			`queues[1].queues[0].guarantee[cpu]: Invalid value: "2": is above the limit of queue a`,
		},
		{"no namespaces", with("  namespaces: []"), "queues[0].namespaces: Required value"},
		{"unknown preemption", with("  preemption: {reclaim: Always}"), `queues[0].preemption.reclaim: Unsupported value: "Always"`},
		{"default with children", with("- name: default\n  queues: [{name: a}]"), "queues[1].queues: Forbidden"},
		{
			"many queues with many resources", with("  limit: &l {" + repeated(64, "example.com/r%d: 1, ") + "}\n" +
				repeated(2_000, "- {name: q%d, limit: *l}\n")),
			"queues: Too many: with 64 different resources",
		},
	}
}

// repeated returns the format with the numbers from 0 to n-1.
func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// badConfigMaps are ConfigMaps without a configuration, and what is said about them.
func badConfigMaps() []struct {
	name   string
	data   map[string]string
	binary map[string][]byte
	says   string
} {
	good := queueDocument("- name: research")
	return []struct {
		name   string
		data   map[string]string
		binary map[string][]byte
		says   string
	}{
		{name: "no keys", says: "data[queues.yaml]: Required value: the ConfigMap is empty"},
		{
			name: "another key", data: map[string]string{"queue.yaml": good},
			says: "data[queues.yaml]: Required value: the scheduler reads this key, and the ConfigMap has queue.yaml",
		},
		{name: "an empty text", data: map[string]string{"queues.yaml": ""}, says: "there is nothing in it"},
		{
			name: "not UTF-8", binary: map[string][]byte{"queues.yaml": append([]byte{0xff, 0xfe}, good...)},
			says: "binaryData[queues.yaml]: Forbidden",
		},
	}
}

// TestBadQueueConfigurationsAreRefused writes one bad configuration after another while a gang runs and one waits for the limit of its
// queue. Each is refused with the path of the field in an event on the ConfigMap, in the log, and by the metric. The one before them stays in
// force: nothing starts, nothing is evicted. Then a good one counts, and at last there is none.
func TestBadQueueConfigurationsAreRefused(t *testing.T) {
	skipIfShort(t)
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2",
		"--authorization-always-allow-paths=/livez,/readyz,/metrics")
	s := newScenario(t, "bad-queues")
	if err := suite.plane.AddNodes(s.ctx, s.namespace, 1, smallNode); err != nil {
		t.Fatal(err)
	}
	s.configureQueues("- {name: research, limit: {cpu: 3}}")
	s.queued("runs", "research", 2)
	s.boundIs(t, "runs", 2)
	s.queued("waits", "research", 2)
	s.waitsWith(t, "waits-0", "queue research uses 2 of 3 cpu; the gang asks for 2")
	configurationIs(t, scheduler, "1")
	before := s.uids()

	for _, bad := range badQueues() {
		s.writeQueues(bad.text)
		s.configurationRefused(bad.name, bad.says)
		logsRefusal(t, scheduler, bad.says)
		configurationIs(t, scheduler, "0")
	}
	for _, bad := range badConfigMaps() {
		s.writeQueueConfigMap(bad.data, bad.binary)
		s.configurationRefused(bad.name, bad.says)
		logsRefusal(t, scheduler, bad.says)
		configurationIs(t, scheduler, "0")
	}
	s.writeQueues(queueDocument("- name: research\n" + repeated(50, "- {name: q%d, weight: -1}\n")))
	note := s.configurationRefused("50 mistakes", "queues[1].weight")
	if !manyMore.MatchString(note) {
		t.Errorf("the event does not say how many more mistakes there are: %s", note)
	}
	logsRefusal(t, scheduler, `queues[20].weight: Invalid value: "-1": must be a number from 0.001 to 1000000, or 0 for what nobody else `+
		"wants; and 30 more")
	s.knowsQueue("research", true)
	s.boundIs(t, "waits", 0)
	s.boundIs(t, "runs", 2)

	s.writeQueueConfigMap(map[string]string{
		"queues.yaml": "\uFEFF" + strings.ReplaceAll(queueDocument("- {name: research, limit: {cpu: 4}}"), "\n", "\r\n"), "README": "",
	}, nil)
	s.boundIs(t, "waits", 2)
	configurationIs(t, scheduler, "1")
	s.deleteQueues()
	s.knowsQueue("research", false)
	configurationIs(t, scheduler, "1")
	if after := s.uids(); after != before {
		t.Errorf("the pods are %s, and were %s", after, before)
	}
	s.queued("default", "default", 1) // it exists always, and is all that there is now; the node is full
	s.waitsWith(t, "default-0", "of the 1 pod it needs fit")
	s.remove("runs")
	s.boundIs(t, "default", 1)
}

// TestQueuesSurviveAKill: a scheduler that is killed with -9 leaves nothing behind that the next one needs. That one counts the same use,
// and starts what waits in the same order.
func TestQueuesSurviveAKill(t *testing.T) {
	skipIfShort(t)
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2"}
	first := startScheduler(t, args...)
	s := newScenario(t, "killed-queues")
	if err := suite.plane.AddNodes(s.ctx, s.namespace, 1, smallNode); err != nil {
		t.Fatal(err)
	}
	s.configureQueues(`- {name: research, limit: {cpu: "2"}}
- {name: rest, priority: 10, preemption: {reclaim: Never}}
- {name: small, guarantee: {cpu: "1"}, preemption: {reclaim: Never}}
- {name: line, order: Strict, weight: 0}`)
	s.queued("runs", "research", 1)
	s.queued("filler", "default", 3)
	s.boundIs(t, "", 4)
	for _, name := range []string{"rest-a", "rest-b"} {
		s.queued(name, "rest", 1)
		s.waitsWith(t, name+"-0", "of the 1 pod it needs fit")
	}
	s.queued("small-a", "small", 1)
	s.queued("small-b", "small", 1)
	s.queued("first", "line", 4)
	s.queued("second", "line", 1)
	s.waitsWith(t, "small-b-0", "of the 1 pod it needs fit")
	s.waitsWith(t, "second-0", "1 gang of queue line is before it")
	first.Kill()

	s.queued("beyond", "research", 2) // nobody sees it yet
	startScheduler(t, args...)
	s.waitsWith(t, "beyond-0", "queue research uses 1 of 2 cpu; the gang asks for 2")
	s.knowsQueue("line", true) // everything else was seen too
	s.remove("filler")
	s.boundIs(t, "small-a", 1) // what is guaranteed
	s.boundIs(t, "rest-a", 1)  // and the higher priority
	s.boundIs(t, "rest-b", 1)
	s.remove("runs")
	s.boundIs(t, "small-b", 1)
	s.remove("rest-a")
	s.remove("rest-b")
	s.boundIs(t, "beyond", 2)
	s.boundIs(t, "second", 0)
	s.remove("first")
	s.remove("small-b")
	s.boundIs(t, "second", 1)
}

// TestWithoutTheRightToReadTheConfigurationThereIsOneQueue runs the scheduler with the rights of Kubernetes' own, which may read no
// ConfigMap. It says so, and schedules.
func TestWithoutTheRightToReadTheConfigurationThereIsOneQueue(t *testing.T) {
	skipIfShort(t)
	config, err := clientcmd.LoadFromFile(suite.plane.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "system:kube-scheduler"
	}
	s := newScenario(t, "no-rights")
	s.writeQueues(queueDocument("- {name: research, limit: {cpu: 0}}"))
	scheduler := launch(t, "--kubeconfig="+writeKubeconfig(t, config), "--leader-elect=false", "-v=2")
	if err := suite.plane.AddNodes(s.ctx, s.namespace, 1, smallNode); err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "the scheduler to be ready", func() (bool, string) {
		status, text := scheduler.Get("readyz", "")
		return status == http.StatusOK, fmt.Sprint(status, text)
	})
	s.gang("unnamed", 2, 2)
	s.queued("default", "default", 2)
	s.boundIs(t, "", 4)
	s.queued("named", "research", 1)
	s.waitsWith(t, "named-0", "there is no such queue")
	if !scheduler.Log.Contains("Queues cannot be configured: this scheduler may not list and watch the ConfigMap") {
		t.Error("the log does not say that the configuration cannot be read")
	}
}

// queued creates a gang in a queue, whose members request 1 CPU each.
func (s *scenario) queued(name, queue string, members int) {
	s.t.Helper()
	for i := range members {
		spec := podSpec{
			namespace: s.namespace, name: fmt.Sprintf("%s-%d", name, i), cpu: "1", scheduler: ours,
			annotations: gangAnnotations(name, members), labels: map[string]string{queueKey: queue},
		}
		if err := create(s, spec.pod()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// queueKey is the annotation and the label that name a queue.
const queueKey = "kubenexus.io/queue"

// manyMore is the end of an event about more mistakes than there is room for.
var manyMore = regexp.MustCompile(`[^.]; and 4\d more; the configuration before it stays in force$`)

// logsRefusal waits until the log says what is wrong.
func logsRefusal(t *testing.T, scheduler *process.Scheduler, says string) {
	t.Helper()
	quoted := strconv.Quote(says)
	process.Within(t, patience, "the log to say "+says, func() (bool, string) {
		lines := scheduler.Log.Lines("The configuration of queues is refused; the one before it stays in force")
		last := strings.Join(lines[max(0, len(lines)-1):], "")
		return strings.Contains(last, quoted[1:len(quoted)-1]), fmt.Sprintf("its last line is %.500q", last)
	})
}

// configurationRefused waits for the event on the ConfigMap that says what is wrong, and returns its note.
func (s *scenario) configurationRefused(what, says string) string {
	s.t.Helper()
	object, err := suite.client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(s.ctx, queueConfigMap, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	note := ""
	process.Within(s.t, patience, "the event about "+what, func() (bool, string) {
		list, err := suite.client.EventsV1().Events(metav1.NamespaceSystem).List(s.ctx,
			metav1.ListOptions{FieldSelector: "reason=InvalidQueueConfiguration"})
		if err != nil {
			return false, err.Error()
		}
		var said []string
		for _, e := range list.Items {
			if e.Regarding.ResourceVersion == object.ResourceVersion {
				said = append(said, e.Type+" "+e.Note)
				note = e.Note
			}
		}
		return len(said) == 1 && strings.HasPrefix(said[0], "Warning "+says), fmt.Sprintf("%q", said)
	})
	return note
}

// configurationIs waits until the metric says that the latest configuration is in force (1), or was refused (0).
func configurationIs(t *testing.T, scheduler *process.Scheduler, value string) {
	t.Helper()
	process.Within(t, patience, "the metric to be "+value, func() (bool, string) {
		_, text := scheduler.Get("metrics", "")
		_, after, _ := strings.Cut(text, "\nkubenexus_queue_configuration_valid ")
		now, _, _ := strings.Cut(after, "\n")
		return now == value, now
	})
}

// uids are the names and UIDs of the gangs' pods.
func (s *scenario) uids() string {
	s.t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	text := ""
	for i := range pods.Items {
		text += fmt.Sprintf("%s %s, ", pods.Items[i].Name, pods.Items[i].UID)
	}
	return text
}

func writeKubeconfig(t *testing.T, config *clientcmdapi.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}
