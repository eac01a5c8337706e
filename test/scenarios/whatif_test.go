package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/whatif"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// asked is a manifest of a Job that is a gang.
const asked = `apiVersion: batch/v1
kind: Job
metadata: {name: %[1]s}
spec:
  parallelism: %[2]d
  completions: %[2]d
  completionMode: Indexed
  template:
    metadata:
      annotations:
        pod-group.scheduling.sigs.k8s.io/name: %[1]s
        pod-group.scheduling.sigs.k8s.io/min-available: "%[2]d"
    spec:
      schedulerName: kubenexus-scheduler
      priorityClassName: %[3]q
      restartPolicy: Never
      containers:
      - name: main
        image: busybox
        resources: {requests: {cpu: "1"}}
`

// TestWhatIfCommand asks the real scheduler over its secure port, found by its lease: a gang that fits, one for which another would be
// preempted, and one that is too large.
func TestWhatIfCommand(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true")
	s := newScenario(t, "what-if")
	s.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.node("n2", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	urgent := "what-if-urgent"
	if _, err := suite.client.SchedulingV1().PriorityClasses().Create(s.ctx, &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{Name: urgent}, Value: 1000,
	}, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	s.gang("runs", 3, 3)
	s.boundIs(t, "runs", 3)

	if got := s.ask(t, "fits", 5, ""); got.Outcome != answers.Starts || got.Placed != 5 || len(got.Nodes) != 2 {
		t.Errorf("a gang of 5: %+v", got)
	}
	got := s.ask(t, "preempts", 8, urgent)
	if got.Outcome != answers.StartsAfterPreemption || len(got.Victims) != 3 || got.Victims[0].Gang != "runs" ||
		got.Victims[0].Namespace != s.namespace {
		t.Errorf("a gang of 8 with a higher priority: %+v", got)
	}
	if got := s.ask(t, "waits", 6, ""); got.Outcome != answers.Waits || !strings.Contains(got.Why, "5 of the 6 pods it needs fit") {
		t.Errorf("a gang of 6: %+v", got)
	}
	text, err := s.whatIf(t, fmt.Sprintf(asked, "preempts", 8, urgent))
	if err != nil || !strings.HasPrefix(text, "Starts after preemption: gang what-if/preempts would start on 2 nodes") ||
		!strings.Contains(text, "PREEMPTED") {
		t.Errorf("as text, error %v:\n%s", err, text)
	}
	const joins = `{apiVersion: v1, kind: Pod, metadata: {name: more, annotations: {
  pod-group.scheduling.sigs.k8s.io/name: runs, pod-group.scheduling.sigs.k8s.io/min-available: "3"}},
  spec: {schedulerName: kubenexus-scheduler, containers: [{name: main, image: busybox}]}}`
	if text, err := s.whatIf(t, joins); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a gang that runs, error %v: %s", err, text)
	}
	s.boundIs(t, "runs", 3) // nothing was done
}

// ask asks about a Job of so many members with one CPU each.
func (s *scenario) ask(t *testing.T, name string, members int, class string) answers.Forecast {
	t.Helper()
	var forecast answers.Forecast
	process.Within(t, patience, "the scheduler to answer", func() (bool, string) {
		text, err := s.whatIf(t, fmt.Sprintf(asked, name, members, class), "-o", "json")
		if err != nil {
			return false, err.Error() // it may not lead yet
		}
		if err := json.Unmarshal([]byte(text), &forecast); err != nil {
			t.Fatal(err)
		}
		return true, ""
	})
	return forecast
}

// whatIf runs the command with a manifest.
func (s *scenario) whatIf(t *testing.T, manifest string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := whatif.NewCommand()
	cmd.SetIn(strings.NewReader(manifest))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append(args, "-f", "-", "-n", s.namespace, "--kubeconfig", suite.plane.Kubeconfig()))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// TestAnswersAreForThoseWhoMayAskThem: the scheduler asks the API server who somebody is, whether they may ask, and what they may see.
func TestAnswersAreForThoseWhoMayAskThem(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "answers")
	s.gang("short", 1, 2)
	s.waitsWith(t, "short-0", "has 1 of the 2 pods it needs")
	nobody, member := s.account(t, "nobody"), s.account(t, "member")
	s.grant(t, "member", s.namespace, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}})
	s.grant(t, "member", "", rbacv1.PolicyRule{NonResourceURLs: []string{answers.Root + "/*"}, Verbs: []string{"get", "post"}})
	gangs := strings.TrimPrefix(answers.GangsPath, "/")
	process.Within(t, patience, "the rights to count", func() (bool, string) {
		status, text := scheduler.Get(gangs+"?namespace="+s.namespace, member)
		return status == http.StatusOK && strings.Contains(text, "has 1 of the 2 pods it needs"), text
	})
	for _, tc := range []struct {
		what, path, token string
		want              int
	}{
		{"a forged token", gangs, "forged", http.StatusUnauthorized},
		{"no token", gangs, "", http.StatusForbidden},
		{"a user without the right to ask", gangs + "?namespace=" + s.namespace, nobody, http.StatusForbidden},
		{"all namespaces", gangs, member, http.StatusForbidden},
		{"another namespace", gangs + "?namespace=kube-system", member, http.StatusForbidden},
		{"the queues", strings.TrimPrefix(answers.QueuesPath, "/"), member, http.StatusOK},
		{"what-if by the wrong method", strings.TrimPrefix(answers.WhatIfPath, "/"), member, http.StatusMethodNotAllowed},
		{"something else", strings.TrimPrefix(answers.Root, "/") + "/secrets", member, http.StatusNotFound},
	} {
		if status, text := scheduler.Get(tc.path, tc.token); status != tc.want {
			t.Errorf("%s: status %d, want %d: %s", tc.what, status, tc.want, text)
		}
	}
}

// account makes a service account, and returns a token of it.
func (s *scenario) account(t *testing.T, name string) string {
	t.Helper()
	accounts := suite.client.CoreV1().ServiceAccounts(s.namespace)
	if _, err := accounts.Create(s.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(s.ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// grant gives a service account of the scenario a right in a namespace, or in the whole cluster if that is empty.
func (s *scenario) grant(t *testing.T, account, namespace string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	rbac, named := suite.client.RbacV1(), metav1.ObjectMeta{GenerateName: s.namespace + "-"}
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: account}}
	var err error
	if namespace == "" {
		role, made := rbac.ClusterRoles().Create(s.ctx, &rbacv1.ClusterRole{ObjectMeta: named, Rules: rules}, metav1.CreateOptions{})
		if made != nil {
			t.Fatal(made)
		}
		binding := &rbacv1.ClusterRoleBinding{ObjectMeta: named, Subjects: subjects, RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name,
		}}
		binding, err = rbac.ClusterRoleBindings().Create(s.ctx, binding, metav1.CreateOptions{})
		t.Cleanup(func() {
			_ = rbac.ClusterRoles().Delete(context.Background(), role.Name, metav1.DeleteOptions{})
			_ = rbac.ClusterRoleBindings().Delete(context.Background(), binding.Name, metav1.DeleteOptions{})
		})
	} else {
		role, made := rbac.Roles(namespace).Create(s.ctx, &rbacv1.Role{ObjectMeta: named, Rules: rules}, metav1.CreateOptions{})
		if made != nil {
			t.Fatal(made)
		}
		_, err = rbac.RoleBindings(namespace).Create(s.ctx, &rbacv1.RoleBinding{ObjectMeta: named, Subjects: subjects, RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name,
		}}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
