package install

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	namespace = "rights"
	// account is the user of the scheduler's service account in the manifests.
	account = "system:serviceaccount:kube-system:kubenexus-scheduler"
	// manifest is the one under test; the chart and the other manifests have the same permissions.
	manifest = "../../config/gang-scheduler-deployment.yaml"
)

// TestRightsAreEnoughAndAllNeeded runs the scheduler with the manifest's configuration, arguments and service account, and lets it do all
// that it can do. In the audit log no request was refused, and every permission was used.
func TestRightsAreEnoughAndAllNeeded(t *testing.T) {
	apply(t, readObjects(t, manifest))
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	addNodes(t, namespace, 2)
	args := deployedArgs(t, manifest, "kubenexus-scheduler")
	// The scheduler must create its lease, even if an earlier test created one.
	err := suite.client.CoordinationV1().Leases(metav1.NamespaceSystem).Delete(t.Context(), "kubenexus-scheduler", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	began := time.Now()
	p := process.Start(t, process.KubeNexus, args...)

	gangs(t, began)
	preemption(t)
	restart(t)
	applyFile(t, "volumes.yaml")
	applyFile(t, "devices.yaml")
	volumes(t)
	isBound(t, "by-claim", "by-name")
	metrics(t, p)
	// The next process restores the capacity reserved for a driver's executors.
	reservation(t)
	p.End()
	// The next process uses list and watch, as with an API server that does not support streaming lists.
	next := process.Start(t, process.KubeNexus, append(args, "--feature-gates=WatchListClient=false")...)
	create(t, podNamed("after-restart", "100m"))
	isBound(t, "after-restart")
	next.End()
	rare(t, args, began)

	for _, log := range []*process.Buffer{&p.Log, &next.Log} {
		if lines := log.Lines("forbidden"); len(lines) > 0 {
			t.Errorf("the log says:\n%s", strings.Join(lines, ""))
		}
	}
	compare(t, began)
}

// addNodes adds nodes of 4 CPU until the test ends.
func addNodes(t *testing.T, prefix string, count int) {
	t.Helper()
	addNodesLike(t, prefix, count, controlplane.NodeShape{CPU: "4", Memory: "16Gi", Pods: 110})
}

// addNodesLike adds nodes until the test ends.
func addNodesLike(t *testing.T, prefix string, count int, shape controlplane.NodeShape) {
	t.Helper()
	if err := suite.plane.AddNodes(t.Context(), prefix, count, shape); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i := range count {
			err := suite.client.CoreV1().Nodes().Delete(context.Background(), fmt.Sprintf("%s-%d", prefix, i), metav1.DeleteOptions{})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// deployedArgs returns the container's arguments, with paths of the files that its volumes would have.
func deployedArgs(t *testing.T, file, name string) []string {
	t.Helper()
	deployment := find[appsv1.Deployment](t, file, "Deployment", name)
	config := find[corev1.ConfigMap](t, file, "ConfigMap", name)
	account := kubeconfig(t, token(t, deployment.Namespace, deployment.Spec.Template.Spec.ServiceAccountName))
	args, err := outsideAPod(&deployment.Spec.Template.Spec.Containers[0], config.Data, t.TempDir(), account)
	if err != nil {
		t.Fatal(err)
	}
	return args
}

// TestBatchSchedulerManifest: the other manifest's scheduler starts a gang of its convention, is healthy, and had no request refused.
func TestBatchSchedulerManifest(t *testing.T) {
	const file, name = "../../config/batch-scheduler.yaml", "batch-scheduler"
	apply(t, readObjects(t, file))
	addNodes(t, name, 1)
	p := process.Start(t, process.KubeNexus, deployedArgs(t, file, name)...)
	pods := suite.client.CoreV1().Pods(metav1.NamespaceDefault)
	for _, member := range []string{"batch-0", "batch-1"} {
		pod := podNamed(member, "1")
		pod.Namespace, pod.Spec.SchedulerName = metav1.NamespaceDefault, name
		pod.Annotations = map[string]string{"batch.scheduling.k8s.io/group": "b", "batch.scheduling.k8s.io/min-available": "2"}
		create(t, pod)
	}
	process.Within(t, patience, "the gang to start", func() (bool, string) {
		pod, err := pods.Get(t.Context(), "batch-1", metav1.GetOptions{})
		return err == nil && pod.Spec.NodeName != "", fmt.Sprint(err)
	})
	for _, path := range []string{"livez", "readyz", "healthz"} {
		if status, _ := p.Get(path, ""); status != http.StatusOK {
			t.Errorf("/%s answers %d", path, status)
		}
	}
	p.End()
	if lines := p.Log.Lines("forbidden"); len(lines) > 0 {
		t.Errorf("the log says:\n%s", strings.Join(lines, ""))
	}
}

func token(t *testing.T, namespace, account string) string {
	t.Helper()
	var review *authenticationv1.TokenRequest
	process.Within(t, patience, "a token of "+account, func() (bool, string) {
		var err error
		review, err = suite.client.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), account,
			&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		return err == nil, fmt.Sprint(err)
	})
	return review.Status.Token
}

// kubeconfig writes a kubeconfig with a token.
func kubeconfig(t *testing.T, token string) string {
	t.Helper()
	config := suite.plane.Config()
	if err := rest.LoadTLSFiles(config); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// gangs creates a plain pod, a gang that does not fit, and a gang that is incomplete at first, so that the scheduler reads from its Job how
// many pods succeeded.
func gangs(t *testing.T, since time.Time) {
	t.Helper()
	plain := member("a-0", "a", 3, "1")
	plain.Spec.RestartPolicy = corev1.RestartPolicyNever
	job, err := suite.client.BatchV1().Jobs(namespace).Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: batchv1.JobSpec{
			ManagedBy: new("example.com/this-test"),
			Template:  corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Annotations: plain.Annotations}, Spec: plain.Spec},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ofJob := func(name string) *corev1.Pod {
		pod := member(name, "a", 3, "1")
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
		return pod
	}
	create(t, ofJob("a-0"))
	create(t, ofJob("a-1"))
	waits(t, "a-0", "has 2 of the 3 pods it needs")
	isAskedFor(t, right{"get", "batch", "jobs"}, since)
	create(t, ofJob("a-2"))
	isBound(t, "a-0", "a-1", "a-2")

	create(t, podNamed("plain", "1"))
	isBound(t, "plain")

	for _, name := range []string{"big-0", "big-1", "big-2"} {
		create(t, member(name, "big", 3, "3"))
	}
	waits(t, "big-1", "of the 3 pods it needs")
	empty(t)
}

// preemption fills the nodes with pods of low priority, and creates one of high priority.
func preemption(t *testing.T) {
	t.Helper()
	for name, value := range map[string]int32{"low": -10, "high": 10} {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
		if _, err := suite.client.SchedulingV1().PriorityClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"low-0", "low-1"} {
		pod := podNamed(name, "4")
		pod.Spec.PriorityClassName = "low"
		create(t, pod)
	}
	isBound(t, "low-0", "low-1")
	high := podNamed("high", "4")
	high.Spec.PriorityClassName = "high"
	create(t, high)
	isBound(t, "high")
	empty(t)
}

// restart evicts a gang that restarts as a whole, when another pod replaces a member that it lost.
func restart(t *testing.T) {
	t.Helper()
	for _, name := range []string{"w-0", "w-1"} {
		pod := member(name, "w", 2, "1")
		pod.Annotations["kubenexus.io/restart-policy"] = "whole-gang"
		create(t, pod)
	}
	isBound(t, "w-0", "w-1")
	pods := suite.client.CoreV1().Pods(namespace)
	process.Within(t, patience, "w-1 to run", func() (bool, string) {
		pod, err := pods.Get(t.Context(), "w-1", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, fmt.Sprint(err)
	})
	if err := pods.Delete(t.Context(), "w-0", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	another := member("w-2", "w", 2, "1")
	another.Annotations["kubenexus.io/restart-policy"] = "whole-gang"
	create(t, another)
	process.Within(t, patience, "w-1 to be evicted", func() (bool, string) {
		_, err := pods.Get(t.Context(), "w-1", metav1.GetOptions{})
		return apierrors.IsNotFound(err), "it is there"
	})
	empty(t)
}

// volumes makes the scheduler write a claim's node, and a volume's claim.
func volumes(t *testing.T) {
	t.Helper()
	core := suite.client.CoreV1()
	// The volume controller, which does not run here, sets this phase.
	available := []byte(`{"status":{"phase":"Available"}}`)
	_, err := core.PersistentVolumes().Patch(t.Context(), "local", types.MergePatchType, available, metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "the claim to be given a node", func() (bool, string) {
		claim, err := core.PersistentVolumeClaims(namespace).Get(t.Context(), "on-demand", metav1.GetOptions{})
		return err == nil && claim.Annotations["volume.kubernetes.io/selected-node"] != "", fmt.Sprint(err)
	})
	process.Within(t, patience, "the volume to be given a claim", func() (bool, string) {
		volume, err := core.PersistentVolumes().Get(t.Context(), "local", metav1.GetOptions{})
		return err == nil && volume.Spec.ClaimRef != nil, fmt.Sprint(err)
	})
}

// reservation creates a driver that declares its executors.
func reservation(t *testing.T) {
	t.Helper()
	create(t, sparkDriver("driver"))
	isBound(t, "driver")
}

func sparkDriver(name string) *corev1.Pod {
	driver := podNamed(name, "100m")
	driver.Labels = map[string]string{"spark-role": "driver", "spark-app-selector": "spark-1"}
	driver.Annotations = map[string]string{
		"spark-executor-count": "2", "spark-executor-cpu": "100m", "spark-executor-mem": "100Mi",
	}
	return driver
}

// metrics checks that the metrics can be read with permission, and not without.
func metrics(t *testing.T, p *process.Scheduler) {
	t.Helper()
	applyFile(t, "scraper.yaml")
	for account, want := range map[string]int{"scraper": http.StatusOK, "default": http.StatusForbidden} {
		shown := token(t, namespace, account)
		process.Within(t, patience, fmt.Sprintf("status %d for %s", want, account), func() (bool, string) {
			status, _ := p.Get("metrics", shown)
			return status == want, fmt.Sprint(status)
		})
	}
}

func podNamed(name, cpu string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: corev1.PodSpec{
			SchedulerName: "kubenexus-scheduler",
			Containers: []corev1.Container{{
				Name: "main", Image: "none",
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}},
			}},
		},
	}
}

func member(name, gang string, minAvailable int, cpu string) *corev1.Pod {
	pod := podNamed(name, cpu)
	pod.Annotations = map[string]string{
		"pod-group.scheduling.sigs.k8s.io/name":          gang,
		"pod-group.scheduling.sigs.k8s.io/min-available": fmt.Sprint(minAvailable),
	}
	return pod
}

// create creates a pod or a namespace. It retries, because admission learns of service accounts and priority classes a moment late.
func create(t *testing.T, object metav1.Object) {
	t.Helper()
	process.Within(t, patience, object.GetName()+" to be created", func() (bool, string) {
		err := createOnce(t.Context(), object)
		if err != nil && !apierrors.IsForbidden(err) {
			t.Fatal(err)
		}
		return err == nil, fmt.Sprint(err)
	})
}

func createOnce(ctx context.Context, object metav1.Object) error {
	var err error
	switch object := object.(type) {
	case *corev1.Namespace:
		_, err = suite.client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{})
	case *corev1.Pod:
		_, err = suite.client.CoreV1().Pods(object.Namespace).Create(ctx, object, metav1.CreateOptions{})
	}
	return err
}

// empty deletes the namespace's pods and waits until they are gone.
func empty(t *testing.T) {
	t.Helper()
	pods := suite.client.CoreV1().Pods(namespace)
	err := pods.DeleteCollection(t.Context(), metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "no pods", func() (bool, string) {
		left, err := pods.List(t.Context(), metav1.ListOptions{})
		return err == nil && len(left.Items) == 0, fmt.Sprintf("%v left, error %v", left, err)
	})
}

func isBound(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		process.Within(t, patience, name+" to be bound", func() (bool, string) {
			pod, err := suite.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				return false, err.Error()
			}
			return pod.Spec.NodeName != "", whyPending(pod)
		})
	}
}

// waits waits until the pod's PodScheduled condition has this text.
func waits(t *testing.T, name, why string) {
	t.Helper()
	process.Within(t, patience, name+" to say why it waits", func() (bool, string) {
		pod, err := suite.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return strings.Contains(whyPending(pod), why), whyPending(pod)
	})
}

func whyPending(pod *corev1.Pod) string {
	i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodScheduled })
	if i < 0 {
		return "no condition says why"
	}
	return pod.Status.Conditions[i].Message
}
