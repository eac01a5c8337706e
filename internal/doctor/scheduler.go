package doctor

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/version"
)

// scheduler judges whether a replica leads, and whether all are ready.
func scheduler(f *Facts) []Finding {
	leads := lease(f)
	if f.Deployments.Err != nil {
		return []Finding{leads, unread(checkScheduler, "the Deployments in namespace "+f.Namespace, f.Deployments.Err)}
	}
	if len(f.Deployments.Value) == 0 {
		missing := Finding{
			Check: checkScheduler, Level: Warning, Text: fmt.Sprintf("there is no Deployment of KubeNexus in namespace %s", f.Namespace),
			Remedy: "install it (docs/install.md), or name its namespace with --scheduler-namespace",
		}
		if leads.Level == OK {
			missing.Level, missing.Remedy = Info, "it runs in another way, or in another namespace: name that with --scheduler-namespace"
		}
		return []Finding{leads, missing}
	}
	all := []Finding{leads}
	for i := range f.Deployments.Value {
		all = append(all, deployment(&f.Deployments.Value[i]))
	}
	return append(all, replicas(f)...)
}

// lease judges who leads.
func lease(f *Facts) Finding {
	name := f.Namespace + "/" + f.Lease
	finding := Finding{Check: checkScheduler}
	held := f.Holder.Value
	switch {
	case f.Holder.Err != nil:
		return unread(checkScheduler, "Lease "+name, f.Holder.Err)
	case held == nil:
		finding.Text = fmt.Sprintf("there is no Lease %s, so no replica of the scheduler was ever elected", name)
		finding.Remedy = "install the scheduler (docs/install.md), or name its lease with --scheduler-namespace and --lease-name; with " +
			"--leader-elect=false it has none"
		return finding
	case held.Spec.HolderIdentity == nil || *held.Spec.HolderIdentity == "" || held.Spec.RenewTime == nil:
		finding.Text = fmt.Sprintf("nobody leads: Lease %s has no holder", name)
		finding.Remedy = "look at the log of the scheduler; after a regular stop another replica leads within seconds"
		return finding
	}
	holder, _, _ := strings.Cut(*held.Spec.HolderIdentity, "_")
	ago := max(0, f.Now.Sub(held.Spec.RenewTime.Time))
	lasts := 15 * time.Second
	if held.Spec.LeaseDurationSeconds != nil {
		lasts = time.Duration(*held.Spec.LeaseDurationSeconds) * time.Second
	}
	if ago > lasts {
		finding.Text = fmt.Sprintf("nobody leads: %s renewed Lease %s for the last time %s ago, and it lasts %s", holder, name,
			duration.HumanDuration(ago), lasts)
		finding.Remedy = "see whether the scheduler's pods run, and look at their log; if this machine's clock is wrong, correct it"
		return finding
	}
	finding.Level, finding.Text = OK, fmt.Sprintf("%s leads, and renewed Lease %s %s ago", holder, name, duration.HumanDuration(ago))
	return finding
}

func deployment(d *appsv1.Deployment) Finding {
	wanted := int32(1)
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	name := d.Namespace + "/" + d.Name
	finding := Finding{
		Check: checkScheduler, Level: OK,
		Text: fmt.Sprintf("%d of %d replicas of Deployment %s are ready", d.Status.ReadyReplicas, wanted, name),
	}
	for i := range d.Spec.Template.Spec.Containers {
		finding.Text += ", of " + d.Spec.Template.Spec.Containers[i].Image
	}
	switch {
	case wanted == 0:
		finding.Level, finding.Remedy = Problem, fmt.Sprintf("kubectl -n %s scale deployment %s --replicas=1", d.Namespace, d.Name)
	case d.Status.ReadyReplicas == 0:
		finding.Level, finding.Remedy = Problem, fmt.Sprintf("kubectl -n %s describe pods, and look at their log", d.Namespace)
	case d.Status.ReadyReplicas < wanted:
		finding.Level, finding.Remedy = Warning, fmt.Sprintf("kubectl -n %s describe pods, and look at their log", d.Namespace)
	}
	return finding
}

// manyRestarts is how many restarts of a container are more than an upgrade of the API server explains.
const manyRestarts = 5

// replicas says which pods of the scheduler do not run, and why.
func replicas(f *Facts) []Finding {
	if f.Replicas.Err != nil {
		return []Finding{unread(checkScheduler, "the scheduler's pods", f.Replicas.Err)}
	}
	var all []Finding
	for i := range f.Replicas.Value {
		pod := &f.Replicas.Value[i]
		for j := range pod.Status.ContainerStatuses {
			if text := unwell(&pod.Status.ContainerStatuses[j]); text != "" {
				all = append(all, Finding{
					Check: checkScheduler, Level: Warning, Text: fmt.Sprintf("pod %s/%s %s", pod.Namespace, pod.Name, text),
					Remedy: fmt.Sprintf("kubectl -n %s logs %s --previous", pod.Namespace, pod.Name),
				})
			}
		}
	}
	return all
}

func unwell(c *corev1.ContainerStatus) string {
	switch {
	case c.State.Waiting != nil && c.State.Waiting.Reason != "ContainerCreating":
		return fmt.Sprintf("does not run: %s", cmp.Or(c.State.Waiting.Reason, c.State.Waiting.Message, "its container waits"))
	case c.RestartCount > manyRestarts:
		return fmt.Sprintf("was restarted %d times", c.RestartCount)
	}
	return ""
}

// The versions of Kubernetes that were run, as docs/compatibility.md has them.
const (
	oldestMinor = 33
	newestMinor = 36
)

// versions judges the version of the API server.
func versions(f *Facts) []Finding {
	if f.Server.Err != nil {
		return []Finding{unread(checkVersion, "the version of the API server", f.Server.Err)}
	}
	finding := Finding{Check: checkVersion, Level: OK, Text: fmt.Sprintf("the API server is %s, and this command %s", f.Server.Value,
		f.Command)}
	server, err := version.ParseGeneric(f.Server.Value)
	oldest, newest := version.MajorMinor(1, oldestMinor), version.MajorMinor(1, newestMinor)
	switch {
	case err != nil:
		finding.Level, finding.Remedy = Warning, "see docs/compatibility.md for the versions that work"
	case server.LessThan(oldest):
		finding.Level, finding.Remedy = Warning, fmt.Sprintf("it is older than %s: use Kubernetes %s to %s (docs/compatibility.md)",
			oldest, oldest, newest)
	case version.MajorMinor(server.Major(), server.Minor()).GreaterThan(newest):
		finding.Level, finding.Remedy = Warning, fmt.Sprintf("it is newer than %s, the newest that was run with: see "+
			"docs/compatibility.md", newest)
	}
	return []Finding{finding}
}
