package install

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// inventory returns the names of all objects of all kinds that the API server stores, except events, which expire.
func inventory(t *testing.T) []string {
	t.Helper()
	kinds, err := suite.client.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	client := metadata.NewForConfigOrDie(suite.plane.Config())
	var names []string
	for _, list := range kinds {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range list.APIResources {
			// Component statuses are not stored.
			if !slices.Contains(kind.Verbs, "list") || kind.Name == "events" || kind.Name == "componentstatuses" {
				continue
			}
			objects, err := client.Resource(version.WithResource(kind.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("listing %s: %v", kind.Name, err)
			}
			for _, object := range objects.Items {
				names = append(names, kind.Name+" "+strings.TrimPrefix(object.Namespace+"/"+object.Name, "/"))
			}
		}
	}
	return names
}

// onlyThisIsLeft waits until all objects that were not there before are deleted, except the named ones.
func (s *stranger) onlyThisIsLeft(t *testing.T, before []string, but ...string) {
	t.Helper()
	process.Within(t, patience, "nothing to be left", func() (bool, string) {
		left := slices.DeleteFunc(inventory(t), func(name string) bool { return slices.Contains(before, name) })
		slices.Sort(left)
		return slices.Equal(left, but), strings.Join(left, ", ")
	})
}
