package cancel

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
)

// target is an object that makes pods of a gang, or a pod that nothing makes.
type target struct {
	kind            schema.GroupVersionKind
	resource        schema.GroupVersionResource
	namespace, name string
	uid             types.UID
	// pods is how many pods of the gang it makes.
	pods int
	// controls says that it controls pods itself, and not only what makes them.
	controls bool
}

// String names the object as kubectl does.
func (t *target) String() string { return cluster.Name(t.kind, t.name) }

// about says how many pods end with the object.
func (t *target) about() string {
	switch {
	case t.kind.Kind == "Pod":
		return ""
	case t.pods == 1:
		return ", with 1 pod"
	}
	return fmt.Sprintf(", with %d pods", t.pods)
}

// mayBeDeleted asks whether the user may delete the object.
func (t *target) mayBeDeleted(ctx context.Context, client kubernetes.Interface) (bool, error) {
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: t.namespace, Verb: "delete", Group: t.resource.Group, Version: t.resource.Version, Resource: t.resource.Resource,
			Name: t.name,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking whether you may delete %s: %w", t, err)
	}
	return review.Status.Allowed, nil
}

// shown lists the first names.
func shown(names []string) string {
	const most = 3
	slices.Sort(names)
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
