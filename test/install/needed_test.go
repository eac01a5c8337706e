package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// questions is the role with which all users may read the lease. Who narrows it must not take the right from the scheduler.
const questions = `Role "kubenexus-scheduler-questions"`

// apart is the label of objects that grant one permission each.
const apart = "one-right-each"

// TestNoRightIsGivenTwice asks the API server's authorizer for each permission of the manifest, as a user with all the other permissions
// and in the groups of the scheduler's service account. The authorizer refuses, so no other permission and no role of these groups grants
// it. TestRightsAreEnoughAndAllNeeded shows that the scheduler uses each permission.
func TestNoRightIsGivenTwice(t *testing.T) {
	t.Cleanup(func() { takeRightsBack(t) })
	everybody := []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated", giveOtherRoles(t)}
	given := grants(t)
	groups := make([]string, len(given))
	for i, g := range given {
		groups[i] = fmt.Sprintf("%s-%d", apart, i)
		g.giveTo(t, groups[i])
	}
	byOtherRoles := []grant{
		{rule: oneRight("create", "authentication.k8s.io", "tokenreviews")},
		{rule: oneRight("get", "", "configmaps", "extension-apiserver-authentication"), namespace: metav1.NamespaceSystem},
	}
	for _, g := range slices.Concat(given, byOtherRoles) {
		process.Within(t, patience, fmt.Sprintf("%s to be allowed", g.right()), func() (bool, string) {
			return g.isAllowed(t, slices.Concat(everybody, groups))
		})
	}
	for i, g := range given {
		others := slices.Delete(slices.Clone(groups), i, i+1)
		if allowed, by := g.isAllowed(t, slices.Concat(everybody, others)); allowed && !strings.Contains(by, questions) {
			t.Errorf("%s is given twice: %s", g.right(), by)
		}
	}
}

// grant is one verb on one resource, in a namespace if a Role grants it.
type grant struct {
	rule      rbacv1.PolicyRule
	namespace string
}

// grants splits the rules of the manifest's ClusterRole and Role into single permissions.
func grants(t *testing.T) []grant {
	t.Helper()
	role := find[rbacv1.Role](t, manifest, "Role", "kubenexus-scheduler")
	return append(
		takeRulesApart(find[rbacv1.ClusterRole](t, manifest, "ClusterRole", "kubenexus-scheduler").Rules, ""),
		takeRulesApart(role.Rules, role.Namespace)...)
}

func takeRulesApart(rules []rbacv1.PolicyRule, namespace string) []grant {
	var all []grant
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, grant{oneRight(verb, group, resource, rule.ResourceNames...), namespace})
				}
			}
		}
	}
	return all
}

func oneRight(verb, group, resource string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names}
}

func (g grant) right() right { return right{g.rule.Verbs[0], g.rule.APIGroups[0], g.rule.Resources[0]} }

// giveTo grants the permission to a group.
func (g grant) giveTo(t *testing.T, group string) {
	t.Helper()
	rbac, ctx := suite.client.RbacV1(), t.Context()
	meta := metav1.ObjectMeta{Name: group, Labels: map[string]string{apart: ""}}
	_, err := rbac.ClusterRoles().Create(ctx,
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{g.rule}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	role := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: group}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}}
	if g.namespace == "" {
		_, err = rbac.ClusterRoleBindings().Create(ctx,
			&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: role, Subjects: subjects}, metav1.CreateOptions{})
	} else {
		_, err = rbac.RoleBindings(g.namespace).Create(ctx,
			&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: role, Subjects: subjects}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// isAllowed reports whether a user in these groups has the permission, and the authorizer's reason.
func (g grant) isAllowed(t *testing.T, groups []string) (bool, string) {
	t.Helper()
	resource, subresource, _ := strings.Cut(g.rule.Resources[0], "/")
	asked := &authorizationv1.ResourceAttributes{
		Namespace: cmp.Or(g.namespace, metav1.NamespaceDefault), Verb: g.rule.Verbs[0], Group: g.rule.APIGroups[0],
		Resource: resource, Subresource: subresource,
	}
	if len(g.rule.ResourceNames) > 0 {
		asked.Name = g.rule.ResourceNames[0]
	}
	review, err := suite.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: "somebody", Groups: groups, ResourceAttributes: asked},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed, review.Status.Reason
}

// giveOtherRoles binds the built-in roles that the manifest binds to a group, and returns the group.
func giveOtherRoles(t *testing.T) string {
	t.Helper()
	const group = apart + "-others"
	subject := map[string]any{"apiGroup": rbacv1.GroupName, "kind": rbacv1.GroupKind, "name": group}
	var bindings []*unstructured.Unstructured
	for _, object := range readObjects(t, manifest) {
		role, found, err := unstructured.NestedString(object.Object, "roleRef", "name")
		if err != nil {
			t.Fatal(err)
		}
		if found && role != "kubenexus-scheduler" {
			object.SetName(apart + "-" + object.GetName())
			object.SetLabels(map[string]string{apart: ""})
			object.Object["subjects"] = []any{subject}
			bindings = append(bindings, object)
		}
	}
	apply(t, bindings)
	return group
}

// takeRightsBack deletes the objects that grant one permission each.
func takeRightsBack(t *testing.T) {
	t.Helper()
	rbac, ctx, all := suite.client.RbacV1(), context.Background(), metav1.ListOptions{LabelSelector: apart}
	err := errors.Join(
		rbac.ClusterRoleBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, all),
		rbac.RoleBindings(metav1.NamespaceSystem).DeleteCollection(ctx, metav1.DeleteOptions{}, all),
		rbac.ClusterRoles().DeleteCollection(ctx, metav1.DeleteOptions{}, all))
	if err != nil {
		t.Error(err)
	}
}
