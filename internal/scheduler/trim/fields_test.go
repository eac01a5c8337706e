package trim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestEachFieldIsThoughtOf: of an object that has every field, those go and those stay that are named here. What a new version
// of Kubernetes adds beside them has to be named too, by somebody who has looked who reads it.
func TestEachFieldIsThoughtOf(t *testing.T) {
	waiting := whole(&corev1.Pod{})
	waiting.Spec.NodeName = ""
	for name, tc := range map[string]struct {
		object runtime.Object
		want   fates
	}{
		"a pod that waits":        {waiting, fatesOfWaitingPod()},
		"a pod that has a node":   {whole(&corev1.Pod{}), fatesOfBoundPod()},
		"a node":                  {whole(&corev1.Node{}), fatesOfNode()},
		"a ReplicaSet":            {whole(&appsv1.ReplicaSet{}), fatesOfReplicaSet()},
		"a StatefulSet":           {whole(&appsv1.StatefulSet{}), fatesOfStatefulSet()},
		"a ReplicationController": {whole(&corev1.ReplicationController{}), fatesOfReplicaSet()},
	} {
		t.Run(name, func(t *testing.T) {
			got := fates{}
			small := must(newTrimmer().object(tc.object.DeepCopyObject()))
			got.compare("", reflect.ValueOf(tc.object).Elem(), reflect.ValueOf(small).Elem())
			if diff := gocmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// fates says of each field whether it goes or stays, as a whole: of one that stays in part, what is in it has fates.
type fates map[string]string

func (f fates) drop(path, names string) { f.set(path, names, "dropped") }
func (f fates) keep(path, names string) { f.set(path, names, "kept") }

func (f fates) set(path, names, fate string) {
	for name := range strings.FieldsSeq(names) {
		f[path+"."+name] = fate
	}
}

const group = "pod-group.scheduling.sigs.k8s.io/name"

func fatesOfMeta() fates {
	f := fates{".TypeMeta": "kept"}
	f.drop(".ObjectMeta", "ManagedFields")
	f.keep(".ObjectMeta", "Name GenerateName Namespace SelfLink UID ResourceVersion Generation CreationTimestamp DeletionTimestamp "+
		"DeletionGracePeriodSeconds Labels OwnerReferences Finalizers")
	f.drop(".ObjectMeta.Annotations", corev1.LastAppliedConfigAnnotation)
	f.keep(".ObjectMeta.Annotations", group)
	return f
}

func fatesOfWaitingPod() fates {
	f := fatesOfMeta()
	f.keep("", "Status")

	// Only kubelets read these.
	f.drop(".Spec", "EphemeralContainers SecurityContext ImagePullSecrets HostAliases DNSConfig ReadinessGates")
	f.keep(".Spec", "RestartPolicy TerminationGracePeriodSeconds ActiveDeadlineSeconds DNSPolicy NodeSelector ServiceAccountName "+
		"DeprecatedServiceAccount AutomountServiceAccountToken HostNetwork HostPID HostIPC ShareProcessNamespace Hostname Subdomain Affinity "+
		"SchedulerName Tolerations PriorityClassName Priority RuntimeClassName EnableServiceLinks PreemptionPolicy Overhead "+
		"TopologySpreadConstraints SetHostnameAsFQDN OS HostUsers SchedulingGates ResourceClaims Resources HostnameOverride SchedulingGroup")

	for _, container := range []string{".Spec.Containers.x", ".Spec.InitContainers.x"} {
		// Only kubelets read these.
		f.drop(container, "Command Args WorkingDir EnvFrom Env VolumeMounts VolumeDevices LivenessProbe ReadinessProbe StartupProbe "+
			"Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy SecurityContext")
		f.keep(container, "Name Image Resources ResizePolicy RestartPolicy RestartPolicyRules Stdin StdinOnce TTY")
		f.drop(container+".Ports", "of-pod") // has no port of the node, for which pods compete
		f.keep(container+".Ports", "of-node")
	}

	// Every node has these. The others can be attached, bound, counted, or already there.
	f.drop(".Spec.Volumes", "HostPath EmptyDir Secret DownwardAPI ConfigMap Projected")
	f.keep(".Spec.Volumes", "GCEPersistentDisk AWSElasticBlockStore GitRepo NFS ISCSI Glusterfs PersistentVolumeClaim RBD FlexVolume Cinder "+
		"CephFS Flocker FC AzureFile VsphereVolume Quobyte AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO StorageOS CSI Ephemeral Image")
	return f
}

func fatesOfBoundPod() fates {
	f := fatesOfWaitingPod()
	f.keep(".Spec", "NodeName")
	f.drop(".Spec.Containers.x", "Image") // read until there is a node
	f.drop(".Spec.InitContainers.x", "Image")

	delete(f, ".Status")
	// The kubelet reports these of what runs.
	f.drop(".Status", "HostIP HostIPs PodIP PodIPs QOSClass EphemeralContainerStatuses")
	f.keep(".Status", "ObservedGeneration Phase Message Reason NominatedNodeName StartTime Resize ResourceClaimStatuses "+
		"ExtendedResourceClaimStatus AllocatedResources Resources NodeAllocatableResourceClaimStatuses")
	f.drop(".Status.Conditions", "Initialized Ready ContainersReady PodReadyToStartContainers")
	f.keep(".Status.Conditions", "PodScheduled DisruptionTarget PodResizePending PodResizeInProgress AllContainersRestarting other")
	for _, statuses := range []string{".Status.ContainerStatuses", ".Status.InitContainerStatuses"} {
		f.drop(statuses, "without-requests")
		f.drop(statuses+".with-requests", "State LastTerminationState Ready RestartCount Image ImageID ContainerID Started VolumeMounts User "+
			"AllocatedResourcesStatus StopSignal")
		f.keep(statuses+".with-requests", "Name AllocatedResources Resources") // count while the pod is being resized
	}
	return f
}

func fatesOfNode() fates {
	f := fatesOfMeta()
	f.keep("", "Spec")
	// What the kubelet is and where it is reached, and what the controller that attaches volumes reads.
	f.drop(".Status", "Addresses DaemonEndpoints NodeInfo VolumesInUse VolumesAttached Config RuntimeHandlers Features")
	f.keep(".Status", "Capacity Allocatable Phase Conditions Images DeclaredFeatures")
	return f
}

// fatesOfReplicaSet are also those of a ReplicationController.
func fatesOfReplicaSet() fates {
	f := fatesOfMeta()
	f.drop("", "Status")
	f.drop(".Spec", "Template")
	f.keep(".Spec", "Replicas MinReadySeconds Selector") // the default topology spread reads the selector
	return f
}

func fatesOfStatefulSet() fates {
	f := fatesOfReplicaSet()
	f.drop(".Spec", "VolumeClaimTemplates")
	f.keep(".Spec", "ServiceName PodManagementPolicy UpdateStrategy RevisionHistoryLimit PersistentVolumeClaimRetentionPolicy Ordinals")
	return f
}

// compare sets the fate of what is there before, and goes into what stays in part.
func (f fates) compare(path string, before, after reflect.Value) {
	switch {
	case before.IsZero():
	case !after.IsValid() || after.IsZero():
		f[path] = "dropped"
	case reflect.DeepEqual(before.Interface(), after.Interface()):
		f[path] = "kept"
	default:
		left := byName(after)
		for name, value := range byName(before) {
			f.compare(path+"."+name, value, left[name])
		}
	}
}

// byName returns the fields of a struct, the entries of a map, or the elements of a list by their names or types.
func byName(v reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	switch v.Kind() {
	case reflect.Struct:
		for field, value := range v.Fields() {
			all[field.Name] = value
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			all[entries.Key().String()] = entries.Value()
		}
	case reflect.Slice:
		for i := range v.Len() {
			name := v.Index(i).FieldByName("Name")
			if !name.IsValid() {
				name = v.Index(i).FieldByName("Type")
			}
			all[name.String()] = v.Index(i)
		}
	default:
		panic(fmt.Sprint("neither dropped nor kept: ", v))
	}
	return all
}

// whole fills every field of an object.
func whole[T metav1.Object](object T) T {
	fill(reflect.ValueOf(object).Elem())
	object.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: "{}", group: "g"})
	return object
}

func fill(v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *resource.Quantity:
		*p = resource.MustParse("1")
	case *metav1.Time:
		*p = metav1.Unix(1, 0)
	case *[]corev1.Volume:
		*p = oneVolumeOfEachKind()
	case *[]corev1.ContainerPort:
		*p = []corev1.ContainerPort{{Name: "of-pod", ContainerPort: 1}, {Name: "of-node", ContainerPort: 1, HostPort: 1}}
	case *[]corev1.PodCondition:
		for _, kind := range []corev1.PodConditionType{
			corev1.ContainersReady, corev1.PodInitialized, corev1.PodReady, corev1.PodScheduled, corev1.DisruptionTarget,
			corev1.PodReadyToStartContainers, corev1.PodResizePending, corev1.PodResizeInProgress, corev1.AllContainersRestarting, "other",
		} {
			*p = append(*p, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue})
		}
	case *[]corev1.ContainerStatus:
		*p = make([]corev1.ContainerStatus, 2)
		for i := range *p {
			fill(reflect.ValueOf(&(*p)[i]).Elem())
		}
		(*p)[0].Name = "with-requests"
		(*p)[1].Name, (*p)[1].Resources, (*p)[1].AllocatedResources = "without-requests", nil, nil
	default:
		fillKind(v)
	}
}

func fillKind(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.String:
		v.SetString("x")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	default:
		panic(fmt.Sprint("a field of a kind that is not filled: ", v.Type()))
	}
}

func oneVolumeOfEachKind() []corev1.Volume {
	var all []corev1.Volume
	for kind := range reflect.TypeFor[corev1.VolumeSource]().Fields() {
		volume := corev1.Volume{Name: kind.Name}
		fill(reflect.ValueOf(&volume.VolumeSource).Elem().FieldByIndex(kind.Index))
		all = append(all, volume)
	}
	return all
}
