package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// warnings collects the API server's warnings.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

// HandleWarningHeader is called for each warning.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// readObjects returns the objects of a YAML file.
func readObjects(t testing.TB, file string) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, data)
}

func objects(t testing.TB, data []byte) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if object.Object != nil {
			all = append(all, object)
		}
	}
}

// apply does what kubectl apply --server-side does, with unknown fields as errors. It returns the warnings.
func apply(t testing.TB, all []*unstructured.Unstructured) []string {
	t.Helper()
	seen := &warnings{}
	config := suite.plane.Config()
	config.WarningHandler = seen
	for _, object := range all {
		resource, err := resourceOf(config, object)
		if err != nil {
			t.Fatal(err)
		}
		if err := applyOne(t.Context(), resource, object); err != nil {
			t.Fatalf("applying %s: %v", title(object), err)
		}
	}
	return seen.texts
}

func applyOne(ctx context.Context, resource dynamic.ResourceInterface, object *unstructured.Unstructured) error {
	data, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	_, err = resource.Patch(ctx, object.GetName(), types.ApplyPatchType, data,
		v1.PatchOptions{FieldManager: "kubectl", Force: &force, FieldValidation: v1.FieldValidationStrict})
	return err
}

// resourceOf returns the client for the object's resource and namespace.
func resourceOf(config *rest.Config, object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))
	kind := object.GroupVersionKind()
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == "root" {
		return client.Resource(mapping.Resource), nil
	}
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = v1.NamespaceDefault
	}
	return client.Resource(mapping.Resource).Namespace(namespace), nil
}

// title identifies an object in messages and as a key.
func title(object *unstructured.Unstructured) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", object.GetKind(), object.GetNamespace(), object.GetName()))
}

// applyFile applies a file of testdata, and ignores warnings.
func applyFile(t testing.TB, name string) {
	t.Helper()
	apply(t, readObjects(t, "testdata/"+name))
}
