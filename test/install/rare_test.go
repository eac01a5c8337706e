package install

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// rare runs another scheduler, and the cases that need rarely used permissions. Its log may mention forbidden requests.
func rare(t *testing.T, args []string, since time.Time) {
	t.Helper()
	p := process.Start(t, process.KubeNexus, args...)
	repeatedEvent(t, since)
	refusedBindings(t, since)
	contendedClaim(t, since)
	p.End()
}

// isAskedFor waits until the scheduler has used the permission.
func isAskedFor(t *testing.T, r right, since time.Time) {
	t.Helper()
	process.Within(t, patience, r.String(), func() (bool, string) {
		asked, _ := requests(t, since)
		return asked[r] > 0, "it was not asked for"
	})
}

// repeatedEvent: a pod that is too large for the nodes is retried when other pods are deleted, and gets the same event each time.
func repeatedEvent(t *testing.T, since time.Time) {
	t.Helper()
	create(t, podNamed("too-large", "64"))
	waits(t, "too-large", "Insufficient cpu")
	tries := 0
	process.Within(t, patience, "an event to be counted", func() (bool, string) {
		tries++
		going := fmt.Sprintf("going-%d", tries) // a simulated kubelet may mistake a pod of the same name for the earlier one
		create(t, podNamed(going, "1"))
		isBound(t, going)
		remove(t, going)
		asked, _ := requests(t, since)
		return asked[right{"patch", "events.k8s.io", "events"}] > 0, "each is a new one"
	})
	remove(t, "too-large")
}

// refusedBindings: volumes and devices are released if the pods cannot be bound.
func refusedBindings(t *testing.T, since time.Time) {
	t.Helper()
	policy := readObjects(t, "testdata/refusal.yaml")
	apply(t, policy)
	t.Cleanup(func() { deleteAll(t, policy) })
	process.Within(t, patience, "the policy to be followed", func() (bool, string) {
		err := suite.client.CoreV1().Pods(namespace).Bind(t.Context(), &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: "refused-and-not-there"}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
		}, metav1.CreateOptions{})
		return apierrors.IsInvalid(err), fmt.Sprint(err)
	})
	applyFile(t, "refused.yaml")
	isAskedFor(t, right{"patch", "resource.k8s.io", "resourceclaims/status"}, since)
	isAskedFor(t, right{"delete", "resource.k8s.io", "resourceclaims"}, since)
	remove(t, "refused-by-claim")
	remove(t, "refused-by-name")
}

// contendedClaim: another client updates a claim while the scheduler allocates it, so the scheduler must read it again. This is rare, so it
// may take several pods.
func contendedClaim(t *testing.T, since time.Time) {
	t.Helper()
	claims := suite.client.ResourceV1().ResourceClaims(namespace)
	tries := 0
	process.Within(t, patience, "a claim to be read again", func() (bool, string) {
		tries++
		contender := fmt.Sprintf("contender-%d", tries)
		objects := readObjects(t, "testdata/contended.yaml")
		objects[1].SetName(contender)
		apply(t, objects)
		write := func(text string) error {
			_, err := claims.Patch(t.Context(), "contended", types.MergePatchType, []byte(`{"metadata":`+text+`}`), metav1.PatchOptions{})
			return err
		}
		ctx, stop := context.WithCancel(t.Context())
		written := make(chan error)
		go func() {
			var err error
			for i := 0; err == nil && ctx.Err() == nil; i++ {
				err = write(fmt.Sprintf(`{"annotations":{"written":"%d"}}`, i))
			}
			written <- err
		}()
		isBound(t, contender)
		stop()
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		remove(t, contender)
		// The ResourceClaim controller, which does not run here, does this once no pod uses the claim.
		if err := errors.Join(write(`{"finalizers":null}`), claims.Delete(t.Context(), "contended", metav1.DeleteOptions{})); err != nil {
			t.Fatal(err)
		}
		asked, _ := requests(t, since)
		return asked[right{"get", "resource.k8s.io", "resourceclaims"}] > 0, "nothing was in conflict"
	})
}

func remove(t *testing.T, pod string) {
	t.Helper()
	err := suite.client.CoreV1().Pods(namespace).Delete(t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	if err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, pod+" to be gone", func() (bool, string) {
		_, err := suite.client.CoreV1().Pods(namespace).Get(t.Context(), pod, metav1.GetOptions{})
		return apierrors.IsNotFound(err), fmt.Sprint(err)
	})
}
