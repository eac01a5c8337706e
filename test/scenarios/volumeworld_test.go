package scenarios

import (
	"context"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	once   = corev1.ReadWriteOnce
	shared = corev1.ReadWriteMany

	// scenarioLabel on objects that are in no namespace is the name of the scenario that made them.
	scenarioLabel = "scenario"
	// selectedNode on a claim is the node that the scheduler chose for it.
	selectedNode = "volume.kubernetes.io/selected-node"
	// noProvisioner is the provisioner of classes with static volumes.
	noProvisioner = "kubernetes.io/no-provisioner"
)

// provisioner plays a CSI driver with its external provisioner: it makes a volume for each claim of its class once the scheduler
// chose a node. The control plane's own controller then binds the two.
type provisioner struct {
	s *scenario
	// nodeBound volumes can be used on the chosen node only.
	nodeBound bool

	mu sync.Mutex
	// refused are claims that get no volume.
	refused map[string]bool
	// free is the capacity of each node, in bytes; nil means no limit.
	free map[string]int64
}

// storageClass creates a class of the scenario that binds volumes when a pod that uses them is scheduled.
func (s *scenario) storageClass(name, provisionedBy string) {
	s.t.Helper()
	mode := storagev1.VolumeBindingWaitForFirstConsumer
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: s.class(name)}, Provisioner: provisionedBy, VolumeBindingMode: &mode,
	}
	classes := suite.client.StorageV1().StorageClasses()
	if _, err := classes.Create(s.ctx, class, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.awaitClass(name)
	s.t.Cleanup(func() {
		ctx := context.Background()
		if err := classes.Delete(ctx, class.Name, metav1.DeleteOptions{}); err != nil {
			s.t.Error(err)
		}
		mine := metav1.ListOptions{LabelSelector: scenarioLabel + "=" + s.namespace}
		if err := suite.client.CoreV1().PersistentVolumes().DeleteCollection(ctx, metav1.DeleteOptions{}, mine); err != nil {
			s.t.Error(err)
		}
	})
}

// awaitClass waits until the controller that binds volumes knows the class. It binds claims of a class that it does not know yet
// at once, as if they were not to wait for a pod.
func (s *scenario) awaitClass(name string) {
	s.t.Helper()
	probe := "probe-" + name
	s.volumeClaim(probe, name, "1Gi", once)
	waits := metav1.ListOptions{FieldSelector: "reason=WaitForFirstConsumer,involvedObject.name=" + probe}
	process.Within(s.t, patience, "the controllers to know the storage class", func() (bool, string) {
		seen, err := suite.client.CoreV1().Events(s.namespace).List(s.ctx, waits)
		return err == nil && len(seen.Items) > 0, fmt.Sprint(err)
	})
	if err := suite.client.CoreV1().PersistentVolumeClaims(s.namespace).Delete(s.ctx, probe, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// provisions creates a class of the scenario and starts a provisioner for it.
func (s *scenario) provisions(name string, nodeBound bool) *provisioner {
	s.t.Helper()
	s.storageClass(name, s.driver())
	p := &provisioner{s: s, nodeBound: nodeBound, refused: map[string]bool{}}
	factory := informers.NewSharedInformerFactoryWithOptions(suite.client, 0, informers.WithNamespace(s.namespace))
	_, err := factory.Core().V1().PersistentVolumeClaims().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(claim any) { p.provision(claim.(*corev1.PersistentVolumeClaim)) },
		UpdateFunc: func(_, claim any) { p.provision(claim.(*corev1.PersistentVolumeClaim)) },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	factory.Start(ctx.Done())
	s.t.Cleanup(func() { cancel(); factory.Shutdown() })
	return p
}

// provision makes the volume of a claim, or gives the claim back to the scheduler if its node cannot have one.
func (p *provisioner) provision(claim *corev1.PersistentVolumeClaim) {
	node := claim.Annotations[selectedNode]
	if node == "" || claim.Spec.VolumeName != "" || *claim.Spec.StorageClassName != p.s.class("disk") {
		return
	}
	size := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	volume := p.s.volumeFor(claim, size)
	if p.nodeBound {
		volume.Spec.NodeAffinity = onNode(node)
	}
	volumes := suite.client.CoreV1().PersistentVolumes()
	if _, err := volumes.Get(p.s.ctx, volume.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return // it is made already, and the claim not yet bound to it
	}
	if !p.take(claim.Name, node, size.Value()) {
		p.giveBack(claim)
		return
	}
	if _, err := volumes.Create(p.s.ctx, volume, metav1.CreateOptions{}); err != nil && p.s.ctx.Err() == nil {
		p.s.t.Errorf("creating a volume for %s: %v", claim.Name, err)
	}
	p.publish(node)
}

func (s *scenario) volumeFor(claim *corev1.PersistentVolumeClaim, size resource.Quantity) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pvc-" + string(claim.UID), Labels: map[string]string{scenarioLabel: s.namespace},
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": s.driver()},
		},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: *claim.Spec.StorageClassName, AccessModes: claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: size},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: s.driver(), VolumeHandle: string(claim.UID)},
			},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
}

func onNode(node string) *corev1.VolumeNodeAffinity {
	return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
		{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
		}},
	}}}
}

// take says whether the claim can have so many bytes on the node, and takes them.
func (p *provisioner) take(claim, node string, size int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused[claim] {
		return false
	}
	if p.free == nil {
		return true
	}
	if p.free[node] < size {
		return false
	}
	p.free[node] -= size
	return true
}

// refuse says whether a claim gets no volume from now on.
func (p *provisioner) refuse(claim string, refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused[claim] = refused
}

// giveBack makes the scheduler choose again, as an external provisioner does when a node has no capacity left.
func (p *provisioner) giveBack(claim *corev1.PersistentVolumeClaim) {
	patch := fmt.Appendf(nil, `{"metadata": {"annotations": {%q: null}}}`, selectedNode)
	_, err := suite.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(p.s.ctx, claim.Name, types.MergePatchType, patch,
		metav1.PatchOptions{})
	if err != nil && p.s.ctx.Err() == nil && !apierrors.IsNotFound(err) {
		p.s.t.Errorf("giving %s back: %v", claim.Name, err)
	}
}

// capacity limits what the nodes have for volumes, and publishes that as the driver does.
func (p *provisioner) capacity(free map[string]string) {
	s := p.s
	s.t.Helper()
	drivers := suite.client.StorageV1().CSIDrivers()
	csi := &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: s.driver()},
		Spec:       storagev1.CSIDriverSpec{StorageCapacity: new(true), AttachRequired: new(false)},
	}
	if _, err := drivers.Create(s.ctx, csi, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := drivers.Delete(context.Background(), csi.Name, metav1.DeleteOptions{}); err != nil {
			s.t.Error(err)
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = map[string]int64{}
	for name, text := range free {
		node, amount := nodeName(name), resource.MustParse(text)
		p.free[node] = amount.Value()
		published := &storagev1.CSIStorageCapacity{
			ObjectMeta:       metav1.ObjectMeta{Name: node},
			StorageClassName: s.class("disk"),
			NodeTopology:     &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelHostname: node}},
			Capacity:         &amount,
		}
		if _, err := suite.client.StorageV1().CSIStorageCapacities(s.namespace).Create(s.ctx, published, metav1.CreateOptions{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// publish says what is left of a node's capacity.
func (p *provisioner) publish(node string) {
	p.mu.Lock()
	free, limited := p.free[node]
	p.mu.Unlock()
	if !limited {
		return
	}
	patch := fmt.Appendf(nil, `{"capacity": "%d"}`, free)
	_, err := suite.client.StorageV1().CSIStorageCapacities(p.s.namespace).Patch(p.s.ctx, node, types.MergePatchType, patch,
		metav1.PatchOptions{})
	if err != nil && p.s.ctx.Err() == nil {
		p.s.t.Errorf("publishing the capacity of %s: %v", node, err)
	}
}

// volumeClaim creates a claim of a class of the scenario.
func (s *scenario) volumeClaim(name, class, size string, mode corev1.PersistentVolumeAccessMode) {
	s.t.Helper()
	full := s.class(class)
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &full, AccessModes: []corev1.PersistentVolumeAccessMode{mode},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
		},
	}
	if _, err := suite.client.CoreV1().PersistentVolumeClaims(s.namespace).Create(s.ctx, claim, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// localVolume creates a volume that is there from the start, on one node.
func (s *scenario) localVolume(name, class, size, node string, mode corev1.PersistentVolumeAccessMode) {
	s.t.Helper()
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: s.class(name), Labels: map[string]string{scenarioLabel: s.namespace}},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: s.class(class), AccessModes: []corev1.PersistentVolumeAccessMode{mode}, NodeAffinity: onNode(nodeName(node)),
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/mnt/" + name}},
		},
	}
	if _, err := suite.client.CoreV1().PersistentVolumes().Create(s.ctx, volume, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	process.Within(s.t, patience, "the volume to be available", func() (bool, string) {
		v, err := suite.client.CoreV1().PersistentVolumes().Get(s.ctx, volume.Name, metav1.GetOptions{})
		return err == nil && v.Status.Phase == corev1.VolumeAvailable, fmt.Sprint(err)
	})
}

// mounts gives the pod the volume of a claim.
func mounts(claim string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
		main := &pod.Spec.Containers[0]
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: claim, MountPath: "/" + claim})
	}
}

// onNodes fails unless the pods of the scenario are on these nodes, each on its own.
func (s *scenario) onNodes(t *testing.T, want ...string) {
	t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for i := range pods.Items {
		used[pods.Items[i].Spec.NodeName]++
	}
	for _, name := range want {
		if used[nodeName(name)] != 1 || len(used) != len(want) {
			t.Errorf("the pods are on %v, want one on each of %v", used, want)
			return
		}
	}
}

// noVolumesBound waits until no claim of the scenario has a volume or a node chosen for it.
func (s *scenario) noVolumesBound(t *testing.T) {
	t.Helper()
	process.Within(t, patience, "no claim to be bound", func() (bool, string) {
		claims, err := suite.client.CoreV1().PersistentVolumeClaims(s.namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		for i := range claims.Items {
			if claim := &claims.Items[i]; claim.Spec.VolumeName != "" || claim.Annotations[selectedNode] != "" {
				return false, fmt.Sprintf("%s has the volume %q and the node %q", claim.Name, claim.Spec.VolumeName, claim.Annotations[selectedNode])
			}
		}
		return true, ""
	})
}
