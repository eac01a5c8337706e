//go:build linux

package nodes

import (
	"fmt"
	"slices"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestLife has gangs of real containers run and end in each way.
func TestLife(t *testing.T) {
	withScheduler(t)
	t.Run("side by side", func(t *testing.T) {
		for name, test := range map[string]func(*cluster){
			"completes": completes, "fails": fails, "a member is replaced": isReplaced, "a container restarts": restarts,
			"deleted while it runs": isDeleted,
			"two Jobs":              twoJobs, "a driver and executors": driverAndExecutors,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(newCluster(t))
			})
		}
	})
}

// completes: the members run at the same time, and the Job completes.
func completes(c *cluster) {
	c.job(gang{name: "work", members: 4, cpu: "100m", args: []string{"-for", "6s"}})
	c.awaitJob("work", batchv1.JobComplete)
	var lastStart, firstEnd metav1.Time
	for _, pod := range c.pods("gang=work") {
		ended := pod.Status.ContainerStatuses[0].State.Terminated
		if ended == nil || ended.ExitCode != 0 {
			c.t.Fatalf("pod %s: %+v", pod.Name, pod.Status.ContainerStatuses[0].State)
		}
		if lastStart.Before(&ended.StartedAt) {
			lastStart = ended.StartedAt
		}
		if firstEnd.IsZero() || ended.FinishedAt.Before(&firstEnd) {
			firstEnd = ended.FinishedAt
		}
	}
	if !lastStart.Before(&firstEnd) {
		c.t.Errorf("the last member started at %s, and the first ended at %s: they did not run together", lastStart, firstEnd)
	}
}

// fails: one member fails, so the Job does, and nothing of the gang is left that waits or runs.
func fails(c *cluster) {
	job := gang{name: "bad", members: 2, cpu: "100m", args: []string{"-for", "3s", "-exit", "$(JOB_COMPLETION_INDEX)"}}
	job.change = func(s *corev1.PodSpec) {
		s.Containers[0].Env = []corev1.EnvVar{{Name: "JOB_COMPLETION_INDEX", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']"},
		}}}
	}
	made := c.job(job)
	made.Spec.BackoffLimit = new(int32(0))
	if _, err := suite.client.BatchV1().Jobs(c.namespace).Update(c.t.Context(), made, metav1.UpdateOptions{}); err != nil {
		c.t.Fatal(err)
	}
	c.awaitJob("bad", batchv1.JobFailed)
	process.Within(c.t, patience, "no pod of the failed Job to wait or run", func() (bool, string) {
		all := c.pods("gang=bad")
		return !slices.ContainsFunc(all, isActive), describe(all)
	})
}

// isReplaced: a member's container is killed; the Job makes another pod, which joins those that run.
func isReplaced(c *cluster) {
	c.job(gang{name: "long", members: 3, cpu: "100m"})
	before := c.awaitRunning("long", 3)
	began := time.Now()
	if err := nodeOf(&before[0]).Kill(&before[0]); err != nil {
		c.t.Fatal(err)
	}
	var after []corev1.Pod
	has := func(name string) bool {
		return slices.ContainsFunc(after, func(p corev1.Pod) bool { return p.Name == name })
	}
	process.Within(c.t, patience, "another member", func() (bool, string) {
		after = c.awaitRunning("long", 3)
		return !has(before[0].Name), describe(after)
	})
	c.took("from a member whose container is killed to its replacement running", began)
	for _, pod := range before[1:] {
		if !has(pod.Name) {
			c.t.Errorf("pod %s was not lost, and does not run any more", pod.Name)
		}
	}
}

// restarts: the kubelet starts a container again. The pod stays, and no other takes its place.
func restarts(c *cluster) {
	c.job(gang{name: "stubborn", members: 2, cpu: "100m", change: func(s *corev1.PodSpec) { s.RestartPolicy = corev1.RestartPolicyOnFailure }})
	before := c.awaitRunning("stubborn", 2)
	if err := nodeOf(&before[0]).Kill(&before[0]); err != nil {
		c.t.Fatal(err)
	}
	process.Within(c.t, patience, "the container to run again", func() (bool, string) {
		all := c.awaitRunning("stubborn", 2)
		again := slices.ContainsFunc(all, func(p corev1.Pod) bool {
			return p.UID == before[0].UID && p.Status.ContainerStatuses[0].RestartCount == 1
		})
		return again, describe(all)
	})
	if all := c.pods("gang=stubborn"); len(all) != 2 {
		c.t.Errorf("no other pods have to be created:\n%s", describe(all))
	}
}

// isDeleted: a gang is deleted while it runs, and the next one of the same name starts.
func isDeleted(c *cluster) {
	g := gang{name: "again", members: 3, cpu: "100m"}
	c.job(g)
	c.awaitRunning("again", 3)
	c.kubectl("-n", c.namespace, "delete", "job", "again", "--cascade=foreground")
	if left := c.pods("gang=again"); len(left) > 0 {
		c.t.Fatalf("pods are left:\n%s", describe(left))
	}
	c.job(g)
	c.awaitRunning("again", 3)
}

// twoJobs: two Jobs are one gang, as a JobSet's are; the first waits for the second.
func twoJobs(c *cluster) {
	of := map[string]string{"jobset.sigs.k8s.io/jobset-name": "set", "jobset.sigs.k8s.io/restart-attempt": "0"}
	c.jobNamed("launcher", gang{name: "set", members: 1, need: 3, cpu: "100m", args: []string{"-for", "5s"}, labels: of})
	c.awaitWaiting("set", 1)
	c.jobNamed("workers", gang{name: "set", members: 2, need: 3, cpu: "100m", args: []string{"-for", "5s"}, labels: of})
	c.awaitRunning("set", 3)
	c.awaitJob("launcher", batchv1.JobComplete)
	c.awaitJob("workers", batchv1.JobComplete)
}

// driverAndExecutors: a Spark driver starts first and creates its executors, which start together.
func driverAndExecutors(c *cluster) {
	member := func(role string) gang {
		return gang{name: "spark", members: 4, cpu: "100m", annotations: map[string]string{
			"kubenexus.io/role": role,
			"kubenexus.io/roles": `[{"name": "driver", "min": 1, "creates": true},
				{"name": "executor", "min": 3, "requests": {"cpu": "100m"}}]`,
		}}
	}
	c.pod("driver", member("driver"))
	c.awaitRunning("spark", 1)
	for i := range 3 {
		c.pod(fmt.Sprintf("executor-%d", i), member("executor"))
	}
	c.awaitRunning("spark", 4)
}
