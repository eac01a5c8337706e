package install

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// right is one verb on one resource, such as "update resourceclaims/status.resource.k8s.io".
type right struct{ verb, group, resource string }

func (r right) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s.%s", r.verb, r.resource, r.group), ".")
}

const noEndpoint = "it is for no endpoint: the API server asks for it; TestRightsThatTheAPIServerAsksFor"

// notSeen are permissions whose use the audit log does not show, and why the scheduler needs them.
var notSeen = map[string]string{
	"update resourceclaims/binding.resource.k8s.io": noEndpoint,
	"patch resourceclaims/binding.resource.k8s.io":  noEndpoint,
	"update pods/finalizers":                        noEndpoint,
}

// compare compares the scheduler's requests since then with the permissions in the manifest.
func compare(t *testing.T, since time.Time) {
	t.Helper()
	asked, refused := requests(t, since)
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
	// Other roles grant these two permissions.
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

// requests returns how often the scheduler used each permission since then, and its refused requests.
func requests(t *testing.T, since time.Time) (asked map[right]int, refused []string) {
	t.Helper()
	log, err := os.ReadFile(suite.audit)
	if err != nil {
		t.Fatal(err)
	}
	log = log[:bytes.LastIndexByte(log, '\n')+1] // the last line may be incomplete
	asked = map[right]int{}
	for line := range bytes.Lines(log) {
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		ref := event.ObjectRef
		if ref == nil || event.User.Username != account || event.RequestReceivedTimestamp.Time.Before(since) {
			continue // /readyz and the like, and requests of other tests
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
	return asked, refused
}

// rightsGiven returns the permissions in the manifest's roles.
func rightsGiven(t *testing.T) []right {
	t.Helper()
	var all []right
	for _, g := range grants(t) {
		all = append(all, g.right())
	}
	for _, r := range all {
		if r.verb == "*" || r.group == "*" || strings.Contains(r.resource, "*") {
			t.Errorf("the manifest allows %q", r)
		}
	}
	return all
}
