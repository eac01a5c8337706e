package doctor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

const (
	ours = "kubenexus-scheduler"
	name = "pod-group.scheduling.sigs.k8s.io/name"
	size = "pod-group.scheduling.sigs.k8s.io/min-available"
)

//nolint:gochecknoglobals // a constant
var now = time.Unix(1_000_000, 0)

// healthy returns what is read from a cluster in which all is well, with these changes.
func healthy(changes ...func(*Facts)) *Facts {
	holder, renewed, lasts, two := "scheduler-7d9_uid", metav1.NewMicroTime(now.Add(-2*time.Second)), int32(15), int32(2)
	f := &Facts{
		Now: now, Schedulers: []string{ours}, Namespace: "kube-system", Lease: ours, ServiceAccount: ours, Command: "v0.1.0",
		Server: Read[string]{Value: "v1.36.3"},
		Holder: Read[*coordinationv1.Lease]{Value: &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &holder, RenewTime: &renewed, LeaseDurationSeconds: &lasts,
		}}},
		Deployments: Read[[]appsv1.Deployment]{Value: []appsv1.Deployment{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: ours},
			Spec: appsv1.DeploymentSpec{
				Replicas: &two,
				Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "example.com/scheduler:v0.1.0"}}}},
			},
			Status: appsv1.DeploymentStatus{ReadyReplicas: 2},
		}}},
		UserNamespace: "team", QueuesName: "kube-system/kubenexus-queues",
		Queues: Read[Queues]{Value: Queues{
			Configured: true, Config: queue.Config{Queues: []queue.Queue{queue.NewQueue(queue.Default), queue.NewQueue("research")}},
		}},
		Priorities: Read[[]schedulingv1.PriorityClass]{Value: []schedulingv1.PriorityClass{{ObjectMeta: metav1.ObjectMeta{Name: "high"}}}},
		Policies:   Read[[]string]{Value: []string{"kubenexus-queues-in-pods", "others"}},
		Bound:      Read[[]string]{Value: []string{"kubenexus-queues-in-pods"}},
		Groups:     ForeignGroups(),
	}
	f.UserRights.Value = slices.Repeat([]bool{true}, len(UserRights()))
	f.SchedulerRights.Value = slices.Repeat([]bool{true}, len(SchedulerRights(ours)))
	for _, change := range changes {
		change(f)
	}
	return f
}

// with adds pods of team, created ten minutes ago, that the scheduler has said something about.
func with(names string, changes ...func(*corev1.Pod)) func(*Facts) {
	return func(f *Facts) {
		for n := range strings.FieldsSeq(names) {
			p := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: "team", Name: n, UID: types.UID(n), CreationTimestamp: metav1.NewTime(now.Add(-10 * time.Minute)),
					Annotations: map[string]string{}, Labels: map[string]string{},
				},
				Spec: corev1.PodSpec{SchedulerName: ours},
				Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
					Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
				}}},
			}
			for _, change := range changes {
				change(p)
			}
			f.Pods.Value = append(f.Pods.Value, p)
		}
	}
}

func says(pairs ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		for i := 0; i+1 < len(pairs); i += 2 {
			p.Annotations[pairs[i]] = pairs[i+1]
		}
	}
}

func isOf(scheduler string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.SchedulerName = scheduler }
}

func unheard(p *corev1.Pod) { p.Status.Conditions = nil }

func runs(p *corev1.Pod) { p.Spec.NodeName, p.Status.Phase = "node", corev1.PodRunning }

func forbidden() error { return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no")) }

func TestAHealthyCluster(t *testing.T) {
	f := healthy(with("a b", says(name, "g", size, "2"), runs), with("plain"))
	want := `ok scheduler: scheduler-7d9 leads, and renewed Lease kube-system/kubenexus-scheduler 2s ago
ok scheduler: 2 of 2 replicas of Deployment kube-system/kubenexus-scheduler are ready, of example.com/scheduler:v0.1.0
ok version: the API server is v1.36.3, and this command v0.1.0
ok rights: the service account kube-system/kubenexus-scheduler has all rights that the scheduler needs
ok rights: you may do all that the commands need in namespace team
ok queues: ConfigMap kube-system/kubenexus-queues is valid
ok pods: 3 pods read, 2 with the annotations of a gang
ok priorities: there are 1 PriorityClasses: high
ok guard rails: 1 guard rail installed
`
	got := ""
	for _, finding := range Examine(f) {
		got += fmt.Sprintf("%s %s: %s\n", finding.Level, finding.Check, finding.Text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFindings: each change of a healthy cluster is found, has this level and text, and a remedy, and nothing else is said that is not said
// of a healthy one.
func TestFindings(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Facts)
		want   string
	}{
		"no lease": {func(f *Facts) { f.Holder.Value = nil }, "problem scheduler: there is no Lease kube-system/kubenexus-scheduler"},
		"an old lease": {func(f *Facts) { f.Now = now.Add(time.Hour) }, "problem scheduler: nobody leads: scheduler-7d9 renewed Lease " +
			"kube-system/kubenexus-scheduler for the last time 60m ago, and it lasts 15s"},
		"a lease that was given back": {func(f *Facts) { f.Holder.Value.Spec.HolderIdentity = new(string) }, "problem scheduler: nobody leads: Lease"},
		"a lease nobody shows":        {func(f *Facts) { f.Holder = Read[*coordinationv1.Lease]{Err: forbidden()} }, "info scheduler: you may not read Lease"},
		"no Deployment":               {func(f *Facts) { f.Deployments.Value = nil }, "info scheduler: there is no Deployment of KubeNexus in namespace kube-system"},
		"a replica too few": {
			func(f *Facts) { f.Deployments.Value[0].Status.ReadyReplicas = 1 },
			"warning scheduler: 1 of 2 replicas of Deployment kube-system/kubenexus-scheduler are ready",
		},
		"no replica": {
			func(f *Facts) { f.Deployments.Value[0].Status.ReadyReplicas = 0 },
			"problem scheduler: 0 of 2 replicas of Deployment kube-system/kubenexus-scheduler are ready",
		},
		"a replica that crashes": {func(f *Facts) {
			f.Replicas.Value = []corev1.Pod{{
				ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "s"},
				Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
					State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				}}},
			}}
		}, "warning scheduler: pod kube-system/s does not run: CrashLoopBackOff"},
		"an old API server":  {func(f *Facts) { f.Server.Value = "v1.32.1" }, "warning version: the API server is v1.32.1"},
		"a new API server":   {func(f *Facts) { f.Server.Value = "v1.37.0" }, "warning version: the API server is v1.37.0"},
		"an unknown version": {func(f *Facts) { f.Server.Value = "new" }, "warning version: the API server is new"},
		"a right of the scheduler": {
			func(f *Facts) { f.SchedulerRights.Value[0] = false },
			"problem rights: the service account kube-system/kubenexus-scheduler lacks 1 right: it may not get pods",
		},
		"a right of the user": {
			func(f *Facts) { f.UserRights.Value[6] = false },
			"info rights: you may not create jobs of batch in namespace team, which these commands need: submit",
		},
		"rights nobody shows": {
			func(f *Facts) { f.SchedulerRights = Read[[]bool]{Err: forbidden()} },
			"info rights: you may not read what the service account kube-system/kubenexus-scheduler of the scheduler may do, so this was skipped",
		},
		"no queues": {
			func(f *Facts) {
				f.Queues.Value = Queues{Config: queue.Config{Queues: []queue.Queue{queue.NewQueue(queue.Default)}}}
			},
			"info queues: there is no ConfigMap kube-system/kubenexus-queues",
		},
		"queues that the scheduler refuses": {func(f *Facts) {
			_, err := queueconfig.Parse([]byte("apiVersion: kubenexus.io/v1alpha1\nkind: QueueConfiguration\nqueues: [{name: A}]\n"))
			f.Queues = Read[Queues]{Err: fmt.Errorf("wrapped: %w", err)}
		}, "problem queues: ConfigMap kube-system/kubenexus-queues: queues[0].name"},
		"annotations that cannot be followed": {with("a", says(name, "g", size, "none")), "problem pods: these pods will not start as they are: " +
			"team/a: annotation pod-group.scheduling.sigs.k8s.io/min-available has the value \"none\""},
		"keys of others that are not read": {
			with("a", says("scheduling.x-k8s.io/pod-group", "g")),
			"problem pods: these pods will not start as they are: team/a: the annotation scheduling.x-k8s.io/pod-group",
		},
		"a queue that does not exist": {
			with("a", says("kubenexus.io/queue", "none")),
			"problem pods: these pods will not start as they are: team/a: annotation kubenexus.io/queue has the value \"none\": there is no such queue",
		},
		"a schedulerName that nobody serves": {
			with("a b c d e f", isOf("typo"), unheard),
			"problem pods: no scheduler has said anything for more than 60s about these pods with schedulerName \"typo\": team/a, team/b, team/c, team/d and 2 more",
		},
		"pods about which we say nothing": {
			with("a", unheard),
			"problem pods: no scheduler has said anything for more than 60s about these pods with schedulerName \"kubenexus-scheduler\": team/a",
		},
		"our keys for another scheduler": {
			with("a", says(name, "g", size, "1"), isOf("default-scheduler"), runs),
			"warning pods: these pods have the annotations of a gang and schedulerName \"default-scheduler\"",
		},
		"keys of others for others": {
			with("a", says("scheduling.x-k8s.io/pod-group", "g"), isOf("default-scheduler")),
			"info pods: these pods have keys of scheduler-plugins and none of this scheduler: team/a",
		},
		"an incomplete gang": {with("a", says(name, "g", size, "2")), "warning pods: these gangs wait for pods that do not exist: team/g (1 of 2)"},
		"a gang that waits":  {with("a b", says(name, "g", size, "2")), "info pods: these gangs wait for capacity or for their turn: team/g"},
		"pods that disagree": {func(f *Facts) {
			with("a", says(name, "g", size, "2"))(f)
			with("b", says(name, "g", size, "3"))(f)
		}, "problem pods: these gangs cannot start, because their pods say different things: team/g"},
		"PodGroups of others": {
			func(f *Facts) { f.Groups[2].Count.Value = 3 },
			"info pod groups: there are 3 PodGroups of Volcano, which this scheduler does not read",
		},
		"no PriorityClasses": {func(f *Facts) { f.Priorities.Value[0].Name = "system-node-critical" }, "info priorities: there are no PriorityClasses but those of the system"},
		"no guard rails":     {func(f *Facts) { f.Policies.Value = nil }, "info guard rails: no guard rails are installed"},
		"a policy without its binding": {func(f *Facts) {
			f.Policies.Value = append(f.Policies.Value, "my-kubenexus-reservation")
		}, "warning guard rails: these policies are not bound, so they reject nothing: my-kubenexus-reservation"},
	} {
		t.Run(name, func(t *testing.T) {
			said := map[string]bool{}
			for _, finding := range Examine(healthy()) {
				said[finding.Text] = true
			}
			var fresh []string
			for _, finding := range Examine(healthy(test.change)) {
				if said[finding.Text] || finding.Check == checkPods && finding.Level == OK {
					continue
				}
				fresh = append(fresh, fmt.Sprintf("%s %s: %s", finding.Level, finding.Check, finding.Text))
				if finding.Remedy == "" {
					t.Errorf("%s: it has no remedy", finding.Text)
				}
			}
			if len(fresh) != 1 || !strings.HasPrefix(fresh[0], test.want) {
				t.Errorf("found\n%s\nwant only\n%s", strings.Join(fresh, "\n"), test.want)
			}
		})
	}
}

// What is new, gated, deleted or over is no problem.
func TestPodsThatAreAsTheyShouldBe(t *testing.T) {
	f := healthy(
		with("new", unheard, isOf("typo"), func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(now) }),
		with("gated", unheard, func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}} }),
		with("deleted", unheard, func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} }),
		with("over", unheard, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
	)
	if n := Count(Examine(f), Problem); n > 0 {
		t.Errorf("%d problems: %v", n, Examine(f))
	}
}

// A pod that names a queue is judged only if the queues are known.
func TestQueuesThatAreNotKnown(t *testing.T) {
	f := healthy(with("a", says("kubenexus.io/queue", "none")), func(f *Facts) { f.Queues = Read[Queues]{Err: forbidden()} })
	if n := Count(Examine(f), Problem); n > 0 {
		t.Errorf("%d problems: %v", n, Examine(f))
	}
}

// TestVersionsThatWork: they are those of the page about them.
func TestVersionsThatWork(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("works with API servers of 1.%d to 1.%d.", oldestMinor, newestMinor); !strings.Contains(string(page), want) {
		t.Errorf("docs/compatibility.md does not say: %s", want)
	}
}

// TestSchedulerRights: those that are asked for are those that the manifests give.
func TestSchedulerRights(t *testing.T) {
	text, err := os.ReadFile("../../config/base/rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var given, asked []string
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			t.Fatal(err)
		}
		if role.Name != "scheduler" {
			continue // what users may ask the scheduler
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						given = append(given, fmt.Sprint(role.Kind, " ", verb, " ", group, " ", resource, " ", strings.Join(rule.ResourceNames, ",")))
					}
				}
			}
		}
	}
	for _, right := range SchedulerRights("SET-BY-THE-OVERLAY") {
		kind := "ClusterRole"
		if right.Namespaced {
			kind = "Role"
		}
		asked = append(asked, fmt.Sprint(kind, " ", right.Verb, " ", right.Group, " ", strings.TrimSuffix(right.Resource+"/"+right.Subresource, "/"), " ", right.Name))
	}
	slices.Sort(given)
	slices.Sort(asked)
	if diff := cmp.Diff(given, asked); diff != "" {
		t.Errorf("config/base/rbac.yaml and the rights that are asked for differ (-manifest +asked):\n%s", diff)
	}
}
