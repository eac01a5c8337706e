package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// chartsQueues returns the text of queues.yaml that the chart makes of queues, or "" if it makes none.
func chartsQueues(t *testing.T, queues string) string {
	t.Helper()
	for _, object := range objects(t, []byte(mustHelm(t, "template", "kubenexus", chart, "--namespace=gangs", "--set-json=queues="+queues))) {
		if object.GetKind() != "ConfigMap" || object.GetName() != queueconfig.DefaultName {
			continue
		}
		if namespace := object.GetNamespace(); namespace != "gangs" {
			t.Errorf("the ConfigMap is in namespace %s", namespace)
		}
		return decode[corev1.ConfigMap](t, object).Data[queueconfig.Key]
	}
	return ""
}

// TestChartsQueuesAreThoseOfItsValues: what Helm writes is read as what the values say, also numbers that Helm could write otherwise.
func TestChartsQueuesAreThoseOfItsValues(t *testing.T) {
	example := map[string]any{}
	for _, object := range readObjects(t, "../../examples/queues/queues.yaml") {
		if err := yaml.Unmarshal([]byte(decode[corev1.ConfigMap](t, object).Data[queueconfig.Key]), &example); err != nil {
			t.Fatal(err)
		}
	}
	examples, err := json.Marshal(example["queues"])
	if err != nil {
		t.Fatal(err)
	}
	for _, queues := range []string{
		string(examples),
		`[{"name":"0","weight":1000000,"priority":2147483647,"limit":{"memory":68719476736,"cpu":0.5},"namespaces":["*"]}]`,
		`[{"name":"no","weight":0.001,"priority":-1,"queues":[{"name":"null","queues":[{"name":"1e3","preemption":{"minRuntime":"1h30m"}}]}]}]`,
	} {
		want, err := queueconfig.Parse([]byte(`{"apiVersion":"kubenexus.io/v1alpha1","kind":"QueueConfiguration","queues":` + queues + `}`))
		if err != nil {
			t.Fatal(err)
		}
		text := chartsQueues(t, queues)
		got, err := queueconfig.Parse([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v, in\n%s\nqueues (-want +got):\n%s", err, text, diff)
		}
	}
	if text := chartsQueues(t, "[]"); text != "" {
		t.Errorf("without queues it makes\n%s", text)
	}
}

// TestChartRefusesBadQueues that the scheduler would refuse, as far as a schema can say so.
func TestChartRefusesBadQueues(t *testing.T) {
	for queues, want := range map[string]string{
		`[{}]`:                          "/queues/0",
		`[{"name":"a","maxwait":"1m"}]`: "'maxwait' not allowed",
		`[{"name":"A"}]`:                "/queues/0/name",
		`[{"name":"a","queues":[{"name":"b","queues":[{"name":"c","weight":-1}]}]}]`: "/queues/0/queues/0/queues/0/weight",
		`[{"name":"a","weight":"2"}]`:                         "/queues/0/weight",
		`[{"name":"a","priority":2147483648}]`:                "/queues/0/priority",
		`[{"name":"a","limit":{"gpu":1}}]`:                    "invalid propertyName 'gpu'",
		`[{"name":"a","limit":{"memory":"64GB"}}]`:            "/queues/0/limit/memory",
		`[{"name":"a","guarantee":{"cpu":-1}}]`:               "/queues/0/guarantee/cpu",
		`[{"name":"a","order":"FIFO"}]`:                       "/queues/0/order",
		`[{"name":"a","maxWait":"1d"}]`:                       "/queues/0/maxWait",
		`[{"name":"a","preemption":{"reclaim":"Sometimes"}}]`: "/queues/0/preemption/reclaim",
		`[{"name":"a","namespaces":[]}]`:                      "/queues/0/namespaces",
		`[{"name":"a","namespaces":["ml-.*"]}]`:               "/queues/0/namespaces/0",
	} {
		if out, err := helm(t, "template", "kubenexus", chart, "--set-json=queues="+queues); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: error %v, want %q in: %s", queues, err, want, out)
		}
	}
}

// TestChartsSchedulerReadsTheChartsQueues: all profiles name the ConfigMap, in the release's namespace.
func TestChartsSchedulerReadsTheChartsQueues(t *testing.T) {
	var config struct {
		Profiles []struct {
			PluginConfig []struct {
				Name string
				Args struct {
					Queues struct{ Namespace, Name string }
				}
			}
		}
	}
	text := chartsConfiguration(t, "--set=profiles[0].schedulerName=x,profiles[0].plugin=BatchPermit,profiles[0].args.timeout=15m,"+
		"profiles[1].schedulerName=y,profiles[1].plugin=")
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Profiles) != 2 {
		t.Fatalf("%d profiles in\n%s", len(config.Profiles), text)
	}
	for i, profile := range config.Profiles {
		first := profile.PluginConfig[0]
		if first.Name != "GangQueue" || first.Args.Queues.Namespace != "default" || first.Args.Queues.Name != queueconfig.DefaultName {
			t.Errorf("profile %d has %+v", i, first)
		}
	}
}

// TestChartHasTheGuardRailsForQueues: the same policies as config/guard-rails.yaml, for the schedulers of the release.
func TestChartHasTheGuardRailsForQueues(t *testing.T) {
	const names = "profiles[0].schedulerName=kubenexus-scheduler,profiles[0].plugin=Coscheduling," +
		"profiles[1].schedulerName=batch-scheduler,profiles[1].plugin=BatchPermit"
	rendered := chartsPolicies(t, names)
	var want, got []*unstructured.Unstructured
	for _, object := range readObjects(t, guardRails) {
		if strings.HasPrefix(object.GetName(), "kubenexus-queues-") {
			want = append(want, object)
		}
	}
	for _, object := range objects(t, []byte(strings.ReplaceAll(rendered, "kubenexus-scheduler-queues-", "kubenexus-queues-"))) {
		object.SetLabels(want[0].GetLabels())
		got = append(got, object)
	}
	if diff := cmp.Diff(plain(t, want), plain(t, got)); diff != "" || len(got) != 8 {
		t.Errorf("%d policies and bindings; config/guard-rails.yaml (-) and the chart (+) differ:\n%s", len(got), diff)
	}
	if other := chartsPolicies(t, `profiles[0].schedulerName=it's,profiles[0].plugin=Coscheduling`); !strings.Contains(other, `in ['it\'s']`) {
		t.Errorf("the policies are not for the scheduler of the release:\n%s", other)
	}
}

func chartsPolicies(t *testing.T, values string) string {
	t.Helper()
	return mustHelm(t, "template", "kubenexus", chart, "--show-only=templates/guardrails.yaml", "--set=guardRails.queues.enabled=true,"+values)
}

// TestChartsGuardRailsAreThoseOfTheManifest: Helm reads nothing outside of the chart, so it has a copy.
func TestChartsGuardRailsAreThoseOfTheManifest(t *testing.T) {
	manifests, err := os.ReadFile(guardRails)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(filepath.Join(chart, "guard-rails.yaml"))
	if diff := cmp.Diff(string(manifests), string(copied)); err != nil || diff != "" {
		t.Errorf("run make manifests: %v\n%s", err, diff)
	}
}
