package dispatch

import (
	"context"
	"errors"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestAJobIsAskedHowManySucceeded: two of four pods are left. The gang is complete if the Job says that two succeeded, counted or not.
func TestAJobIsAskedHowManySucceeded(t *testing.T) {
	jobs := schema.GroupResource{Group: "batch", Resource: "jobs"}
	for name, tc := range map[string]struct {
		uid    types.UID
		status batchv1.JobStatus
		err    error
		want   gang.Phase
	}{
		"two succeeded": {"job", batchv1.JobStatus{Succeeded: 2}, nil, gang.Ready},
		"one more is not counted yet": {"job", batchv1.JobStatus{
			Succeeded: 1, UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{Succeeded: []types.UID{"x"}},
		}, nil, gang.Ready},
		"one succeeded":       {"job", batchv1.JobStatus{Succeeded: 1, Failed: 4}, nil, gang.Incomplete},
		"another of its name": {"other", batchv1.JobStatus{Succeeded: 2}, nil, gang.Incomplete},
		"gone":                {"job", batchv1.JobStatus{}, apierrors.NewNotFound(jobs, "j"), gang.Incomplete},
		"forbidden":           {"job", batchv1.JobStatus{}, apierrors.NewForbidden(jobs, "j", nil), gang.Incomplete},
		"no answer":           {"job", batchv1.JobStatus{}, errors.New("connection refused"), gang.Incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			p := h.dispatcher
			p.handle.ClientSet().(*fake.Clientset).PrependReactor("get", "jobs",
				func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "j", UID: tc.uid}, Status: tc.status}, tc.err
				})
			for _, name := range []string{"w-2", "w-3"} {
				pod := testPod(name).SchedulerName(h.framework.ProfileName()).Obj()
				pod.Annotations = map[string]string{
					"pod-group.scheduling.sigs.k8s.io/name": "a", "pod-group.scheduling.sigs.k8s.io/min-available": "4",
				}
				pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "j", UID: "job", Controller: new(true)}}
				p.ledger.Observe(pod)
			}
			key := p.ledger.Statuses()[0].Key
			newJobCounter(p).count(t.Context(), gang.Count{Gang: key, Job: gang.Ref{Namespace: testNamespace, Name: "j", UID: "job"}})
			if got := p.ledger.Statuses()[0].Phase; got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// TestAJobIsQueuedOnce, so that gangs that stay incomplete for long do not fill the memory.
func TestAJobIsQueuedOnce(t *testing.T) {
	c := newJobCounter(nil)
	for range 1000 {
		c.enqueue(gang.Count{Job: gang.Ref{Name: "j"}})
	}
	if n := c.requests.Len(); n != 1 {
		t.Errorf("%d requests are queued, want 1", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.run(ctx) // returns without a request
}
