package install

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// right is one verb on one resource, such as "update resourceclaims/status.resource.k8s.io".
type right struct{ verb, group, resource string }

func (r right) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s.%s", r.verb, r.resource, r.group), ".")
}

// notSeen are rights that no request shows, and why the scheduler has them.
var notSeen = map[string]string{
	"patch events.events.k8s.io": "an event that repeats for a pod that did not change is counted in the first one's series " +
		"(client-go: tools/events)",
	"get resourceclaims.resource.k8s.io": "a claim is read again after a conflict with another writer, before it is written again " +
		"(dynamicresources.go: bindClaim)",
	"delete resourceclaims.resource.k8s.io": "the claim made for an extended resource goes when its pod could not be bound after all " +
		"(extendeddynamicresources.go: deleteClaim)",
	"patch resourceclaims/status.resource.k8s.io": "a claim's allocation is taken back when its pod could not be bound after all " +
		"(dynamicresources.go: Unreserve)",
	"update resourceclaims/binding.resource.k8s.io": "no endpoint: asked for by the API server; TestRightsThatTheAPIServerAsksFor",
	"patch resourceclaims/binding.resource.k8s.io":  "no endpoint: asked for by the API server when it is patched as above",
	"update pods/finalizers":                        "no endpoint: asked for by the API server; TestRightsThatTheAPIServerAsksFor",
}

// compare compares what the scheduler asked for with what the manifest allows.
func compare(t *testing.T) {
	t.Helper()
	asked, refused := requests(t)
	if len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	given := rightsGiven(t)
	for _, r := range given {
		reason, known := notSeen[r.String()]
		switch used := asked[r] > 0; {
		case !used && !known:
			t.Errorf("the manifest allows %q, which nothing needed: remove it, or give its reason in notSeen", r)
		case used && known:
			t.Errorf("%q was asked for: remove it from notSeen, where its reason is %q", r, reason)
		}
	}
	for r := range notSeen {
		if !slices.ContainsFunc(given, func(g right) bool { return g.String() == r }) {
			t.Errorf("notSeen has a reason for %q, which the manifest does not allow", r)
		}
	}
	// The two rights that other roles give.
	for _, r := range []right{
		{"create", "authentication.k8s.io", "tokenreviews"},
		{"create", "authorization.k8s.io", "subjectaccessreviews"},
	} {
		if asked[r] == 0 {
			t.Errorf("%q, for which there is the role system:auth-delegator, was never asked for", r)
		}
	}
	if asked[right{"get", "", "configmaps"}] == 0 {
		t.Error("the authentication ConfigMap, for which there is the role extension-apiserver-authentication-reader, was never read")
	}
	for _, r := range slices.SortedFunc(maps.Keys(asked), func(a, b right) int { return strings.Compare(a.String(), b.String()) }) {
		t.Logf("%5d x %s", asked[r], r)
	}
}

// requests returns how often the scheduler's account asked for what, and what was refused.
func requests(t *testing.T) (asked map[right]int, refused []string) {
	t.Helper()
	file, err := os.Open(suite.audit)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	asked = map[right]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		ref := event.ObjectRef
		if ref == nil || event.User.Username != account {
			continue // /readyz and the like
		}
		r := right{event.Verb, ref.APIGroup, ref.Resource}
		if ref.Subresource != "" {
			r.resource += "/" + ref.Subresource
		}
		asked[r]++
		if event.ResponseStatus != nil && event.ResponseStatus.Code == 403 {
			refused = append(refused, fmt.Sprintf("%s %s/%s: %s", r, ref.Namespace, ref.Name, event.ResponseStatus.Message))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return asked, refused
}

// rightsGiven returns what the manifest's roles allow.
func rightsGiven(t *testing.T) []right {
	t.Helper()
	rules := slices.Concat(
		find[rbacv1.ClusterRole](t, manifest, "ClusterRole", "kubenexus-scheduler").Rules,
		find[rbacv1.Role](t, manifest, "Role", "kubenexus-scheduler").Rules)
	var all []right
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, right{verb, group, resource})
				}
			}
		}
	}
	for _, r := range all {
		if r.verb == "*" || r.group == "*" || strings.Contains(r.resource, "*") {
			t.Errorf("the manifest allows %q", r)
		}
	}
	return all
}
