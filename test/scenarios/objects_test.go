package scenarios

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// exampleFile returns a file of a folder of examples.
func exampleFile(t *testing.T, folder, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../examples", folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// exampleObjects returns the objects in a file of a folder of examples.
func exampleObjects(t *testing.T, folder, name string) []*unstructured.Unstructured {
	t.Helper()
	return objectsIn(t, folder+"/"+name, exampleFile(t, folder, name))
}

// objectsIn returns the objects of a manifest that comes from there.
func objectsIn(t *testing.T, from string, manifest []byte) (objects []*unstructured.Unstructured) {
	t.Helper()
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		object := &unstructured.Unstructured{}
		if err == nil {
			err = yaml.UnmarshalStrict(text, &object.Object)
		}
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		objects = append(objects, object)
	}
}

// usersFiles are the manifests of a folder that a user writes; the others say what the operator makes of them.
func usersFiles(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../examples", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples in %s: %v", folder, err)
	}
	for _, file := range files {
		if name := filepath.Base(file); !slices.Contains([]string{"created.yaml", "driver.yaml", "executor.yaml"}, name) {
			names = append(names, name)
		}
	}
	return names
}

// apply creates objects, one after another, as their controller would. They go with the scenario.
func (s *scenario) apply(t *testing.T, objects ...*unstructured.Unstructured) {
	t.Helper()
	for _, object := range objects {
		kind := object.GroupVersionKind()
		s.define(t, kind)
		owners := object.GetOwnerReferences()
		process.Within(t, patience, "the owners of "+object.GetName(), func() (bool, string) {
			err := s.identify(s.ctx, owners)
			return err == nil, fmt.Sprint(err)
		})
		object.SetOwnerReferences(owners)
		object.SetNamespace(s.namespace)
		process.Within(t, patience, "its kind to be served", func() (bool, string) {
			_, err := s.resource(kind).Create(s.ctx, object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
			if err != nil && !apierrors.IsNotFound(err) {
				t.Fatalf("creating %s %s: %v", kind.Kind, object.GetName(), err)
			}
			return err == nil, fmt.Sprint(err)
		})
		if kind.Kind != "Pod" {
			t.Cleanup(func() { s.withdraw(t, object) })
		}
	}
}

// withdraw deletes an object, so that its controller does not replace the pods that the scenario's end deletes.
func (s *scenario) withdraw(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	background := metav1.DeletePropagationBackground
	err := s.resource(object.GroupVersionKind()).Delete(context.Background(), object.GetName(),
		metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("deleting %s %s: %v", object.GetKind(), object.GetName(), err)
	}
}

// resource are the scenario's objects of a kind.
func (s *scenario) resource(kind schema.GroupVersionKind) dynamic.ResourceInterface {
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	return suite.dynamic.Resource(resource).Namespace(s.namespace)
}

// identify completes owner references with what no manifest can know.
func (s *scenario) identify(ctx context.Context, owners []metav1.OwnerReference) error {
	for i, owner := range owners {
		object, err := s.resource(schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind)).Get(ctx, owner.Name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("owner %s: %w", owner.Name, err)
		}
		owners[i].UID = object.GetUID()
	}
	return nil
}

// define makes the API server know a kind that is an operator's. The operator is not there, so any content will do.
func (s *scenario) define(t *testing.T, kind schema.GroupVersionKind) {
	t.Helper()
	if !strings.Contains(kind.Group, ".") {
		return // one of Kubernetes' own
	}
	plural, singular := meta.UnsafeGuessKindToResource(kind)
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata": map[string]any{
			"name":        plural.GroupResource().String(),
			"annotations": map[string]any{"api-approved.kubernetes.io": "unapproved, for tests"},
		},
		"spec": map[string]any{
			"group": kind.Group,
			"scope": "Namespaced",
			"names": map[string]any{
				"kind": kind.Kind, "listKind": kind.Kind + "List", "plural": plural.Resource, "singular": singular.Resource,
			},
			"versions": []any{map[string]any{
				"name": kind.Version, "served": true, "storage": true,
				"schema": map[string]any{
					"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
				},
			}},
		},
	}}
	definitions := schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	_, err := suite.dynamic.Resource(definitions).Create(s.ctx, definition, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatalf("defining %s: %v", kind.Kind, err)
	}
}

// addNodes adds nodes of 4 CPU and 4 GPUs.
func (s *scenario) addNodes(t *testing.T, prefix string, count int) {
	t.Helper()
	shape := smallNode
	shape.Extended = map[string]string{"nvidia.com/gpu": "4"}
	if err := suite.plane.AddNodes(s.ctx, prefix, count, shape); err != nil {
		t.Fatal(err)
	}
}

// waitForRoom waits until there are so many pods and the condition of each says that its gang does not fit.
func (s *scenario) waitForRoom(t *testing.T, pods int) {
	t.Helper()
	process.Within(t, patience, fmt.Sprintf("%d pods to have a condition that says that their gang does not fit", pods), func() (bool, string) {
		list, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		waiting := 0
		said := ""
		for _, pod := range list.Items {
			condition := scheduledCondition(&pod)
			said += fmt.Sprintf("\n%s: %s: %s", pod.Name, condition.Reason, condition.Message)
			if condition.Reason == corev1.PodReasonUnschedulable {
				waiting++
			}
		}
		return waiting == pods && len(list.Items) == pods, said
	})
}

// scheduledCondition is the pod's PodScheduled condition, or an empty one.
func scheduledCondition(pod *corev1.Pod) corev1.PodCondition {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled {
			return condition
		}
	}
	return corev1.PodCondition{}
}

// noneBound checks that no pod has a place.
func (s *scenario) noneBound(t *testing.T) {
	t.Helper()
	if bound, err := s.countBound(""); bound > 0 || err != nil {
		t.Fatalf("%d pods are bound, want none; error %v", bound, err)
	}
}
