package questions

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	apipod "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

const (
	// podsMost is how many pods a question may have, setsMost how many sets of equal ones: each costs a look at every node.
	podsMost = 5000
	setsMost = 64
	// faultsMost is how many faults an answer names.
	faultsMost = 20
	// placeholderName is a name that is valid for a pod.
	placeholderName = "what-if"
)

// podsOf returns the pods of a question, each valid, and with a name and a UID that no pod has. The scheduler relies on what the API server
// makes sure of, so a question must not lack it.
func podsOf(question *answers.WhatIf, now time.Time) ([]*corev1.Pod, *answers.Problem) {
	total := 0
	for i := range question.Pods {
		count := max(1, question.Pods[i].Count)
		if question.Pods[i].Count < 0 || count > podsMost-total {
			return nil, invalid(field.Invalid(field.NewPath("pods").Index(i).Child("count"), question.Pods[i].Count,
				fmt.Sprintf("a question may have %d pods", podsMost)))
		}
		total += count
	}
	switch {
	case total == 0:
		return nil, invalid(field.Required(field.NewPath("pods"), "there is no pod to ask about"))
	case len(question.Pods) > setsMost:
		return nil, invalid(field.TooMany(field.NewPath("pods"), len(question.Pods), setsMost))
	}
	pods := make([]*corev1.Pod, 0, total)
	for i := range question.Pods {
		set := &question.Pods[i]
		pod, faults := complete(&set.Pod, field.NewPath("pods").Index(i).Child("pod"), now)
		if len(faults) == 0 && i > 0 && pod.Namespace != pods[0].Namespace {
			faults = append(faults, field.Invalid(field.NewPath("pods").Index(i).Child("pod", "metadata", "namespace"), pod.Namespace,
				"the pods of a gang are in one namespace"))
		}
		if len(faults) > 0 {
			return nil, invalid(faults...)
		}
		for j := range max(1, set.Count) {
			pods = append(pods, member(pod, set.Indexed, j, len(pods)))
		}
	}
	return pods, nil
}

// gangOf returns the gang that a question is about.
func gangOf(question *answers.WhatIf) (namespace, name string, problem *answers.Problem) {
	namespace, name, found := strings.Cut(question.Gang, "/")
	path := field.NewPath("gang")
	switch {
	case len(question.Pods) > 0:
		return "", "", invalid(field.Forbidden(path, "a question is about pods, or about a gang that exists"))
	case !found || namespace == "" || name == "":
		return "", "", invalid(field.Invalid(path, question.Gang, "write it as namespace/name"))
	}
	return namespace, name, nil
}

// member returns one of the pods of a set.
func member(pod *corev1.Pod, indexed bool, index, number int) *corev1.Pod {
	one := *pod
	one.Name = placeholderName + "/" + strconv.Itoa(number) // the API server would not accept it, so no pod has it
	one.UID = types.UID("kubenexus.io/" + one.Name)
	if !indexed {
		return &one
	}
	one.Annotations, one.Labels = with(pod.Annotations, index), with(pod.Labels, index)
	return &one
}

// with returns the annotations or labels with the completion index.
func with(of map[string]string, index int) map[string]string {
	copied := make(map[string]string, len(of)+1)
	maps.Copy(copied, of)
	copied[batchv1.JobCompletionIndexAnnotation] = strconv.Itoa(index)
	return copied
}

// complete returns the pod as it would be created: with the API server's defaults, and valid.
func complete(stated *corev1.Pod, path *field.Path, now time.Time) (*corev1.Pod, field.ErrorList) {
	pod := stated.DeepCopy()
	var faults field.ErrorList
	if pod.Namespace == "" {
		faults = append(faults, field.Required(path.Child("metadata", "namespace"), ""))
	}
	if pod.Spec.NodeName != "" {
		faults = append(faults, field.Forbidden(path.Child("spec", "nodeName"), "the scheduler chooses the node"))
	}
	if pod.Spec.Priority == nil && pod.Spec.PriorityClassName != "" {
		faults = append(faults, field.Required(path.Child("spec", "priority"),
			"the priority of the PriorityClass; the API server fills it in when the pod is created with dryRun=All"))
	}
	if len(faults) > 0 {
		return nil, faults
	}
	pod.ObjectMeta = metav1.ObjectMeta{
		Name: placeholderName, Namespace: pod.Namespace, Labels: pod.Labels, Annotations: pod.Annotations,
		OwnerReferences: pod.OwnerReferences, CreationTimestamp: metav1.NewTime(now),
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	corev1defaults.SetObjectDefaults_Pod(pod)
	var internal core.Pod
	if err := corev1defaults.Convert_v1_Pod_To_core_Pod(pod.DeepCopy(), &internal, nil); err != nil {
		return nil, field.ErrorList{field.Invalid(path, "", err.Error())}
	}
	options := apipod.GetValidationOptionsFromPodSpecAndMeta(&internal.Spec, nil, &internal.ObjectMeta, nil)
	for _, fault := range validation.ValidatePodCreate(&internal, options) {
		fault.Field = path.String() + "." + fault.Field
		faults = append(faults, fault)
	}
	return pod, faults
}

// invalid returns the answer to a question whose fields are wrong.
func invalid(faults ...*field.Error) *answers.Problem {
	p := &answers.Problem{Status: http.StatusUnprocessableEntity, Detail: "the question is not valid"}
	for i, fault := range faults {
		if i == faultsMost {
			p.Detail += fmt.Sprintf(" (%d more fields are wrong)", len(faults)-faultsMost)
			break
		}
		p.Errors = append(p.Errors, answers.FieldError{Location: fault.Field, Message: fault.ErrorBody()})
	}
	return p
}
