//go:build linux

package nodes

import (
	"fmt"
	"maps"
	"path"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// gang describes a gang of pods that are alike.
type gang struct {
	name    string
	members int
	// need is its min-available; 0 means all members.
	need int
	cpu  string
	// convention is the annotation that names the gang, if it is not the usual one.
	convention string
	// args are those of the worker program.
	args []string
	// change changes the pods.
	change func(*corev1.PodSpec)
	// onlyFailed has the Job count a pod that is being deleted only once it has ended; by default it is counted as failed at once.
	onlyFailed bool
	// labels and annotations are further ones.
	labels, annotations map[string]string
}

// template returns the pods of the gang.
func (g *gang) template() corev1.PodTemplateSpec {
	need := g.need
	if need == 0 {
		need = g.members
	}
	group := "pod-group.scheduling.sigs.k8s.io/name"
	if g.convention != "" {
		group = g.convention
	}
	annotations := map[string]string{group: g.name, path.Dir(group) + "/min-available": strconv.Itoa(need)}
	maps.Copy(annotations, g.annotations)
	labels := map[string]string{"gang": g.name}
	maps.Copy(labels, g.labels)
	spec := corev1.PodSpec{
		SchedulerName: "kubenexus-scheduler", RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false),
		TerminationGracePeriodSeconds: new(int64(10)),
		Containers: []corev1.Container{{
			Name: "main", Image: work, Args: g.args,
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(g.cpu)}},
		}},
	}
	if g.change != nil {
		g.change(&spec)
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations}, Spec: spec,
	}
}

// job creates a Job whose pods are the gang.
func (c *cluster) job(g gang) *batchv1.Job {
	c.t.Helper()
	return c.jobNamed(g.name, g)
}

// jobNamed creates a Job whose pods belong to the gang, which other Jobs may share.
func (c *cluster) jobNamed(name string, g gang) *batchv1.Job {
	c.t.Helper()
	count := int32(g.members)
	replace := batchv1.TerminatingOrFailed
	if g.onlyFailed {
		replace = batchv1.Failed
	}
	made, err := suite.client.BatchV1().Jobs(c.namespace).Create(c.t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: batchv1.JobSpec{
			Parallelism: &count, Completions: &count, CompletionMode: new(batchv1.IndexedCompletion), BackoffLimit: new(int32(20)),
			PodReplacementPolicy: &replace,
			Template:             g.template(),
		},
	}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return made
}

// pod creates a pod of the gang.
func (c *cluster) pod(name string, g gang) *corev1.Pod {
	c.t.Helper()
	template := g.template()
	template.Name = name
	made, err := suite.client.CoreV1().Pods(c.namespace).Create(c.t.Context(),
		&corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return made
}

// awaitRunning waits until that many pods of a gang run, none of which is being deleted, and returns them.
func (c *cluster) awaitRunning(name string, count int) []corev1.Pod {
	c.t.Helper()
	var running []corev1.Pod
	process.Within(c.t, patience, fmt.Sprintf("%d pods of %s to run", count, name), func() (bool, string) {
		running = nil
		all := c.pods("gang=" + name)
		for i := range all {
			if all[i].Status.Phase == corev1.PodRunning && all[i].DeletionTimestamp == nil {
				running = append(running, all[i])
			}
		}
		return len(running) == count, describe(all)
	})
	return running
}

// awaitWaiting waits until that many pods of a gang say that they wait, and none is bound.
func (c *cluster) awaitWaiting(name string, count int) {
	c.t.Helper()
	process.Within(c.t, patience, fmt.Sprintf("%d pods of %s to wait", count, name), func() (bool, string) {
		waiting := 0
		all := c.pods("gang=" + name)
		for i := range all {
			if all[i].Spec.NodeName == "" && whyPending(&all[i]) != "" {
				waiting++
			}
		}
		return waiting == count && len(all) == count, describe(all)
	})
}

// awaitJob waits until a Job has that condition.
func (c *cluster) awaitJob(name string, kind batchv1.JobConditionType) {
	c.t.Helper()
	process.Within(c.t, patience, fmt.Sprintf("job %s to be %s", name, kind), func() (bool, string) {
		found, err := suite.client.BatchV1().Jobs(c.namespace).Get(c.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == kind && condition.Status == corev1.ConditionTrue {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%+v", found.Status)
	})
}

// isActive reports whether a pod waits or runs.
func isActive(pod corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodPending || pod.Status.Phase == corev1.PodRunning
}

// whyPending returns why a pod is not scheduled.
func whyPending(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return ""
}

func describe(pods []corev1.Pod) string {
	text := ""
	for i := range pods {
		p := &pods[i]
		text += fmt.Sprintf("%s on %q: %s %s, deleted %v, %s\n", p.Name, p.Spec.NodeName, p.Status.Phase, p.Status.Reason, p.DeletionTimestamp, whyPending(p))
	}
	return text
}
