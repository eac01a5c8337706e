package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1conversion "k8s.io/kubernetes/pkg/apis/core/v1"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	kjson "sigs.k8s.io/json"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Declared returns the pod that a role describes, for members that do not exist yet. The error names the invalid field. It is nil
// for roles that the ledger has accepted.
func Declared(namespace string, role gang.Role) (*corev1.Pod, error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role.Name}}
	spec := &pod.Spec
	err := cmp.Or(
		decode("affinity", role.Affinity, &spec.Affinity),
		decode("topologySpreadConstraints", role.TopologySpreadConstraints, &spec.TopologySpreadConstraints),
	)
	requests := corev1.ResourceList{}
	for _, name := range slices.Sorted(maps.Keys(role.Requests)) {
		q, wrong := resource.ParseQuantity(role.Requests[name])
		err = cmp.Or(err, wrong)
		requests[corev1.ResourceName(name)] = q
	}
	spec.Containers = []corev1.Container{{Name: role.Name, Resources: corev1.ResourceRequirements{Requests: requests}}}
	spec.NodeSelector = role.NodeSelector
	for _, t := range role.Tolerations {
		spec.Tolerations = append(spec.Tolerations, corev1.Toleration{
			Key: t.Key, Operator: corev1.TolerationOperator(t.Operator), Value: t.Value, Effect: corev1.TaintEffect(t.Effect),
			TolerationSeconds: t.Seconds,
		})
	}
	pod.Labels = labelsOf(role, spec.TopologySpreadConstraints)
	mergeLabelKeys(spec.Affinity, pod.Labels)
	return pod, err
}

// decode reads JSON of a Kubernetes type. It rejects unknown fields, because a misspelled one would be ignored.
func decode(field string, text json.RawMessage, into any) error {
	if len(text) == 0 {
		return nil
	}
	unknown, err := kjson.UnmarshalStrict(text, into)
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be read (%w)", field, err)
	case len(unknown) > 0:
		return fmt.Errorf("%s has an %w", field, unknown[0])
	}
	return nil
}

// labelsOf returns the labels of the declared pod: those of the role, and those that its own spread constraints select, because the
// pod is one of the pods among which it is spread.
func labelsOf(role gang.Role, constraints []corev1.TopologySpreadConstraint) map[string]string {
	labels := map[string]string{}
	for i := range constraints {
		if s := constraints[i].LabelSelector; s != nil {
			maps.Copy(labels, s.MatchLabels)
		}
	}
	maps.Copy(labels, role.Labels)
	return labels
}

// mergeLabelKeys does what the API server does when a pod is created: it turns the matchLabelKeys and mismatchLabelKeys of affinity
// terms into selector requirements with the values of the pod's own labels.
func mergeLabelKeys(a *corev1.Affinity, labels map[string]string) {
	if a == nil {
		return
	}
	var terms []*corev1.PodAffinityTerm
	if a.PodAffinity != nil {
		for i := range a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			terms = append(terms, &a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i])
		}
	}
	if a.PodAntiAffinity != nil {
		for i := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			terms = append(terms, &a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i])
		}
	}
	for _, t := range terms {
		mergeKeys(t.LabelSelector, t.MatchLabelKeys, metav1.LabelSelectorOpIn, labels)
		mergeKeys(t.LabelSelector, t.MismatchLabelKeys, metav1.LabelSelectorOpNotIn, labels)
	}
}

func mergeKeys(into *metav1.LabelSelector, keys []string, operator metav1.LabelSelectorOperator, labels map[string]string) {
	for _, k := range keys {
		value, labelled := labels[k]
		if into == nil || !labelled {
			continue
		}
		merged := slices.ContainsFunc(into.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
			return r.Key == k && r.Operator == operator
		})
		if !merged {
			into.MatchExpressions = append(into.MatchExpressions,
				metav1.LabelSelectorRequirement{Key: k, Operator: operator, Values: []string{value}})
		}
	}
}

// checkRoles validates the pods that a pod declares, as the API server would.
func checkRoles(roles *gang.Roles) error {
	for _, role := range roles.All() {
		if len(role.NodeSelector) == 0 && len(role.Tolerations) == 0 && len(role.Labels) == 0 &&
			len(role.Affinity) == 0 && len(role.TopologySpreadConstraints) == 0 {
			continue
		}
		if err := checkRole(role); err != nil {
			return conventions.RefuseRole(roles, role, err)
		}
	}
	return nil
}

func checkRole(role gang.Role) error {
	role.Requests = nil // the requests are checked elsewhere, and a pod would need limits, too
	pod, err := Declared(metav1.NamespaceDefault, role)
	if err != nil {
		return err
	}
	if wrong := metav1validation.ValidateLabels(role.Labels, nil); len(wrong) > 0 {
		return fmt.Errorf("labels: %s", wrong[0].Detail)
	}
	pod.Spec.Containers[0].Image = "declared"
	corev1conversion.SetObjectDefaults_Pod(pod)
	var internal core.Pod
	if err := corev1conversion.Convert_v1_Pod_To_core_Pod(pod, &internal, nil); err != nil {
		return err
	}
	wrong := validation.ValidatePodSpec(&internal.Spec, &internal.ObjectMeta, nil,
		validation.PodValidationOptions{AllowTaintTolerationComparisonOperators: true})
	if len(wrong) > 0 {
		return wrong[0]
	}
	return nil
}

// shapeOf returns what declared members inherit from the pod that declares them: the constraints on its nodes. Its affinity to
// other pods, such as to stay apart from other drivers, is not inherited. Palantir's k8s-spark-scheduler inherits the same, except
// tolerations.
func shapeOf(pod *corev1.Pod, spec *gang.Spec) (conventions.Shape, error) {
	shape := conventions.Shape{Labels: pod.Labels}
	if !spec.Roles.Inherits {
		return shape, nil
	}
	shape.NodeSelector = pod.Spec.NodeSelector
	for _, t := range pod.Spec.Tolerations {
		shape.Tolerations = append(shape.Tolerations, gang.Toleration{
			Key: t.Key, Operator: string(t.Operator), Value: t.Value, Effect: string(t.Effect),
		})
	}
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil {
		text, err := json.Marshal(corev1.Affinity{NodeAffinity: a.NodeAffinity})
		if err != nil {
			return shape, fmt.Errorf("reading the affinity of pod %s: %w", pod.Name, err)
		}
		shape.Affinity = string(text)
	}
	return shape, nil
}
