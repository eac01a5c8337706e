package scenarios

import (
	"fmt"
	"maps"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// instanceLabel names the instance of a pod; the scheduler does not look at it.
const instanceLabel = "example.com/instance"

// template makes the pods of one instance of a template: a gang of four.
type template struct {
	name string
	make func(m maker)
}

// maker creates what a user's template and its operator make for one instance.
type maker struct {
	s        *scenario
	t        *testing.T
	instance int
	gang     map[string]string
}

// id names something of the instance.
func (m maker) id(name string) string { return fmt.Sprintf("%s-%d", name, m.instance) }

func (m maker) pod(labels map[string]string) corev1.PodTemplateSpec {
	all := map[string]string{instanceLabel: fmt.Sprint(m.instance)}
	maps.Copy(all, labels)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: all, Annotations: maps.Clone(m.gang)},
		Spec: corev1.PodSpec{
			SchedulerName: ours, TerminationGracePeriodSeconds: new(int64),
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.k8s.io/pause:3.9",
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}},
			}},
		},
	}
}

func (m maker) job(name string, pods int32, labels map[string]string) {
	template := m.pod(labels)
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	m.create(batchv1.SchemeGroupVersion, "Job", &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       batchv1.JobSpec{Parallelism: &pods, Completions: &pods, Template: template},
	})
}

func (m maker) pods(name string, count int, labels map[string]string) {
	template := m.pod(labels)
	for i := range count {
		pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: template.Spec}
		pod.Name = fmt.Sprintf("%s-%d", name, i)
		m.create(corev1.SchemeGroupVersion, "Pod", pod)
	}
}

func (m maker) selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{instanceLabel: fmt.Sprint(m.instance)}}
}

// create creates an object, which goes with the scenario.
func (m maker) create(version schema.GroupVersion, kind string, object metav1.Object) {
	m.t.Helper()
	m.s.apply(m.t, asUnstructured(m.t, version.WithKind(kind), object))
}

func templates() []template {
	replicas := int32(4)
	return []template{
		{"jobs", func(m maker) { m.job(m.id("train"), 4, nil) }},
		{"statefulsets", func(m maker) {
			m.create(appsv1.SchemeGroupVersion, "StatefulSet", &appsv1.StatefulSet{
				ObjectMeta: metav1.ObjectMeta{Name: m.id("set")},
				Spec: appsv1.StatefulSetSpec{
					Replicas: &replicas, Selector: m.selector(), Template: m.pod(nil), PodManagementPolicy: appsv1.ParallelPodManagement,
				},
			})
		}},
		{"deployments", func(m maker) {
			m.create(appsv1.SchemeGroupVersion, "Deployment", &appsv1.Deployment{
				ObjectMeta: metav1.ObjectMeta{Name: m.id("web")},
				Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: m.selector(), Template: m.pod(nil)},
			})
		}},
		{"jobsets", func(m maker) {
			labels := map[string]string{"jobset.sigs.k8s.io/jobset-name": m.id("set"), "jobset.sigs.k8s.io/restart-attempt": "0"}
			m.job(m.id("leader"), 1, labels)
			m.job(m.id("workers"), 3, labels)
		}},
		{"jobset-restarts", func(m maker) {
			labels := map[string]string{
				"jobset.sigs.k8s.io/jobset-name": "set", "jobset.sigs.k8s.io/restart-attempt": fmt.Sprint(m.instance),
			}
			m.job(m.id("leader"), 1, labels)
			m.job(m.id("workers"), 3, labels)
		}},
		{"leaderworkerset-groups", func(m maker) {
			m.pods(m.id("set"), 4, map[string]string{
				"leaderworkerset.sigs.k8s.io/name": "set", "leaderworkerset.sigs.k8s.io/group-index": fmt.Sprint(m.instance),
				"leaderworkerset.sigs.k8s.io/group-key": m.id("key"),
			})
		}},
		{"rayjob-retries", func(m maker) { m.pods(m.id("ray"), 4, map[string]string{"ray.io/cluster": m.id("rayjob")}) }},
		{"mpijobs", func(m maker) {
			labels := map[string]string{"training.kubeflow.org/job-name": m.id("pi")}
			m.job(m.id("launcher"), 1, labels)
			m.pods(m.id("worker"), 3, labels)
		}},
		{"spark-applications", func(m maker) { m.pods(m.id("exec"), 4, map[string]string{"spark-app-selector": m.id("spark")}) }},
		{"labels-of-a-job-only", func(m maker) { m.pods(m.id("task"), 4, map[string]string{"job-name": m.id("task")}) }},
	}
}

// TestInstancesOfOneTemplateAreNeverMixed: two instances of four pods each, with one gang name or with none, and capacity for four
// pods. All pods of one instance start, whichever it is, and none of the other; with more capacity the other follows.
func TestInstancesOfOneTemplateAreNeverMixed(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	for naming, gang := range map[string]map[string]string{
		"named":   {nameAnnotation: "train", sizeAnnotation: "4"},
		"unnamed": {sizeAnnotation: "4"},
	} {
		for _, w := range templates() {
			t.Run(naming+"/"+w.name, func(t *testing.T) {
				s := newScenario(t, naming+"-"+w.name)
				s.awaitNodes(ours)
				for instance := range 2 {
					w.make(maker{s: s, t: t, instance: instance, gang: gang})
				}
				s.podsExist(t, 8)
				s.addNodes(t, "few", 1) // of 4 CPU
				s.allBound(t, 4)
				if first := s.boundLike(t, instanceLabel+"=0"); first != 0 && first != 4 {
					t.Fatalf("%d pods of the one instance run and %d of the other, want 4 and 0", first, 4-first)
				}
				s.addNodes(t, "more", 1)
				s.allBound(t, 8)
			})
		}
	}
}

// TestRolesMakeOneGangOfSeveralControllers: a launcher and its workers that different controllers create, which have nothing in common but
// the gang's name, are one gang if they declare roles.
func TestRolesMakeOneGangOfSeveralControllers(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "roles-of-several-controllers")
	s.awaitNodes(ours)
	const roles = `[{"name":"launcher","min":1},{"name":"worker","min":4}]`
	gang := func(role string) map[string]string {
		return map[string]string{nameAnnotation: "train", "kubenexus.io/role": role, "kubenexus.io/roles": roles}
	}
	m := maker{s: s, t: t, gang: gang("launcher")}
	m.job("launcher", 1, nil)
	m.gang = gang("worker")
	m.job("workers", 4, nil)
	s.podsExist(t, 5)
	s.addNodes(t, "few", 1)
	s.waitForRoom(t, 5)
	s.noneBound(t)
	s.addNodes(t, "more", 1)
	s.allBound(t, 5)
}

// TestPodsThatAPodCreatesAreOfItsInstance: two Jobs from one template, each with a pod that creates three others, as a driver in client mode does.
func TestPodsThatAPodCreatesAreOfItsInstance(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "created-by-a-pod")
	s.awaitNodes(ours)
	for instance := range 2 {
		m := maker{s: s, t: t, instance: instance, gang: map[string]string{nameAnnotation: "train", sizeAnnotation: "4"}}
		m.job(m.id("driver"), 1, map[string]string{"role": "driver"})
	}
	s.podsExist(t, 2)
	drivers, err := suite.client.CoreV1().Pods(s.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "role=driver"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range drivers.Items {
		driver := &drivers.Items[i]
		executors := podSpec{
			namespace: s.namespace, cpu: "1", scheduler: ours, annotations: gangAnnotations("train", 4),
			labels: map[string]string{instanceLabel: driver.Labels[instanceLabel], "spark-app-selector": "spark-" + driver.Name},
			owner:  metav1.NewControllerRef(driver, corev1.SchemeGroupVersion.WithKind("Pod")),
		}
		for n := range 3 {
			executors.name = fmt.Sprintf("%s-exec-%d", driver.Name, n)
			if err := create(s, executors.pod()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.addNodes(t, "few", 1)
	s.allBound(t, 4)
	if first := s.boundLike(t, instanceLabel+"=0"); first != 0 && first != 4 {
		t.Fatalf("%d pods of the one instance run and %d of the other, want 4 and 0", first, 4-first)
	}
	s.addNodes(t, "more", 1)
	s.allBound(t, 8)
}

// podsExist waits until there are so many pods.
func (s *scenario) podsExist(t *testing.T, want int) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("%d pods to exist", want), func() (bool, string) {
		list, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
		return err == nil && len(list.Items) == want, fmt.Sprint(len(list.Items), err)
	})
}

// asUnstructured is the object as a manifest would have it.
func asUnstructured(t *testing.T, kind schema.GroupVersionKind, object metav1.Object) *unstructured.Unstructured {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	made := &unstructured.Unstructured{Object: fields}
	made.SetGroupVersionKind(kind)
	return made
}
