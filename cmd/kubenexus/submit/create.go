package submit

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
)

// id names the object as kubectl does.
func (c created) id() string {
	return cluster.Name(c.GroupVersionKind(), cmp.Or(c.GetName(), c.GetGenerateName()))
}

// create creates the objects in their order. With an error it returns those that it created before.
func create(ctx context.Context, objects *cluster.Objects, m *manifest, dryRun bool) ([]created, error) {
	asked, err := m.unstructured()
	if err != nil {
		return nil, err
	}
	var made []created
	for i, object := range asked {
		if m.service != nil && i == len(asked)-1 {
			if object, err = serviceOf(m.service, made[0].Unstructured); err != nil {
				return made, err
			}
		}
		fresh, err := createOne(ctx, objects, object, dryRun)
		if err != nil {
			return made, incomplete(made, object, err)
		}
		made = append(made, fresh)
	}
	return made, nil
}

func createOne(ctx context.Context, objects *cluster.Objects, object created, dryRun bool) (created, error) {
	resource, _, err := objects.Of(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return created{}, err
	}
	options := metav1.CreateOptions{FieldManager: "kubenexus-submit", FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	fresh, err := resource.Create(ctx, object.Unstructured, options)
	if err != nil {
		return created{}, err
	}
	return created{fresh}, nil
}

// incomplete says which objects exist although not all could be created.
func incomplete(made []created, object created, err error) error {
	if len(made) == 0 {
		return fmt.Errorf("creating %s: %w; nothing was created", object.id(), err)
	}
	var names []string
	for _, before := range made {
		names = append(names, before.id())
	}
	return fmt.Errorf("creating %s: %w; these were created before, and stay: %s", object.id(), err, strings.Join(names, ", "))
}
