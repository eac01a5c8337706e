// Package trim makes informers that keep only the fields that a scheduler reads. Most objects of a cluster are pods. In a running pod,
// the environment, the probes and the status of its containers take several kilobytes, and no Filter or Score plugin reads them.
package trim

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// Informers returns the informers of a scheduler. Like upstream's, they leave out finished pods. They report a pod or node that was
// recreated while the watch was interrupted as a deletion and a creation.
func Informers(client kubernetes.Interface) informers.SharedInformerFactory {
	return withBoth(informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(newTrimmer().object)))
}

// WholeInformers are the same, but drop only the managed fields of pods, like upstream's.
func WholeInformers(client kubernetes.Interface) informers.SharedInformerFactory {
	factory := withBoth(informers.NewSharedInformerFactory(client, 0))
	_ = factory.Core().V1().Pods().Informer().SetTransform(func(obj any) (any, error) { // it fails only once the informer runs
		if pod, ok := obj.(*corev1.Pod); ok {
			if ledger.Placed(pod) {
				metav1.SetMetaDataAnnotation(&pod.ObjectMeta, ledger.PlacedAnnotation, "true")
			}
			pod.ManagedFields = nil
		}
		return obj, nil
	})
	return factory
}

func withBoth(factory informers.SharedInformerFactory) informers.SharedInformerFactory {
	factory.InformerFor(&corev1.Pod{}, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		return recreated.Informer(coreinformers.NewFilteredPodInformer(client, metav1.NamespaceAll, resync, cache.Indexers{}, unended))
	})
	factory.InformerFor(&corev1.Node{}, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		return recreated.Informer(coreinformers.NewNodeInformer(client, resync, cache.Indexers{}))
	})
	return factory
}

// unended leaves out finished pods.
func unended(o *metav1.ListOptions) {
	o.FieldSelector = fields.AndSelectors(
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)),
	).String()
}

// trimmer trims objects in place: the informer has just decoded them, and no handler has seen them.
type trimmer struct{ shared *shared }

func newTrimmer() *trimmer { return &trimmer{shared: newShared()} }

// object is a cache.TransformFunc. An object that it has trimmed before is not touched, because parts of it are in use: informers
// trim objects again that they relist. Nor are kinds that the scheduler updates as a whole, such as claims for volumes: what was
// dropped would be gone in the cluster too.
func (t *trimmer) object(obj any) (any, error) {
	// Without managed fields it has been trimmed, or a client has reset them, and it is kept whole, like upstream.
	if o, ok := obj.(metav1.Object); !ok || len(o.GetManagedFields()) == 0 {
		return obj, nil
	}
	switch o := obj.(type) {
	case *corev1.Pod:
		placed := ledger.Placed(o)
		dropHistory(&o.ObjectMeta)
		t.pod(o, placed)
	case *corev1.Node:
		dropHistory(&o.ObjectMeta)
		node(o)
	case *appsv1.ReplicaSet: // of these three, the default topology spread reads the selectors
		dropHistory(&o.ObjectMeta)
		o.Spec.Template, o.Status = corev1.PodTemplateSpec{}, appsv1.ReplicaSetStatus{}
	case *appsv1.StatefulSet:
		dropHistory(&o.ObjectMeta)
		o.Spec.Template, o.Spec.VolumeClaimTemplates, o.Status = corev1.PodTemplateSpec{}, nil, appsv1.StatefulSetStatus{}
	case *corev1.ReplicationController:
		dropHistory(&o.ObjectMeta)
		o.Spec.Template, o.Status = nil, corev1.ReplicationControllerStatus{}
	}
	return obj, nil
}

// dropHistory drops who wrote which field, and the copy of the object that kubectl keeps in it.
func dropHistory(o *metav1.ObjectMeta) {
	o.ManagedFields = nil
	delete(o.Annotations, corev1.LastAppliedConfigAnnotation)
}

// node drops what the kubelet reports of the node and no scheduler reads. Images stay, for the score ImageLocality.
func node(n *corev1.Node) {
	s := &n.Status
	s.Addresses, s.DaemonEndpoints, s.NodeInfo = nil, corev1.NodeDaemonEndpoints{}, corev1.NodeSystemInfo{}
	s.VolumesInUse, s.VolumesAttached, s.Config, s.RuntimeHandlers, s.Features = nil, nil, nil, nil, nil
}
