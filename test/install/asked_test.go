package install

import (
	"context"
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestRightsThatTheAPIServerAsksFor: three permissions belong to no endpoint, so the audit log does not show their use. The writes that
// need them succeed with the manifest's role, and fail with the role without that permission.
func TestRightsThatTheAPIServerAsksFor(t *testing.T) {
	role := find[rbacv1.ClusterRole](t, manifest, "ClusterRole", "kubenexus-scheduler")
	claims := suite.client.ResourceV1().ResourceClaims(metav1.NamespaceDefault)
	devices := resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{
		{Name: "gpu", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "gpu"}},
	}}}
	// The ResourceClaim controller would release claims of pods that do not exist.
	owner := podNamed("owner", "1")
	owner.Namespace, owner.Spec.SchedulerName = metav1.NamespaceDefault, "nobody"
	create(t, owner)
	owner, err := suite.client.CoreV1().Pods(owner.Namespace).Get(t.Context(), owner.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
		if err := suite.client.CoreV1().Pods(owner.Namespace).Delete(context.Background(), owner.Name, now); err != nil {
			t.Error(err)
		}
	})
	existing, err := claims.Create(t.Context(), &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "existing"}, Spec: devices,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	allocated := existing.DeepCopy()
	allocated.Status.Allocation = &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
		Results: []resourcev1.DeviceRequestAllocationResult{{Request: "gpu", Driver: "example.com", Pool: "node", Device: "gpu-0"}},
	}}
	allocated.Status.ReservedFor = []resourcev1.ResourceClaimConsumerReference{{Resource: "pods", Name: owner.Name, UID: owner.UID}}
	dry := []string{metav1.DryRunAll}

	// makeClaim creates a claim that blocks the deletion of its pod.
	makeClaim := func(client kubernetes.Interface) error {
		yes := true
		_, err := client.ResourceV1().ResourceClaims(metav1.NamespaceDefault).Create(t.Context(), &resourcev1.ResourceClaim{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "made-", OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Pod", Name: "owner", UID: "1", Controller: &yes, BlockOwnerDeletion: &yes,
			}}},
			Spec: devices,
		}, metav1.CreateOptions{DryRun: dry})
		return err
	}
	// allocate writes the claim's allocation and its pod.
	allocate := func(client kubernetes.Interface) error {
		_, err := client.ResourceV1().ResourceClaims(metav1.NamespaceDefault).UpdateStatus(t.Context(), allocated,
			metav1.UpdateOptions{DryRun: dry})
		return err
	}
	// takeBack removes the pod from the claim.
	takeBack := func(client kubernetes.Interface) error {
		_, err := client.ResourceV1().ResourceClaims(metav1.NamespaceDefault).Patch(t.Context(), allocated.Name,
			types.StrategicMergePatchType, fmt.Appendf(nil, `{"status":{"reservedFor":[{"$patch":"delete","uid":%q}]}}`, owner.UID),
			metav1.PatchOptions{DryRun: dry}, "status")
		return err
	}
	needs := func(missing right, write func(kubernetes.Interface) error) {
		t.Helper()
		name := strings.NewReplacer(" ", "-", "/", "-").Replace(missing.String())
		if err := write(withRules(t, "all-and-"+name, role.Rules)); err != nil {
			t.Errorf("with the manifest's rules: %v", err)
		}
		var fewer []rbacv1.PolicyRule
		for _, g := range takeRulesApart(role.Rules, "") {
			if g.right() != missing {
				fewer = append(fewer, g.rule)
			}
		}
		err := write(withRules(t, "all-but-"+name, fewer))
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "forbidden") {
			t.Errorf("without %s: error %v, want that it is forbidden; else the right is spare", missing, err)
		}
	}
	needs(right{"update", "", "pods/finalizers"}, makeClaim)
	needs(right{"update", "resource.k8s.io", "resourceclaims/binding"}, allocate)
	if _, err := claims.UpdateStatus(t.Context(), allocated, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	needs(right{"patch", "resource.k8s.io", "resourceclaims/binding"}, takeBack)
}

// withRules returns a client of a user with these permissions.
func withRules(t *testing.T, name string, rules []rbacv1.PolicyRule) kubernetes.Interface {
	t.Helper()
	ctx, rbac := t.Context(), suite.client.RbacV1()
	meta := metav1.ObjectMeta{Name: name}
	if _, err := rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := suite.plane.Config()
	config.Impersonate.UserName = name
	client := kubernetes.NewForConfigOrDie(config)
	process.Within(t, patience, "the rights of "+name, func() (bool, string) {
		_, err := client.CoreV1().Nodes().List(context.WithoutCancel(ctx), metav1.ListOptions{Limit: 1})
		return err == nil, "not there"
	})
	return client
}
