package doctor

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// patience is how long a scheduler that works may say nothing about a pod, or a controller take to create the pods of a gang.
const patience = time.Minute

// pods judges whether the pods of the cluster would start as they are.
func pods(f *Facts) []Finding {
	if f.Pods.Err != nil {
		return []Finding{unread(checkPods, "the pods", f.Pods.Err)}
	}
	w := ward{
		facts: f, read: gangread.Stand(gangread.Cluster{Pods: f.Pods.Value, Queues: f.Queues.Value.Config, Schedulers: f.Schedulers},
			f.Now),
		refused: byText{}, silent: byText{}, elsewhere: byText{}, foreign: byText{},
	}
	for _, pod := range f.Pods.Value {
		if !gangread.Ended(pod) && pod.DeletionTimestamp == nil {
			w.look(pod)
		}
	}
	return append(w.findings(), gangs(f)...)
}

// ward are the pods of a cluster, sorted by what is wrong with them.
type ward struct {
	facts *Facts
	read  gangread.Standings
	// own is how many pods have the keys of this scheduler, and foreign those with keys of other products, by product.
	own     int
	foreign byText
	// refused are the pods that do not start because of what they say, by why; silent those about which no scheduler says anything, and
	// elsewhere those that have keys of ours and are for another scheduler, both by schedulerName.
	refused, silent, elsewhere byText
}

func (w *ward) look(pod *corev1.Pod) {
	name := pod.Namespace + "/" + pod.Name
	said := conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations}
	ours := slices.ContainsFunc(conventions.All(), func(c conventions.Convention) bool { return c.Applies(said) })
	served := slices.Contains(w.facts.Schedulers, pod.Spec.SchedulerName)
	if ours {
		w.own++
		if !served {
			w.elsewhere.add(pod.Spec.SchedulerName, name)
		}
	}
	pending := pod.Spec.NodeName == "" && len(pod.Spec.SchedulingGates) == 0
	if why := w.read.Problem(pod.UID); pending && served && why != nil && w.known(why) {
		w.refused.add(why.Error(), name)
		return
	}
	if other := conventions.FindUnknown(said, nil); other != nil && !ours {
		w.foreign.add(other.Product, name)
	}
	if pending && gangread.Said(pod) == nil && w.facts.Now.Sub(pod.CreationTimestamp.Time) > patience {
		w.silent.add(pod.Spec.SchedulerName, name)
	}
}

// known reports whether a problem is certain. Without the configuration of the queues nothing is known about those that pods name.
func (w *ward) known(why error) bool {
	kind := conventions.KindOf(why)
	return w.facts.Queues.Err == nil || kind != gang.KindQueueNotFound && kind != gang.KindQueueNotAllowed
}

func (w *ward) findings() []Finding {
	all := []Finding{{Check: checkPods, Level: OK, Text: w.summary()}}
	add := func(level Level, names []string, remedy, format string, args ...any) {
		all = append(all, Finding{Check: checkPods, Level: level, Text: fmt.Sprintf(format, args...), Remedy: remedy, Objects: names})
	}
	for _, why := range w.refused.texts() {
		names := w.refused[why]
		add(Problem, names, "correct the annotations; in a Job or another controller they are in the pod template",
			"these pods will not start as they are: %s: %s", named(names), why)
	}
	for _, scheduler := range w.silent.texts() {
		names := w.silent[scheduler]
		remedy := "see whether that scheduler runs, or set schedulerName: " + w.facts.Schedulers[0]
		if slices.Contains(w.facts.Schedulers, scheduler) {
			remedy = "see whether the scheduler leads, and serves this schedulerName; look at its log"
		}
		add(Problem, names, remedy, "no scheduler has said anything for more than %s about these pods with schedulerName %q: %s",
			duration.HumanDuration(patience), scheduler, named(names))
	}
	for _, scheduler := range w.elsewhere.texts() {
		names := w.elsewhere[scheduler]
		add(Warning, names, fmt.Sprintf("set schedulerName: %s on them; if this scheduler serves %q too, name it in --scheduler-names",
			w.facts.Schedulers[0], scheduler),
			"these pods have the annotations of a gang and schedulerName %q, which starts them one by one: %s", scheduler, named(names))
	}
	for _, product := range w.foreign.texts() {
		names := w.foreign[product]
		add(Info, names, "docs/keys.md says which keys are read; kubenexus convert converts manifests (docs/moving.md)",
			"these pods have keys of %s and none of this scheduler: %s", product, named(names))
	}
	return all
}

func (w *ward) summary() string {
	where := ""
	if w.facts.OnlyNamespace != "" {
		where = fmt.Sprintf(" of namespace %s (you may not list those of others)", w.facts.OnlyNamespace)
	}
	return fmt.Sprintf("%s%s read, %d with the annotations of a gang", events.Count(len(w.facts.Pods.Value), "pod"), where, w.own)
}

// gangs judges whether gangs that wait can start at all.
func gangs(f *Facts) []Finding {
	var incomplete, disagreeing, unbound, waiting []string
	found := gangread.Among(f.Pods.Value, f.Schedulers, f.Now).Items
	for i := range found {
		g := &found[i]
		name := g.Key.Namespace + "/" + g.Key.Name
		if !slices.Contains(f.Schedulers, g.Scheduler) {
			continue
		}
		switch g.Phase {
		case gang.Incomplete:
			if f.Now.Sub(g.Created) > patience {
				incomplete = append(incomplete, fmt.Sprintf("%s (%d of %d)", name, g.Needs.Have, g.Needs.MinAvailable))
			}
		case gang.Disagreeing:
			disagreeing = append(disagreeing, name)
		case gang.Unbound:
			unbound = append(unbound, name)
		case gang.Ready, gang.Placing:
			waiting = append(waiting, name)
		case gang.Running:
		}
	}
	var all []Finding
	add := func(level Level, names []string, what, remedy string) {
		if len(names) > 0 {
			all = append(all, Finding{
				Check: checkPods, Level: level, Text: fmt.Sprintf("these gangs %s: %s", what, named(names)), Remedy: remedy, Objects: names,
			})
		}
	}
	add(Problem, disagreeing, "cannot start, because their pods say different things", "kubenexus explain says which; make all pods "+
		"say the same")
	add(Warning, incomplete, "wait for pods that do not exist",
		"create the others, or lower min-available; Jobs need a parallelism of at least min-available")
	add(Warning, unbound, "start one by one, because no pod says how many have to start together", "set min-available on all of their pods")
	add(Info, waiting, "wait for capacity or for their turn", "kubenexus explain says what they wait for")
	return all
}
