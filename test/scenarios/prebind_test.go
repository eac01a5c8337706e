package scenarios

import (
	"fmt"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestNobodyIsBoundBeforeAllAreReady: if one member of a gang gets no volume or no device, no member is bound, and the event says so
// as soon as that is known. The gang starts once the member gets it.
func TestNobodyIsBoundBeforeAllAreReady(t *testing.T) {
	startScheduler(t, "--leader-elect=false", "--config="+writeConfig(t, `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: KUBECONFIG
profiles:
- schedulerName: kubenexus-scheduler
  plugins:
    multiPoint:
      enabled:
      - name: Coscheduling
  pluginConfig:
  - name: VolumeBinding
    args:
      bindTimeoutSeconds: 5
`))
	runWorlds(t, "ready", []world{
		{
			name:  "a volume that nobody makes",
			nodes: map[string]string{"a": "4"},
			make: func(s *scenario) {
				s.storageClass("disk", s.driver())
				s.volumeClaim("data", "disk", "1Gi", once)
				s.members("g", 3, "plain", 2)
				s.members("g", 3, "tied", 1, mounts("data"))
			},
			then: func(t *testing.T, s *scenario) {
				s.chosenFor(t, "data")
				s.gang("other", 1, 1) // the others' time goes by meanwhile
				s.boundIs(t, "other", 1)
				s.notBound(t, "tied-0", "binding volumes", "plain", "tied")
			},
		},
		{
			name:  "a volume that is made late",
			nodes: map[string]string{"a": "4"},
			make: func(s *scenario) {
				p := s.provisions("disk", true)
				p.refuse("late", true)
				s.volumeClaim("soon", "disk", "1Gi", once)
				s.volumeClaim("late", "disk", "1Gi", once)
				s.members("g", 3, "plain", 1)
				s.members("g", 3, "soon", 1, mounts("soon"))
				s.members("g", 3, "late", 1, mounts("late"))
				s.notBound(s.t, "late-0", "", "plain", "soon", "late")
				p.refuse("late", false)
			},
			want: []string{"plain: a", "soon: a", "late: a"},
		},
		{
			name:  "a device that the API server refuses",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				needsDevices(s.t)
				s.deviceClass("gpu", "")
				s.devices("a", some(1, "gpu")...)
				s.devices("b", some(1, "gpu")...)
				for i := range 2 {
					s.resourceClaim(fmt.Sprint("own-", i), exactly("gpu", 1))
				}
				allow := s.refuseDevices("own-1")
				s.members("g", 3, "plain", 1)
				s.members("g", 3, "first", 1, usesClaim("own-0"))
				s.members("g", 3, "second", 1, usesClaim("own-1"))
				s.notBound(s.t, "second-0", "own-1 gets no device", "plain", "first", "second")
				allow()
			},
			want: []string{"plain: *", "first: *", "second: *"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 2) },
		},
	})
}

// chosenFor waits until the scheduler chose a node for the volume of a claim.
func (s *scenario) chosenFor(t *testing.T, claim string) {
	t.Helper()
	process.Within(t, patience, "a node to be chosen for "+claim, func() (bool, string) {
		c, err := suite.client.CoreV1().PersistentVolumeClaims(s.namespace).Get(s.ctx, claim, metav1.GetOptions{})
		return err == nil && c.Annotations[selectedNode] != "", fmt.Sprint(err, c.Annotations)
	})
}

// notBound waits until an event says that the gang could not be bound because of a member, and why, and fails if a pod of the
// groups is bound.
func (s *scenario) notBound(t *testing.T, member, why string, groups ...string) {
	t.Helper()
	process.Within(t, patience, "the gang to say that it could not be bound", func() (bool, string) {
		events, err := suite.client.EventsV1().Events(s.namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		var notes []string
		for i := range events.Items {
			e := &events.Items[i]
			if e.Reason == "GangNotBound" && strings.Contains(e.Note, member) && strings.Contains(e.Note, why) {
				return true, ""
			}
			notes = append(notes, fmt.Sprintf("%s %s: %s", e.Regarding.Name, e.Reason, e.Note))
		}
		for _, group := range groups {
			if bound, err := s.countBound(group); bound != 0 || err != nil {
				t.Fatalf("%d pods of %s are bound, want none (error %v): %s", bound, group, err, notes)
			}
		}
		return false, strings.Join(notes, "\n")
	})
	for _, group := range groups {
		s.boundIs(t, group, 0)
	}
}

// refuseDevices makes the API server refuse that a claim is given devices, until allow is called.
func (s *scenario) refuseDevices(name string) (allow func()) {
	s.t.Helper()
	rule := admissionv1.Rule{
		APIGroups: []string{resourcev1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"resourceclaims/status"},
	}
	allow = s.policy(rule, admissionv1.Update, fmt.Sprintf("object.metadata.name != %q", name), name+" gets no device")
	claims := suite.client.ResourceV1().ResourceClaims(s.namespace)
	process.Within(s.t, patience, "the policy to refuse devices", func() (bool, string) {
		claim, err := claims.Get(s.ctx, name, metav1.GetOptions{})
		if err == nil {
			_, err = claims.UpdateStatus(s.ctx, claim, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		}
		return apierrors.IsForbidden(err) || apierrors.IsInvalid(err), fmt.Sprint(err)
	})
	return allow
}
