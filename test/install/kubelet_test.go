package install

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// schedulerPods selects the pods that the simulated nodes leave to the kubelet below.
const schedulerPods = "app.kubernetes.io/part-of=kubenexus"

// servedPort is the default port of a scheduler.
const servedPort = 10259

// kubelet runs the pods of our scheduler that are bound to a node. It starts a process with the arguments, the ConfigMap and the service
// account of the pod. The pod becomes ready when its probe succeeds, and the process is stopped when the pod is deleted. Without a kubelet
// such pods stay pending.
type kubelet struct {
	t *testing.T
	// images are the images that can be pulled.
	images []string
	server *httptest.Server

	running sync.WaitGroup
	mu      sync.Mutex
	pods    map[types.UID]podOnNode
}

// podOnNode is a pod that is bound to a node.
type podOnNode struct {
	name string
	stop context.CancelFunc
	// scheduler is the process, or nil before it is started.
	scheduler *process.Scheduler
}

// startKubelet starts the kubelet of all nodes. It runs until the test ends.
func startKubelet(t *testing.T, images ...string) *kubelet {
	t.Helper()
	k := &kubelet{t: t, images: images, pods: map[types.UID]podOnNode{}}
	k.server = httptest.NewTLSServer(http.HandlerFunc(k.serveLog))
	factory := informers.NewSharedInformerFactoryWithOptions(suite.client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = schedulerPods }))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    k.see,
		UpdateFunc: func(_, pod any) { k.see(pod) },
		DeleteFunc: k.gone,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	factory.Start(ctx.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
		k.running.Wait()
		k.server.Close()
	})
	return k
}

// see starts a new pod on its node, and stops a deleted one.
func (k *kubelet) see(object any) {
	pod := object.(*corev1.Pod)
	if pod.Spec.NodeName == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known, found := k.pods[pod.UID]
	if !found {
		ctx, stop := context.WithCancel(k.t.Context())
		known = podOnNode{name: path.Join(pod.Namespace, pod.Name), stop: stop}
		k.pods[pod.UID] = known
		k.running.Go(func() { k.run(ctx, pod) })
	}
	if pod.DeletionTimestamp != nil {
		known.stop()
	}
}

// gone forgets a pod, and stops it if it was deleted without a grace period.
func (k *kubelet) gone(object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	uid := object.(*corev1.Pod).UID
	if known, found := k.pods[uid]; found {
		known.stop()
		delete(k.pods, uid)
	}
}

// run runs a pod until its context is done, and then confirms its deletion.
func (k *kubelet) run(ctx context.Context, pod *corev1.Pod) {
	s, err := k.start(ctx, pod)
	if err == nil {
		err = k.probe(ctx, pod, s)
	}
	if err != nil && ctx.Err() == nil {
		k.t.Errorf("pod %s: %v", pod.Name, err)
	}
	<-ctx.Done()
	if s != nil {
		s.End()
	}
	ended := context.WithoutCancel(ctx)
	err = suite.client.CoreV1().Pods(pod.Namespace).Delete(ended, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		k.t.Errorf("pod %s ended: %v", pod.Name, err)
	}
}

// start starts the pod's container.
func (k *kubelet) start(ctx context.Context, pod *corev1.Pod) (*process.Scheduler, error) {
	container := pod.Spec.Containers[0]
	if !slices.Contains(k.images, container.Image) {
		return nil, fmt.Errorf("image %s cannot be pulled", container.Image)
	}
	probed := func(p corev1.ContainerPort) bool {
		return p.Name == container.ReadinessProbe.HTTPGet.Port.String() && p.ContainerPort == servedPort
	}
	if !slices.ContainsFunc(container.Ports, probed) {
		return nil, fmt.Errorf("its probe asks port %s, and it serves %d", &container.ReadinessProbe.HTTPGet.Port, servedPort)
	}
	config, err := suite.client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, pod.Spec.Volumes[0].ConfigMap.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("mounting its ConfigMap: %w", err)
	}
	account, err := suite.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
			BoundObjectRef: &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
		}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("mounting its service account's token: %w", err)
	}
	args, err := outsideAPod(&container, config.Data, k.t.TempDir(), kubeconfig(k.t, account.Status.Token))
	if err != nil {
		return nil, err
	}
	s := process.LaunchIn(k.t, downward(&container, pod), process.KubeNexus, args...)
	k.mu.Lock()
	defer k.mu.Unlock()
	if known, found := k.pods[pod.UID]; found {
		known.scheduler = s
		k.pods[pod.UID] = known
	}
	return s, nil
}

// downward returns the variables of the container that say something of its pod.
func downward(container *corev1.Container, pod *corev1.Pod) []string {
	fields := map[string]string{"metadata.namespace": pod.Namespace, "metadata.name": pod.Name, "metadata.uid": string(pod.UID)}
	var environment []string
	for _, variable := range container.Env {
		if from := variable.ValueFrom; from != nil && from.FieldRef != nil {
			environment = append(environment, variable.Name+"="+fields[from.FieldRef.FieldPath])
		}
	}
	return environment
}

// outsideAPod returns the container's arguments for a process outside a pod: the files of its volume are in a directory, and the
// credentials of its service account in a kubeconfig.
func outsideAPod(container *corev1.Container, config map[string]string, dir, account string) ([]string, error) {
	for name, text := range config {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	args := []string{"--kubeconfig=" + account, "--authentication-kubeconfig=" + account, "--authorization-kubeconfig=" + account}
	for _, arg := range container.Args {
		args = append(args, strings.Replace(arg, container.VolumeMounts[0].MountPath, dir, 1))
	}
	return args, nil
}

// probe updates the pod's readiness until its context is done. It probes more often than the pod specifies, to make the test faster.
func (k *kubelet) probe(ctx context.Context, pod *corev1.Pod, s *process.Scheduler) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	if err := k.setReady(ctx, pod, false); err != nil {
		return err
	}
	for was := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Done():
			return fmt.Errorf("it ended by itself: %w", s.Err())
		case <-tick.C:
		}
		is := answers(ctx, &pod.Spec.Containers[0], s.Port)
		if is == was {
			continue
		}
		if err := k.setReady(ctx, pod, is); err != nil {
			return err
		}
		was = is
	}
}

// answers reports whether the container's readiness probe succeeds. The process has another port than the pod would.
func answers(ctx context.Context, container *corev1.Container, port int) bool {
	probe := container.ReadinessProbe
	ctx, cancel := context.WithTimeout(ctx, time.Duration(probe.TimeoutSeconds)*time.Second)
	defer cancel()
	url := fmt.Sprintf("%s://127.0.0.1:%d%s", strings.ToLower(string(probe.HTTPGet.Scheme)), port, probe.HTTPGet.Path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	// A kubelet does not verify the certificate either.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close() // only the status code counts
	return response.StatusCode >= 200 && response.StatusCode < 400
}

func (k *kubelet) setReady(ctx context.Context, pod *corev1.Pod, ready bool) error {
	value := corev1.ConditionFalse
	if ready {
		value = corev1.ConditionTrue
	}
	now, container := metav1.Now(), pod.Spec.Containers[0]
	status := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now}
	for name, value := range map[corev1.PodConditionType]corev1.ConditionStatus{
		corev1.PodInitialized: corev1.ConditionTrue, corev1.ContainersReady: value, corev1.PodReady: value,
	} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: name, Status: value, LastTransitionTime: now})
	}
	started := true
	status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: container.Name, Image: container.Image, Ready: ready, Started: &started,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
	}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = suite.client.CoreV1().Pods(pod.Namespace).
		Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// serveLog answers the API server's requests for kubectl logs.
func (k *kubelet) serveLog(w http.ResponseWriter, r *http.Request) {
	name, found := strings.CutPrefix(r.URL.Path, "/containerLogs/")
	log, runs := k.logs()[path.Dir(name)]
	if !found || !runs {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, log.String()) // the client may be gone
}

// logs returns the logs of the current pods.
func (k *kubelet) logs() map[string]*process.Buffer {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string]*process.Buffer{}
	for _, pod := range k.pods {
		if pod.scheduler != nil {
			all[pod.name] = &pod.scheduler.Log
		}
	}
	return all
}

// servesNode registers this kubelet's address on the node.
func (k *kubelet) servesNode(name string) {
	k.t.Helper()
	host, text, err := net.SplitHostPort(k.server.Listener.Addr().String())
	if err != nil {
		k.t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		k.t.Fatal(err)
	}
	patch := fmt.Sprintf(`{"status": {"addresses": [{"type": "InternalIP", "address": %q}],
		"daemonEndpoints": {"kubeletEndpoint": {"Port": %d}}}}`, host, port)
	_, err = suite.client.CoreV1().Nodes().Patch(k.t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		k.t.Fatal(err)
	}
}
