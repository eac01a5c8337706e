package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cancel"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/doctor"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/exit"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/submit"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// ran is a command that runs, or ran.
type ran struct {
	out, problems process.Buffer
	err           chan error
}

// command starts a command in the namespace of the scenario.
func (s *scenario) command(cmd *cobra.Command, stdin string, args ...string) *ran {
	r := &ran{err: make(chan error, 1)}
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&r.out)
	cmd.SetErr(&r.problems)
	cmd.SetArgs(append([]string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--namespace=" + s.namespace}, args...))
	go func() { r.err <- cmd.ExecuteContext(s.ctx) }()
	return r
}

// ends waits until the command ends, and returns its error.
func (r *ran) ends(t *testing.T) error {
	t.Helper()
	var err error
	process.Within(t, patience, "the command to end", func() (bool, string) {
		select {
		case err = <-r.err:
			return true, ""
		default:
			return false, r.out.String() + r.problems.String()
		}
	})
	return err
}

// says waits until the command has said something.
func (r *ran) says(t *testing.T, text string) {
	t.Helper()
	process.Within(t, patience, "the command to say "+text, func() (bool, string) {
		return r.problems.Contains(text), r.out.String() + r.problems.String()
	})
}

// succeeds waits until the command ends without an error, and returns what it printed.
func (r *ran) succeeds(t *testing.T) string {
	t.Helper()
	if err := r.ends(t); err != nil {
		t.Fatalf("%v\n%s%s", err, r.out.String(), r.problems.String())
	}
	return r.out.String()
}

// TestSubmitAndCancel: submit waits until a gang runs and says why it waits, and cancel ends gangs with what makes their pods.
func TestSubmitAndCancel(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "submit-command")
	s.awaitNodes(ours)
	s.node("n1", smallNode)

	first := s.command(submit.NewCommand(), "", "first", "--image=busybox", "--replicas=2", "--cpu=1", "--wait", "--", "sleep", "60")
	if got := first.succeeds(t); got != "job.batch/first created\n" || !first.problems.Contains("gang first runs") {
		t.Errorf("it printed %q and %q", got, first.problems.String())
	}

	second := s.command(submit.NewCommand(), "", "second", "--image=busybox", "--replicas=3", "--cpu=1", "--wait", "--torchrun")
	second.says(t, "Insufficient cpu")
	second.says(t, "of 3 pods that have to start together, 3 exist, 0 have a node, 0 run")
	dry := s.command(cancel.NewCommand(), "", "first", "--dry-run=server").succeeds(t)
	if dry != "job.batch/first deleted (server dry run), with 2 pods\n" {
		t.Errorf("a dry run printed %q", dry)
	}
	if got := s.command(cancel.NewCommand(), "", "first").succeeds(t); got != "job.batch/first deleted, with 2 pods\n" {
		t.Errorf("cancel printed %q", got)
	}
	if got := second.succeeds(t); got != "job.batch/second created\nservice/second created\n" {
		t.Errorf("it printed %q", got)
	}
	s.command(cancel.NewCommand(), "", "second").succeeds(t)
	process.Within(t, patience, "the pods and the Service to go", func() (bool, string) {
		pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		_, err = suite.client.CoreV1().Services(s.namespace).Get(s.ctx, "second", metav1.GetOptions{})
		return len(pods.Items) == 0 && apierrors.IsNotFound(err), fmt.Sprint(len(pods.Items), err)
	})
}

// generated is a manifest whose Job gets its name from the API server.
const generated = `apiVersion: batch/v1
kind: Job
metadata:
  generateName: made-
spec:
  parallelism: 2
  completions: 2
  template:
    metadata:
      annotations:
        pod-group.scheduling.sigs.k8s.io/min-available: "2"
    spec:
      schedulerName: kubenexus-scheduler
      restartPolicy: Never
      containers:
      - {name: main, image: "busybox:1.37", resources: {requests: {cpu: "1"}}}
`

func TestSubmitAManifest(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "submit-manifest")
	s.awaitNodes(ours)
	s.node("n1", smallNode)
	if got := s.command(submit.NewCommand(), generated, "-f", "-", "--dry-run=server", "-o", "name").succeeds(t); !strings.HasPrefix(got, "job.batch/made-") {
		t.Errorf("a dry run printed %q", got)
	}
	made := s.command(submit.NewCommand(), generated, "-f", "-", "--wait", "-o", "name").succeeds(t)
	jobs, err := suite.client.BatchV1().Jobs(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil || len(jobs.Items) != 1 || made != "job.batch/"+jobs.Items[0].Name+"\n" {
		t.Errorf("%v: there are %d Jobs after it printed %q", err, len(jobs.Items), made)
	}
	twice := s.command(submit.NewCommand(), strings.Replace(generated, "generateName: made-", "name: "+jobs.Items[0].Name, 1), "-f", "-").ends(t)
	if twice == nil || !strings.Contains(twice.Error(), "already exists; nothing was created") {
		t.Errorf("a Job that exists is created with the error %v", twice)
	}
}

// TestSubmitThatDoesNotStart: the exit code tells a timeout from a failure.
func TestSubmitThatDoesNotStart(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "submit-fails")
	late := s.command(submit.NewCommand(), "", "late", "--image=busybox", "--replicas=2", "--wait", "--timeout=1s").ends(t)
	if exit.CodeOf(late) != exit.TimedOut || late.Error() != "not all gangs run after 1s; they go on to wait" {
		t.Errorf("after the timeout: error %v, exit code %d", late, exit.CodeOf(late))
	}
	gone := s.command(submit.NewCommand(), "", "gone", "--image=busybox", "--replicas=2", "--wait")
	gone.says(t, "2 exist")
	s.command(cancel.NewCommand(), "", "gone", "late").succeeds(t)
	if err := gone.ends(t); exit.CodeOf(err) != exit.Failed || err.Error() != "job.batch/gone was deleted" {
		t.Errorf("after it was deleted: error %v", err)
	}
	if err := s.command(cancel.NewCommand(), "", "gone").ends(t); err == nil || !strings.HasPrefix(err.Error(), "there is no gang and no Job gone") {
		t.Errorf("what is gone is cancelled with the error %v", err)
	}
}

// TestCancelWithoutTheRight: a user who may see a gang but not delete its Job is told so.
func TestCancelWithoutTheRight(t *testing.T) {
	s := newScenario(t, "cancel-rights")
	s.mayDo(t, "viewer", []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "delete"}},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"get"}},
	})
	s.command(submit.NewCommand(), "", "kept", "--image=busybox", "--replicas=2").succeeds(t)
	s.podsExist(t, 2)
	err := s.command(cancel.NewCommand(), "", "kept", "--as=viewer").ends(t)
	if err == nil || !strings.HasPrefix(err.Error(), "you may not delete job.batch/kept in namespace cancel-rights") {
		t.Errorf("error %v", err)
	}
	s.podsExist(t, 2)
	s.command(cancel.NewCommand(), "", "kept").succeeds(t)
}

// mayDo gives rights in the namespace to a user, and waits until they count.
func (s *scenario) mayDo(t *testing.T, user string, rules []rbacv1.PolicyRule) {
	t.Helper()
	roles := suite.client.RbacV1()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}
	if _, err := roles.Roles(s.namespace).Create(s.ctx, role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := roles.RoleBindings(s.namespace).Create(s.ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "the rights to count", func() (bool, string) {
		review, err := suite.client.AuthorizationV1().SubjectAccessReviews().Create(s.ctx, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: s.namespace, Verb: rules[0].Verbs[0], Group: rules[0].APIGroups[0], Resource: rules[0].Resources[0],
			}},
		}, metav1.CreateOptions{})
		return err == nil && review.Status.Allowed, fmt.Sprint(err)
	})
}

// TestDoctor: doctor says what is wrong with a cluster, and no more once it is right.
func TestDoctor(t *testing.T) {
	s := newScenario(t, "doctor-command")
	const lease = "kubenexus-doctor"
	examine := func() (doctor.Report, error) {
		r := s.command(doctor.NewCommand(), "", "-o", "json", "--lease-name="+lease, "--service-account=doctor", "--scheduler-namespace="+s.namespace)
		err := r.ends(t)
		var report doctor.Report
		if err := json.Unmarshal([]byte(r.out.String()), &report); err != nil {
			t.Fatalf("%v\n%s%s", err, r.out.String(), r.problems.String())
		}
		return report, err
	}
	found := func(report doctor.Report, level, text string) bool {
		for _, f := range report.Findings {
			if f.Level.String() == level && strings.Contains(f.Text, text) {
				return true
			}
		}
		return false
	}
	s.single("broken", func(p *corev1.Pod) { p.Annotations = gangAnnotations("broken", -1) })
	report, err := examine()
	if err == nil || report.Problems != 3 {
		t.Errorf("error %v with %d problems, want 3: %+v", err, report.Problems, report.Findings)
	}
	for level, texts := range map[string][]string{
		"problem": {
			"there is no Lease doctor-command/" + lease, "the service account doctor-command/doctor lacks",
			"these pods will not start as they are: doctor-command/broken: annotation",
		},
		"ok": {"the API server is v1.", "you may do all that the commands need"},
	} {
		for _, text := range texts {
			if !found(report, level, text) {
				t.Errorf("it does not say as %s: %s\n%+v", level, text, report.Findings)
			}
		}
	}

	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect-resource-namespace="+s.namespace, "--leader-elect-resource-name="+lease)
	s.bindToAdmin(t, "doctor")
	s.remove("broken")
	if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, "broken", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil &&
		!apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	process.Within(t, patience, "doctor to find nothing wrong", func() (bool, string) {
		report, err = examine()
		return err == nil && found(report, "ok", "leads, and renewed Lease") && found(report, "ok", "has all rights"), fmt.Sprintf("%v: %+v", err, report.Findings)
	})
}

// bindToAdmin gives a service account of the namespace all rights.
func (s *scenario) bindToAdmin(t *testing.T, account string) {
	t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: s.namespace}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: account}},
	}
	if _, err := suite.client.RbacV1().ClusterRoleBindings().Create(s.ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := suite.client.RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(s.ctx), binding.Name, metav1.DeleteOptions{})
		if err != nil {
			t.Error(err)
		}
	})
}
