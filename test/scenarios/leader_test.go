package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// wouldCome is longer than a standby takes to take over from a leader that has ended.
const wouldCome = 4 * time.Second

// election is a lease that is longer than any test waits. Who leads after another was killed did not wait for it.
type election struct {
	t     *testing.T
	lease string
}

// launch starts a replica that runs in a pod, or in none.
func (e *election) launch(pod *corev1.Pod) *process.Scheduler {
	e.t.Helper()
	var environment []string
	if pod != nil {
		environment = []string{"POD_NAMESPACE=" + pod.Namespace, "POD_NAME=" + pod.Name, "POD_UID=" + string(pod.UID)}
	}
	return process.LaunchIn(e.t, environment, process.KubeNexus, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true",
		"--leader-elect-resource-name="+e.lease, "--leader-elect-lease-duration="+longLease.String(),
		"--leader-elect-renew-deadline="+(longLease/2).String(), "--leader-elect-retry-period=200ms", "-v=2")
}

// start starts a replica and waits until it is ready.
func (e *election) start(pod *corev1.Pod) *process.Scheduler {
	e.t.Helper()
	s := e.launch(pod)
	s.AwaitReady()
	return s
}

func (e *election) read() *coordinationv1.Lease {
	e.t.Helper()
	lease, err := suite.client.CoordinationV1().Leases("kube-system").Get(e.t.Context(), e.lease, metav1.GetOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	return lease
}

func (e *election) holder() string {
	e.t.Helper()
	return *e.read().Spec.HolderIdentity
}

// passes waits until another than that leads.
func (e *election) passes(from string) {
	e.t.Helper()
	process.Within(e.t, patience, "another leader", func() (bool, string) {
		now := e.holder()
		return now != from && now != "", now
	})
}

// stays checks that the lease is still that of a leader that was killed once another could have it.
func (e *election) stays(with string) {
	e.t.Helper()
	if process.Poll(wouldCome, func() bool { return e.holder() != with }) {
		e.t.Errorf("%s leads, and nobody knows whether %s has ended", e.holder(), with)
	}
}

// logs waits until the scheduler's log has that text.
func logs(t *testing.T, s *process.Scheduler, text string) {
	t.Helper()
	process.Within(t, patience, "the log to have "+text, func() (bool, string) { return s.Log.Contains(text), s.Log.String() })
}

// replicaPod creates a pod as the manifest makes it, on a simulated node, and waits until the kubelet says that its container runs.
func (s *scenario) replicaPod(name string) *corev1.Pod {
	s.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: corev1.PodSpec{
			NodeName: s.namespace + "-0", Containers: []corev1.Container{{Name: "scheduler", Image: "registry.example.com/scheduler"}},
		},
	}
	if err := create(s, pod); err != nil {
		s.t.Fatal(err)
	}
	process.Within(s.t, patience, "the pod of a replica to run", func() (bool, string) {
		now, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		pod = now
		return pod.Status.Phase == corev1.PodRunning && len(pod.Status.ContainerStatuses) == 1, string(pod.Status.Phase)
	})
	return pod
}

// containerIs writes what a kubelet says of the pod's container.
func (s *scenario) containerIs(pod *corev1.Pod, state, last corev1.ContainerState) {
	s.t.Helper()
	status := pod.Status.ContainerStatuses[0]
	status.State, status.LastTerminationState, status.Ready = state, last, false
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"containerStatuses": []corev1.ContainerStatus{status}}})
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = suite.client.CoreV1().Pods(pod.Namespace).Patch(s.ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		s.t.Fatal(err)
	}
}

func newElection(t *testing.T, name string) (*election, *scenario) {
	t.Helper()
	s := newScenario(t, name)
	if err := suite.plane.AddNodes(s.ctx, name, 1, smallNode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // when its replicas have ended: a lease whose holder was killed would be waited for in the next run
		err := suite.client.CoordinationV1().Leases("kube-system").Delete(context.Background(), name, metav1.DeleteOptions{})
		if err != nil {
			t.Errorf("deleting the lease: %v", err)
		}
	})
	return &election{t: t, lease: name}, s
}

// TestAContainerThatIsStartedAgainLeadsAtOnce: the process before was of the same pod, so it has ended. A process of another pod waits.
func TestAContainerThatIsStartedAgainLeadsAtOnce(t *testing.T) {
	e, s := newElection(t, "leader-again")
	pod := s.replicaPod("a")
	first := e.start(pod)
	before := e.holder()
	if want := "a_" + string(pod.UID) + "_"; !strings.HasPrefix(before, want) {
		t.Errorf("%s leads, want %s...", before, want)
	}
	first.Kill()
	e.launch(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "a", UID: "another-of-that-name"}})
	e.stays(before)
	again := e.start(pod)
	e.passes(before)
	logs(t, again, "an earlier process of this pod")
}

// TestAStandbyBelievesTheKubelet: a leader is killed, and a standby takes over once the kubelet of its pod says that the container has ended.
func TestAStandbyBelievesTheKubelet(t *testing.T) {
	e, s := newElection(t, "leader-kubelet")
	pod := s.replicaPod("a")
	leader := e.start(pod)
	before := e.holder()
	standby := e.start(s.replicaPod("b"))
	leader.Kill()
	e.stays(before) // as long as the container runs, as far as the kubelet knows
	s.containerIs(pod, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, FinishedAt: metav1.Now()}})
	e.passes(before)
	logs(t, standby, "container scheduler of pod leader-kubelet/a ended with exit code 137, and waits")
	startsAGang(t, "leader-kubelet-gang", "kubenexus-scheduler", gangAnnotations("a", 3))
}

// TestAPodThatIsGoneKeepsItsLease: it was deleted by force, and its process may still run.
func TestAPodThatIsGoneKeepsItsLease(t *testing.T) {
	e, s := newElection(t, "leader-gone")
	pod := s.replicaPod("a")
	leader := e.start(pod)
	before := e.holder()
	e.start(s.replicaPod("b"))
	if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	leader.Kill()
	e.stays(before)
}

// TestAReplicaThatCannotLeadIsNotReady: the only replica was killed and comes back, and the lease of the process before has not ended. It is not
// ready, says why, and is as soon as it leads.
func TestAReplicaThatCannotLeadIsNotReady(t *testing.T) {
	e, _ := newElection(t, "leader-unready")
	e.start(nil).Kill()
	again := e.launch(nil)
	process.Within(t, patience, "the replica to say why it is not ready", func() (bool, string) {
		status, text := again.Get("readyz?verbose", "")
		return status == http.StatusInternalServerError && strings.Contains(text, "[+]sched-handler-sync ok") &&
			strings.Contains(text, "[-]leader failed: this replica does not lead, and no leader has renewed the lease"), fmt.Sprint(status, text)
	})
	logs(t, again, "no leader has renewed the lease")
	if status, text := again.Get("livez", ""); status != http.StatusOK {
		t.Errorf("/livez says %d %s, want 200: another start would not help", status, text)
	}
	if process.Poll(wouldCome, func() bool { status, _ := again.Get("readyz", ""); return status == http.StatusOK }) {
		t.Error("it is ready, and nobody leads")
	}

	lease := e.read()
	lease.Spec.HolderIdentity = new(string)
	if _, err := suite.client.CoordinationV1().Leases("kube-system").Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	again.AwaitReady()
	if e.holder() == "" {
		t.Error("it is ready, and nobody leads")
	}
	e.start(nil) // a standby beside it is ready, though it never led
}

// problem is a line of a log with an error or a warning.
var problem = regexp.MustCompile(`(?m)^[EWF]\d{4} .*$`)

// TestAStartLogsNoProblems: where nothing is wrong, the log of a start has no errors and no warnings, and says in one line which flags are set.
func TestAStartLogsNoProblems(t *testing.T) {
	s := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect-resource-name=quiet-start", "-v=2")
	startsAGang(t, "quiet-start", "kubenexus-scheduler", gangAnnotations("a", 3))
	log := s.Log.String()
	for _, line := range problem.FindAllString(log, -1) {
		t.Error(line)
	}
	if n := len(s.Log.Lines("--leader-elect-resource-name=quiet-start")); n != 1 || strings.Contains(log, "FLAG:") {
		t.Errorf("the flags are in %d lines, want one:\n%s", n, log)
	}
}
