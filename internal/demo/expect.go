package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// patience is how long a step waits for its result. The scheduler updates conditions after 30 s at the latest.
const patience = 45 * time.Second

// expect waits until a condition holds. Its error says what was found instead.
func (d *demo) expect(ctx context.Context, what string, condition func(context.Context) (ok bool, now string, err error)) error {
	limited, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not so after %s", patience))
	defer cancel()
	now := "unknown"
	err := wait.PollUntilContextCancel(limited, look, true, func(ctx context.Context) (bool, error) {
		ok, found, err := condition(ctx)
		if err == nil {
			now = found
		}
		return ok && err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("expected %s: %w; now: %s", what, context.Cause(limited), now)
	}
	return nil
}

// want is what a step expects of a gang.
type want struct {
	exist, bound int
	// says is how the condition of the pods that wait has to begin.
	says string
}

// expectGang waits until the API shows a gang as wanted, and then until the view shows the same.
func (d *demo) expectGang(ctx context.Context, name string, w want) error {
	what := fmt.Sprintf("gang default/%s to have %d pods, %d of them bound", name, w.exist, w.bound)
	if w.says != "" {
		what += fmt.Sprintf(", and the others to say %q", w.says)
	}
	err := d.expect(ctx, what, func(ctx context.Context) (bool, string, error) {
		pods, err := d.client.CoreV1().Pods(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, "", err
		}
		exist, bound, says := tally(pods.Items, name, w.says)
		now := fmt.Sprintf("%d pods, %d bound, saying %q", exist, bound, says)
		return exist == w.exist && bound == w.bound && strings.HasPrefix(says, w.says), now, nil
	})
	if err != nil {
		return err
	}
	return d.shown(ctx, "gang default/"+name, func(exist, bound int, why string) bool {
		return exist == w.exist && bound == w.bound && strings.HasPrefix(why, w.says)
	})
}

// expectOneRack checks that all pods of a gang are in one rack.
func (d *demo) expectOneRack(ctx context.Context, name string) error {
	return d.expect(ctx, fmt.Sprintf("gang default/%s to be in one rack", name), func(ctx context.Context) (bool, string, error) {
		pods, err := d.client.CoreV1().Pods(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, "", err
		}
		racks := map[string]bool{}
		for i := range pods.Items {
			if exist, bound, _ := tally(pods.Items[i:i+1], name, ""); exist == 0 || bound == 0 {
				continue
			}
			node, err := d.client.CoreV1().Nodes().Get(ctx, pods.Items[i].Spec.NodeName, metav1.GetOptions{})
			if err != nil {
				return false, "", err
			}
			racks[node.Labels[rackKey]] = true
		}
		return len(racks) == 1 && !racks[""], fmt.Sprintf("in racks %v", slices.Sorted(maps.Keys(racks))), nil
	})
}

// tally counts the members of a gang, and returns what one that waits says: what is wanted, if any says that.
func tally(pods []corev1.Pod, name, wanted string) (exist, bound int, says string) {
	for i := range pods {
		pod := &pods[i]
		spec, err := conventions.Parse(conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations})
		if err != nil || spec == nil || spec.Name != name {
			continue
		}
		exist++
		if pod.Spec.NodeName != "" {
			bound++
			continue
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && (says == "" || strings.HasPrefix(c.Message, wanted)) {
				says = c.Message
			}
		}
	}
	return exist, bound, says
}

// shown waits until the view shows a row as it should be, and shows it at once.
func (d *demo) shown(ctx context.Context, title string, condition func(exist, bound int, why string) bool) error {
	err := d.expect(ctx, title+" to be shown as it is", func(context.Context) (bool, string, error) {
		snapshot, _ := d.watch.snapshot()
		row := snapshot.Find(title)
		if row == nil {
			return false, "not seen", nil
		}
		return condition(row.Exist, row.Bound, row.Why), row.Line(), nil
	})
	if err == nil {
		d.watch.show()
	}
	return err
}

// expectPod waits until a pod without a gang has a node.
func (d *demo) expectPod(ctx context.Context, name string) error {
	err := d.expect(ctx, "pod "+name+" to be bound", func(ctx context.Context) (bool, string, error) {
		pod, err := d.client.CoreV1().Pods(metav1.NamespaceDefault).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, "", err
		}
		return pod.Spec.NodeName != "", string(pod.Status.Phase), nil
	})
	if err != nil {
		return err
	}
	return d.shown(ctx, "pod default/"+name, func(_, bound int, _ string) bool { return bound == 1 })
}

// expectJob waits until a Job is complete.
func (d *demo) expectJob(ctx context.Context, name string) error {
	return d.expect(ctx, "Job "+name+" to complete", func(ctx context.Context) (bool, string, error) {
		job, err := d.client.BatchV1().Jobs(metav1.NamespaceDefault).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, "", err
		}
		for _, c := range job.Status.Conditions {
			if c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue {
				return true, "", nil
			}
		}
		return false, fmt.Sprintf("%d active, %d succeeded, %d failed", job.Status.Active, job.Status.Succeeded, job.Status.Failed), nil
	})
}
