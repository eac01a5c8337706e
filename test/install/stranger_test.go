package install

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	strangers = "stranger" // a namespace, and the prefix of the nodes' names

	withKubectl = "docs/install.md: With kubectl"
	withHelm    = "docs/install.md: With Helm"
	isItThere   = "docs/install.md: Is it there?"
	beside      = "docs/install.md: Beside the default scheduler"
	upgrade     = "docs/install.md: Upgrade and roll back"
	uninstall   = "docs/install.md: Uninstall"
	rails       = "docs/install.md: Guard rails"
	tune        = "docs/operations.md: Tune"
	onKind      = "docs/get-started/kind.md: Install"
	firstGang   = "docs/get-started/kind.md: A first gang"

	rolloutStatus = "kubectl -n kube-system rollout status"
)

// TestAStrangerFollowsTheDocs installs, uses, changes and removes the scheduler with the commands of the documentation, word by word, in a
// cluster that runs kube-scheduler. The test fails if a documented command is not run.
func TestAStrangerFollowsTheDocs(t *testing.T) {
	s := newStranger(t)
	parts := []struct {
		name   string
		follow func(*testing.T, *stranger)
	}{
		{"README", installByTheREADME},
		{"kind", installOnKind},
		{"kubectl", followWithKubectl},
		{"Helm", followWithHelm},
		{"only scheduler", becomeTheOnlyScheduler},
	}
	followed := 0
	for _, part := range parts {
		if !t.Run(part.name, func(t *testing.T) {
			part.follow(t, s)
			followed++
		}) {
			return // the next step needs the cluster as it was
		}
	}
	if untried := s.docs.untried(); followed == len(parts) && len(untried) > 0 {
		t.Errorf("nobody tried these commands:\n%s", strings.Join(untried, "\n"))
	}
}

// stranger is a user with a cluster who knows only the documentation.
type stranger struct {
	docs    *docs
	kubelet *kubelet
	// stock is the cluster's kube-scheduler, with the credentials that kubeadm creates.
	stock      *process.Scheduler
	kubeconfig string
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	s := &stranger{docs: newDocs(t), kubeconfig: kubeconfigOf(t, kubeScheduler)}
	s.docs.read(t, "README.md", "Install it")
	s.docs.read(t, "docs/install.md")
	s.docs.read(t, "docs/operations.md", "Tune")
	s.docs.read(t, "docs/get-started/kind.md")
	// Delete what other tests left.
	s.docs.shell(t, "kubectl delete deployments -A -l "+schedulerPods+" --cascade=foreground")
	s.docs.shell(t, "kubectl delete --ignore-not-found -f config/gang-scheduler-ha.yaml")
	s.docs.shell(t, "kubectl -n kube-system delete lease --ignore-not-found kubenexus-scheduler")

	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: strangers}})
	t.Cleanup(func() { deleteNamespace(t, strangers) })
	s.kubelet = startKubelet(t, "registry.example.com/kubenexus-scheduler:v0.1.0", "registry.example.com/kubenexus-scheduler:v0.2.0",
		"localhost/kubenexus-scheduler:v0.1.0")
	addNodes(t, strangers, 3)
	for i := range 3 {
		s.kubelet.servesNode(fmt.Sprintf("%s-%d", strangers, i))
	}
	s.stock = process.Start(t, stock, "--kubeconfig="+s.kubeconfig,
		"--authentication-kubeconfig="+s.kubeconfig, "--authorization-kubeconfig="+s.kubeconfig)
	process.Within(t, patience, "the cluster's own scheduler to lead", func() (bool, string) {
		return s.leader(t, "kube-scheduler") != "", "nobody leads"
	})
	return s
}

// installByTheREADME runs the commands from kubectl apply until the first gang is bound.
func installByTheREADME(t *testing.T, s *stranger) {
	before := inventory(t)
	s.docs.run(t, "README.md: Install it", "sed ", "kubectl apply -f examples/training-job.yaml")
	s.allBound(t, metav1.NamespaceDefault, "job-name=training", 4)
	s.docs.shell(t, "kubectl delete -f examples/training-job.yaml")
	s.threeReplicas(t)
	s.docs.shell(t, "kubectl delete -f config/gang-scheduler-ha.yaml")
	s.docs.shell(t, "kubectl -n kube-system delete lease kubenexus-scheduler")
	s.onlyThisIsLeft(t, before)
}

// installOnKind runs what is the same on kind as on any cluster, with the image's name on a cluster without a registry.
func installOnKind(t *testing.T, s *stranger) {
	before := inventory(t)
	s.docs.run(t, onKind, "sed ", rolloutStatus)
	s.docs.run(t, firstGang, "kubectl apply -f examples/first-gang.yaml")
	s.allBound(t, metav1.NamespaceDefault, "job-name=first-gang", 4)
	if list := s.docs.run(t, firstGang, "kubectl get pods"); strings.Count(list, "\nfirst-gang-") != 4 {
		t.Errorf("the command does not show the 4 pods:\n%s", list)
	}
	s.docs.shell(t, "kubectl delete -f examples/first-gang.yaml")
	s.docs.shell(t, "kubectl delete -f config/gang-scheduler-deployment.yaml")
	s.docs.shell(t, "kubectl -n kube-system delete lease kubenexus-scheduler")
	s.onlyThisIsLeft(t, before)
}

func followWithKubectl(t *testing.T, s *stranger) {
	before := inventory(t)
	s.docs.run(t, withKubectl, "sed ", rolloutStatus, "kubectl apply -f examples/training-job.yaml")
	s.allBound(t, metav1.NamespaceDefault, "job-name=training", 4)
	s.isThere(t)

	s.undisturbed(t, "upgrade", func() { s.docs.run(t, upgrade, "sed ", rolloutStatus) })
	s.runsImage(t, "v0.2.0")
	s.undisturbed(t, "rollback", func() {
		s.docs.run(t, upgrade, "sed ")
		s.docs.shell(t, rolloutStatus+" deployment kubenexus-scheduler")
	})
	s.runsImage(t, "v0.1.0")
	s.docs.run(t, rails, "kubectl apply -f config/guard-rails.yaml")
	s.twoNames(t)
	s.tuned(t)
	s.threeReplicas(t)
	s.docs.run(t, withKubectl, "sed ", "kubectl -n kube-system delete poddisruptionbudget")
	s.runsImage(t, "v0.1.0")

	s.refusedNothing(t)
	s.docs.shell(t, "kubectl delete -f examples/training-job.yaml -f examples/batch-demo.yaml")
	s.members(t, "runs-on", 2, 2)
	s.allBound(t, strangers, "gang=runs-on", 2)
	running := s.pods(t, strangers, "gang=runs-on")
	s.docs.run(t, uninstall, "kubectl delete -f config/gang-scheduler-deployment.yaml", "kubectl -n kube-system delete lease",
		"kubectl delete -f config/guard-rails.yaml")
	s.onlyThisIsLeft(t, before, "pods stranger/runs-on-0", "pods stranger/runs-on-1")
	s.areTheSame(t, "gang=runs-on", running)
	s.empty(t)
}

func followWithHelm(t *testing.T, s *stranger) {
	before := inventory(t)
	s.docs.run(t, withHelm, "helm install", rolloutStatus)
	s.undisturbed(t, "helm-upgrade", func() {
		s.docs.run(t, upgrade, "helm upgrade")
		s.docs.shell(t, rolloutStatus+" deployment kubenexus-scheduler")
	})
	s.runsImage(t, "v0.2.0")
	s.undisturbed(t, "helm-rollback", func() {
		s.docs.run(t, upgrade, "helm rollback")
		s.docs.shell(t, rolloutStatus+" deployment kubenexus-scheduler")
	})
	s.runsImage(t, "v0.1.0")
	s.refusedNothing(t)
	s.docs.run(t, uninstall, "helm uninstall", "kubectl -n kube-system delete lease")
	s.onlyThisIsLeft(t, before)
}

// threeReplicas applies the other manifest over the first one.
func (s *stranger) threeReplicas(t *testing.T) {
	t.Helper()
	s.docs.shell(t, "sed 's|your-registry/kubenexus-scheduler:latest|registry.example.com/kubenexus-scheduler:v0.1.0|' "+
		"config/gang-scheduler-ha.yaml | kubectl apply -f -")
	s.docs.shell(t, rolloutStatus+" deployment kubenexus-scheduler")
}

// isThere runs the documented checks while the gang training runs.
func (s *stranger) isThere(t *testing.T) {
	t.Helper()
	table := strings.Split(s.docs.run(t, isItThere, "kubectl -n kube-system get lease"), "\n")
	if row := strings.Fields(table[1]); table[0][:4] != "NAME" || len(row) != 3 || row[0] != "kubenexus-scheduler" {
		t.Errorf("nobody leads: %q", table)
	}
	if log := s.docs.run(t, isItThere, "kubectl -n kube-system logs"); !strings.Contains(log, "training") {
		t.Errorf("the log does not speak of the gang:\n%s", log)
	}
	started := s.event(t, "GangReleased", metav1.NamespaceDefault, "job-name=training").InvolvedObject.Name
	if events := s.docs.run(t, isItThere, "kubectl get events"); !strings.Contains(events, started) {
		t.Errorf("no event says that the gang started:\n%s", events)
	}
}

// undisturbed makes a change while one gang runs and another lacks a member. The change must not affect them, and the second gang must
// start once its last member is created.
func (s *stranger) undisturbed(t *testing.T, name string, change func()) {
	t.Helper()
	s.members(t, name+"-runs", 2, 2)
	s.allBound(t, strangers, "gang="+name+"-runs", 2)
	s.members(t, name+"-waits", 2, 3)
	s.allSay(t, "gang="+name+"-waits", "has 2 of the 3 pods it needs")
	running, waiting := s.pods(t, strangers, "gang="+name+"-runs"), s.pods(t, strangers, "gang="+name+"-waits")
	s.refusedNothing(t)
	s.anotherLeads(t, change)
	s.areTheSame(t, "gang="+name+"-runs", running)
	s.areTheSame(t, "gang="+name+"-waits", waiting)

	create(t, s.member(name+"-waits", 2, 3))
	s.allBound(t, strangers, "gang="+name+"-waits", 3)
	s.empty(t)
}

// twoNames lets one process serve both schedulerNames, while kube-scheduler serves its own.
func (s *stranger) twoNames(t *testing.T) {
	t.Helper()
	var documented map[string]any
	if err := yaml.UnmarshalStrict([]byte(s.docs.section(t, beside).yaml[0]), &documented); err != nil {
		t.Fatal(err)
	}
	s.edit(t, documented, func() { s.docs.run(t, beside, "kubectl -n kube-system edit") })
	s.anotherLeads(t, func() { s.docs.run(t, beside, "kubectl -n kube-system rollout restart", rolloutStatus) })
	s.docs.run(t, beside, "kubectl apply -f examples/batch-demo.yaml")
	s.event(t, "GangReleased", metav1.NamespaceDefault, "!job-name")
	s.members(t, "first-name", 2, 2)
	s.allBound(t, strangers, "gang=first-name", 2)
	create(t, s.anybodys("stocks", 0, 0))
	s.allBound(t, strangers, "gang=stocks", 1)
	s.empty(t)
}

// tuned changes every documented setting in the configuration, and checks that it takes effect.
func (s *stranger) tuned(t *testing.T) {
	t.Helper()
	args := map[string]any{"timeout": "1s", "placement": "spread", "reservationTimeout": "1m", "reservedShare": 0.5, "unknownGangs": "Schedule"}
	connection := map[string]any{"qps": 1000, "burst": 2000}
	for _, name := range s.docs.section(t, tune).settings() {
		_, isArg := args[name]
		_, isConnection := connection[strings.TrimPrefix(name, "clientConnection.")]
		if !isArg && !isConnection && name != "-v" { // each pod has its own
			t.Errorf("docs/operations.md says how to tune %s, which is not tried here", name)
		}
	}
	s.edit(t, map[string]any{
		"clientConnection": connection,
		"profiles": []any{map[string]any{
			"schedulerName": "kubenexus-scheduler",
			"plugins":       map[string]any{"multiPoint": map[string]any{"enabled": []any{map[string]any{"name": "Coscheduling"}}}},
			"pluginConfig":  []any{map[string]any{"name": "Coscheduling", "args": args}},
		}},
	}, func() { s.docs.shell(t, "kubectl -n kube-system edit configmap kubenexus-scheduler") })
	s.anotherLeads(t, func() {
		s.docs.shell(t, "kubectl -n kube-system rollout restart deployment kubenexus-scheduler")
		s.docs.shell(t, rolloutStatus+" deployment kubenexus-scheduler")
	})
	s.members(t, "spread", 3, 3)
	s.allBound(t, strangers, "gang=spread", 3)
	nodes := map[string]bool{}
	for _, pod := range s.pods(t, strangers, "gang=spread") {
		nodes[pod.Spec.NodeName] = true
	}
	if len(nodes) != 3 {
		t.Errorf("a gang of 3 that is spread over 3 nodes is on %d", len(nodes))
	}
	s.members(t, "late", 1, 2)
	if text := s.event(t, "GangTimedOut", strangers, "gang=late").Message; !strings.Contains(text, "within 1s") {
		t.Errorf("with a timeout of 1s, a gang says %q", text)
	}
	s.empty(t)
}

// edit replaces parts of the configuration in the ConfigMap with the editor that the documented command starts.
func (s *stranger) edit(t *testing.T, parts map[string]any, call func()) {
	t.Helper()
	const key = "scheduler-config.yaml"
	config, err := suite.client.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "kubenexus-scheduler", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := yaml.Unmarshal([]byte(config.Data[key]), &whole); err != nil {
		t.Fatal(err)
	}
	maps.Copy(whole, parts)
	config.Data[key] = string(marshal(t, whole))
	config.APIVersion, config.Kind = "v1", "ConfigMap"
	file := filepath.Join(t.TempDir(), "edited.yaml")
	if err := os.WriteFile(file, marshal(t, config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := s.docs.env
	s.docs.env = append(slices.Clone(env), "KUBE_EDITOR=cp "+file)
	call()
	s.docs.env = env
}

func marshal(t *testing.T, object any) []byte {
	t.Helper()
	data, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
