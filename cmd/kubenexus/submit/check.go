package submit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// awaited is a gang that a manifest makes.
type awaited struct {
	namespace, name string
	// needs is how many pods have to start together, instances how many gangs of the name there are: a LeaderWorkerSet makes several.
	needs, instances int
}

// check returns the gangs that the pods of the objects make, or says why they would not start together.
func check(objects []workload.Object, schedulers []string, now time.Time) ([]awaited, error) {
	sets := workload.Sets(objects)
	if len(sets) == 0 {
		return nil, errors.New("the manifest makes no pods")
	}
	var pods []*corev1.Pod
	of := map[types.UID]*workload.Set{}
	for i := range sets {
		for n := range sets[i].Count {
			pod := sets[i].Pod
			pod.Name = fmt.Sprintf("%s-%d-%d", cmp.Or(pod.Name, pod.GenerateName), i, n)
			pod.UID, pod.CreationTimestamp, pod.Namespace = types.UID(pod.Name), metav1.NewTime(now), sets[i].Namespace
			pods = append(pods, &pod)
			of[pod.UID] = &sets[i]
		}
	}
	if err := refused(pods, of, schedulers, now); err != nil {
		return nil, err
	}
	var all []awaited
	found := gangread.Among(pods, schedulers, now).Items
	for i := range found {
		if err := starts(&found[i], of, schedulers); err != nil {
			return nil, err
		}
		g := awaited{namespace: found[i].Key.Namespace, name: found[i].Key.Name, needs: found[i].Needs.MinAvailable, instances: 1}
		same := func(other awaited) bool { return other.namespace == g.namespace && other.name == g.name }
		if known := slices.IndexFunc(all, same); known >= 0 {
			all[known].instances++
		} else {
			all = append(all, g)
		}
	}
	if len(all) == 0 {
		ours := conventions.Coscheduling()
		return nil, fmt.Errorf("the pods of %s are no gang: set the annotations %s and %s in the pod template", sets[0].Object,
			ours.GroupAnnotation, ours.MinAvailableAnnotation)
	}
	return all, nil
}

// refused says which pods the scheduler would not start because of what they say.
func refused(pods []*corev1.Pod, of map[types.UID]*workload.Set, schedulers []string, now time.Time) error {
	wrong := gangread.Refused(pods, schedulers, now)
	for _, pod := range pods {
		if why := wrong[pod.UID]; why != nil {
			return fmt.Errorf("the pods of %s would not start: %w", of[pod.UID].Object, why)
		}
	}
	return nil
}

// starts says why a gang of the manifest could not start, whatever capacity there is.
func starts(g *gangread.Gang, of map[types.UID]*workload.Set, schedulers []string) error {
	object := ""
	if len(g.Members) > 0 {
		object = of[types.UID(g.Members[0].UID)].Object
	}
	switch {
	case !slices.Contains(schedulers, g.Scheduler):
		return fmt.Errorf("the pods of %s have schedulerName %q, which starts them one by one: set schedulerName: %s in the pod template",
			object,
			g.Scheduler, schedulers[0])
	case g.Phase == gang.Incomplete:
		return fmt.Errorf("gang %s needs %d pods, and the manifest makes %d: lower min-available, or make more pods (the parallelism "+
			"of a Job, "+
			"the replicas of a Deployment)", g.Key.Name, g.Needs.MinAvailable, g.Needs.Have)
	case g.Phase == gang.Disagreeing:
		return fmt.Errorf("the pods of gang %s say different things: %s", g.Key.Name, events.Sentence(g.Why))
	case g.Phase == gang.Unbound:
		return fmt.Errorf("no pod of gang %s says how many have to start together: set the annotation %s in the pod templates", g.Key.Name,
			conventions.Coscheduling().MinAvailableAnnotation)
	}
	return nil
}
