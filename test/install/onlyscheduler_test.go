package install

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	only = "docs/install.md: As the only scheduler"
	// kubeScheduler is the user in /etc/kubernetes/scheduler.conf.
	kubeScheduler = "system:kube-scheduler"
)

// becomeTheOnlyScheduler starts the documented static pod, with the credentials that a control plane node has. It takes over from
// kube-scheduler, and schedules pods that name no scheduler.
func becomeTheOnlyScheduler(t *testing.T, s *stranger) {
	before := inventory(t)
	for range 2 {
		s.docs.run(t, only, "kubectl create clusterrole ", "kubectl create clusterrolebinding")
	}
	s.docs.run(t, only, "kubectl -n kube-system create role ", "kubectl -n kube-system create rolebinding ")
	for _, g := range grants(t) {
		if g.namespace == "" { // the others are for a lease that this scheduler does not use
			mayDo(t, kubeScheduler, g.right())
		}
	}

	old := s.leader(t, "kube-scheduler")
	p := s.startStaticPod(t)
	create(t, s.anybodys("stocks", 0, 0))
	s.allBound(t, strangers, "gang=stocks", 1)
	if now := s.leader(t, "kube-scheduler"); old == "" || now != old {
		t.Errorf("%q leads after %q, which has not ended", now, old)
	}
	s.stock.End()

	create(t, s.anybodys("plain", 0, 0))
	s.allBound(t, strangers, "gang=plain", 1)
	for i := range 2 {
		create(t, s.anybodys("unnamed", i, 3))
	}
	s.allSay(t, "gang=unnamed", "has 2 of the 3 pods it needs")
	create(t, s.anybodys("unnamed", 2, 3))
	s.members(t, "named", 3, 3)
	s.allBound(t, strangers, "gang=unnamed", 3)
	s.allBound(t, strangers, "gang=named", 3)
	p.End()
	if lines := p.Log.Lines("forbidden"); len(lines) > 0 {
		t.Errorf("the log says:\n%s", strings.Join(lines, ""))
	}

	s.empty(t)
	s.docs.run(t, only, "kubectl delete clusterrolebinding", "kubectl -n kube-system delete rolebinding")
	s.onlyThisIsLeft(t, before)
}

// startStaticPod starts the command of the documented static pod, with files of this machine.
func (s *stranger) startStaticPod(t *testing.T) *process.Scheduler {
	t.Helper()
	section := s.docs.section(t, only)
	config := filepath.Join(t.TempDir(), "kubenexus.yaml")
	here := strings.NewReplacer("/etc/kubernetes/kubenexus.yaml", config, "/etc/kubernetes/scheduler.conf", s.kubeconfig)
	if err := os.WriteFile(config, []byte(here.Replace(section.yaml[0])), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := patchedByKubeadm(t, section.yaml[1])
	container := pod.Spec.Containers[0]
	mounted := map[string]string{}
	for _, volume := range pod.Spec.Volumes {
		mounted[volume.Name] = volume.HostPath.Path
	}
	for _, mount := range container.VolumeMounts {
		if mounted[mount.Name] != mount.MountPath {
			t.Errorf("%s is mounted at %s, and the flags name it as it is called on the node", mounted[mount.Name], mount.MountPath)
		}
	}
	args := container.Command[1:]
	for i, arg := range args {
		if _, file, isFile := strings.Cut(arg, "=/"); isFile && !strings.Contains(section.yaml[1], "mountPath: /"+file) {
			t.Errorf("%s is not mounted", arg)
		}
		args[i] = here.Replace(arg)
	}
	return process.Start(t, process.KubeNexus, args...)
}

// kubeadms is a shortened static pod as kubeadm writes it.
const kubeadms = `
metadata: {name: kube-scheduler, namespace: kube-system}
spec:
  containers:
  - name: kube-scheduler
    image: registry.k8s.io/kube-scheduler:v1.36.3
    command: [kube-scheduler, --kubeconfig=/etc/kubernetes/scheduler.conf, --profiling=false]
    livenessProbe: {httpGet: {host: 127.0.0.1, path: /livez, port: 10259, scheme: HTTPS}}
    volumeMounts:
    - {name: kubeconfig, mountPath: /etc/kubernetes/scheduler.conf, readOnly: true}
  hostNetwork: true
  volumes:
  - {name: kubeconfig, hostPath: {path: /etc/kubernetes/scheduler.conf, type: FileOrCreate}}
`

// patchedByKubeadm applies a --patches file as kubeadm does.
func patchedByKubeadm(t *testing.T, patch string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(patch), pod); err != nil {
		t.Fatal(err)
	}
	before, err := yaml.YAMLToJSON([]byte(kubeadms))
	if err != nil {
		t.Fatal(err)
	}
	change, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := strategicpatch.StrategicMergePatch(before, change, pod)
	if err != nil {
		t.Fatal(err)
	}
	documented, now := pod.Spec.Containers[0], &corev1.Pod{}
	if err := yaml.UnmarshalStrict(merged, now); err != nil {
		t.Fatal(err)
	}
	container := now.Spec.Containers[0]
	if len(now.Spec.Containers) != 1 || container.Image != documented.Image || !slices.Equal(container.Command, documented.Command) ||
		len(container.VolumeMounts) != 2 || len(now.Spec.Volumes) != 2 || container.LivenessProbe == nil || !now.Spec.HostNetwork {
		t.Errorf("as a patch, what is documented makes %s", merged)
	}
	return now
}

// anybodys returns a pod that names no scheduler, in a gang if minAvailable is not 0.
func (s *stranger) anybodys(gang string, i, minAvailable int) *corev1.Pod {
	pod := s.member(gang, i, minAvailable)
	pod.Spec.SchedulerName = ""
	if minAvailable == 0 {
		pod.Annotations = nil
	}
	return pod
}

// mayDo checks with the API server that the user has the permission.
func mayDo(t *testing.T, user string, r right) {
	t.Helper()
	resource, sub, _ := strings.Cut(r.resource, "/")
	process.Within(t, patience, user+" to be allowed to "+r.String(), func() (bool, string) {
		review, err := suite.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: r.verb, Group: r.group, Resource: resource, Subresource: sub,
			}},
		}, metav1.CreateOptions{})
		if err != nil {
			return false, err.Error()
		}
		return review.Status.Allowed, "it is not: " + review.Status.Reason
	})
}

// kubeconfigOf writes a kubeconfig with the permissions of the user.
func kubeconfigOf(t *testing.T, user string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(suite.plane.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range config.AuthInfos {
		info.Impersonate = user
	}
	file := filepath.Join(t.TempDir(), "scheduler.conf")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}
