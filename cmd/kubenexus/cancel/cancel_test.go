package cancel

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/dryrun"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

//nolint:gochecknoglobals // constants
var (
	jobKind     = batchv1.SchemeGroupVersion.WithKind("Job")
	cronJobKind = batchv1.SchemeGroupVersion.WithKind("CronJob")
	jobSetKind  = schema.GroupVersionKind{Group: "jobset.x-k8s.io", Version: "v1alpha2", Kind: "JobSet"}
	replicaSet  = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")
	deployment  = appsv1.SchemeGroupVersion.WithKind("Deployment")
	podKind     = corev1.SchemeGroupVersion.WithKind("Pod")
)

// world is a namespace with pods, and what makes them.
type world struct {
	pods      []*corev1.Pod
	jobs      []runtime.Object
	made      []runtime.Object
	mayNot    string // the resource that the user may not delete
	mayNotGet string
}

// by makes an object controlled by another.
func by(kind schema.GroupVersionKind, name string) []metav1.OwnerReference {
	controls := true
	apiVersion, of := kind.ToAPIVersionAndKind()
	return []metav1.OwnerReference{{APIVersion: apiVersion, Kind: of, Name: name, UID: types.UID(name), Controller: &controls}}
}

// object adds an object that makes others.
func (w *world) object(kind schema.GroupVersionKind, name string, owners ...metav1.OwnerReference) *world {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	o.SetNamespace("team")
	o.SetName(name)
	o.SetUID(types.UID(name))
	o.SetOwnerReferences(owners)
	w.made = append(w.made, o)
	if kind == jobKind {
		w.jobs = append(w.jobs, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID(name), OwnerReferences: owners}})
	}
	return w
}

// pod adds a pod of a gang of one.
func (w *world) pod(name, gang string, owners ...metav1.OwnerReference) *world {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: name, UID: types.UID(name), OwnerReferences: owners, Annotations: map[string]string{
				"pod-group.scheduling.sigs.k8s.io/name": gang, "pod-group.scheduling.sigs.k8s.io/min-available": "1",
			},
		},
		Spec: corev1.PodSpec{SchedulerName: scheduler.Name},
	}
	w.pods = append(w.pods, p)
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(podKind)
	o.SetNamespace("team")
	o.SetName(name)
	o.SetUID(types.UID(name))
	w.made = append(w.made, o)
	return w
}

// cancel runs the command in the world, and returns what it prints and what it deletes.
func (w *world) cancel(t *testing.T, dryRun dryrun.Strategy, names ...string) (out string, deleted []string, err error) {
	t.Helper()
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []schema.GroupVersionKind{jobKind, cronJobKind, jobSetKind, replicaSet, deployment, podKind} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	objects := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), w.made...)
	objects.PrependReactor("delete", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if do, is := action.(clienttesting.DeleteActionImpl); is {
			if p := do.DeleteOptions.PropagationPolicy; p == nil || *p != metav1.DeletePropagationBackground || do.DeleteOptions.Preconditions == nil {
				t.Errorf("%s is deleted with the options %v", do.Name, do.DeleteOptions)
			}
			deleted = append(deleted, do.Resource.Resource+"/"+do.Name)
		}
		return false, nil, nil
	})
	objects.PrependReactor("get", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if resource := action.GetResource().GroupResource(); resource.Resource == w.mayNotGet {
			return true, nil, apierrors.NewForbidden(resource, "", errors.New("no"))
		}
		return false, nil, nil
	})
	client := fake.NewClientset(w.jobs...)
	client.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
		review.Status.Allowed = review.Spec.ResourceAttributes.Resource != w.mayNot
		return true, review, nil
	})
	f := newFinder(client, cluster.NewObjects(objects, mapper), "team", names)
	f.sort(w.pods, gangread.Among(w.pods, scheduler.Names(), time.Unix(0, 0)).Items)
	var text strings.Builder
	o := options{out: &text, dryRun: dryRun}
	err = o.cancel(t.Context(), client, f)
	return text.String(), deleted, err
}

func TestWhatIsDeleted(t *testing.T) {
	inJobSet := func() *world {
		return new(world).object(jobSetKind, "set").object(jobKind, "set-a", by(jobSetKind, "set")...).object(jobKind, "set-b", by(jobSetKind, "set")...).
			pod("a", "g", by(jobKind, "set-a")...).pod("b", "g", by(jobKind, "set-b")...)
	}
	for name, test := range map[string]struct {
		world *world
		names string
		want  string
	}{
		"a Job":               {new(world).object(jobKind, "j").pod("a", "g", by(jobKind, "j")...).pod("b", "g", by(jobKind, "j")...), "g", "job.batch/j deleted, with 2 pods\n"},
		"a Job by its name":   {new(world).object(jobKind, "j"), "j", "job.batch/j deleted, with 0 pods\n"},
		"a gang like its Job": {new(world).object(jobKind, "g").pod("a", "g", by(jobKind, "g")...), "g", "job.batch/g deleted, with 1 pod\n"},
		"what made the Jobs":  {inJobSet(), "g", "jobset.jobset.x-k8s.io/set deleted, with 2 pods\n"},
		"a Deployment": {
			new(world).object(deployment, "d").object(replicaSet, "d-1", by(deployment, "d")...).pod("a", "g", by(replicaSet, "d-1")...),
			"g", "deployment.apps/d deleted, with 1 pod\n",
		},
		"the run of a CronJob": {
			new(world).object(cronJobKind, "c").object(jobKind, "c-1", by(cronJobKind, "c")...).pod("a", "g", by(jobKind, "c-1")...),
			"g", "job.batch/c-1 deleted, with 1 pod\n",
		},
		"pods that nothing makes":    {new(world).pod("a", "g").pod("b", "g").pod("c", "h"), "g", "pod/a deleted\npod/b deleted\n"},
		"pods whose Job is gone":     {new(world).pod("a", "g", by(jobKind, "j")...), "g", "pod/a deleted\n"},
		"an owner that nobody shows": {&world{mayNotGet: "jobsets", made: inJobSet().made, pods: inJobSet().pods}, "g", "jobset.jobset.x-k8s.io/set deleted, with 2 pods\n"},
		"two gangs of one object": {
			new(world).object(jobSetKind, "set").object(jobKind, "a", by(jobSetKind, "set")...).object(jobKind, "b", by(jobSetKind, "set")...).
				pod("a-0", "g", by(jobKind, "a")...).pod("b-0", "h", by(jobKind, "b")...),
			"g h", "jobset.jobset.x-k8s.io/set deleted, with 2 pods\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			names := strings.Fields(test.names)
			got, deleted, err := test.world.cancel(t, dryrun.None, names...)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil || len(deleted) != strings.Count(test.want, "\n") {
				t.Errorf("%v, deleted %v (-want +got):\n%s", err, deleted, diff)
			}
			got, deleted, err = test.world.cancel(t, dryrun.Client, names...)
			want := strings.ReplaceAll(test.want, " deleted", " deleted (dry run)")
			if diff := cmp.Diff(want, got); diff != "" || err != nil || len(deleted) > 0 {
				t.Errorf("dry run: %v, deleted %v (-want +got):\n%s", err, deleted, diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	shared := new(world).object(jobSetKind, "set").object(jobKind, "a", by(jobSetKind, "set")...).object(jobKind, "b", by(jobSetKind, "set")...).
		pod("a-0", "g", by(jobKind, "a")...).pod("b-0", "h", by(jobKind, "b")...)
	forbidden := &world{mayNot: "jobs"}
	forbidden.object(jobKind, "j").pod("a", "g", by(jobKind, "j")...).pod("bare", "g")
	unknown := new(world).pod("a", "g", by(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Thing"}, "x")...)
	for name, test := range map[string]struct {
		world *world
		want  string
	}{
		"nothing of that name": {new(world), "there is no gang and no Job g in namespace team (kubenexus gangs -A shows all gangs)"},
		"another gang":         {shared, "to cancel g, jobset.jobset.x-k8s.io/set would have to be deleted, which makes the pods of gang h too: name what it makes too, or delete it by kubectl; nothing of g was deleted"},
		"no right":             {forbidden, "you may not delete job.batch/j in namespace team, which makes the pods of gang g: ask an administrator for the right to delete jobs.batch; nothing of gang g was deleted"},
		"an unknown kind":      {unknown, "finding out what makes the pods of gang g: the cluster has no kind Thing of example.com/v1, or cannot be asked for it: "},
	} {
		t.Run(name, func(t *testing.T) {
			out, deleted, err := test.world.cancel(t, dryrun.None, "g")
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || out != "" || len(deleted) > 0 {
				t.Errorf("error %v, want %s; it printed %q, and deleted %v", err, test.want, out, deleted)
			}
		})
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                  "name the gangs or Jobs to delete (kubenexus gangs shows their names)",
		"a -o json":         `--output is "json": it can be name`,
		"a --dry-run=maybe": `--dry-run is "maybe": it can be none, client or server`,
	} {
		cmd := NewCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(strings.Fields(args))
		if err := cmd.ExecuteContext(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", args, err, want)
		}
	}
}
