package submit

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// progress is how far a gang is.
type progress struct {
	awaited
	// exist, placed and run are how many of its pods exist, have a node, and run or ran.
	exist, placed, run int
	// why is what the scheduler says on most of the pods that have no node.
	why string
	// started is how many of its instances run.
	started int
}

func (p *progress) done() bool { return p.started >= p.instances }

func (p *progress) String() string {
	text := fmt.Sprintf("gang %s: of %d pods that have to start together, %d exist, %d have a node, %d run", p.name, p.needs*p.instances,
		p.exist,
		p.placed, p.run)
	if p.why != "" && p.placed < p.needs*p.instances {
		text += "; " + p.why
	}
	return text
}

// progressOf returns how far a gang is. Pods that were created before since are those of an older gang of the same name.
func progressOf(g awaited, pods []*corev1.Pod, since time.Time) progress {
	p := progress{awaited: g}
	ran, texts := map[string]int{}, map[string]int{}
	for _, pod := range pods {
		instance, member := instanceOf(g, pod)
		if !member || pod.CreationTimestamp.Time.Before(since) {
			continue
		}
		p.exist++
		if pod.Spec.NodeName != "" {
			p.placed++
		} else if condition := gangread.Said(pod); condition != nil {
			texts[condition.Message]++
		}
		if pod.Status.Phase == corev1.PodRunning || pod.Status.Phase == corev1.PodSucceeded {
			p.run++
			ran[instance]++
		}
	}
	for text, times := range texts {
		if most := texts[p.why]; times > most || times == most && text < p.why {
			p.why = text
		}
	}
	for _, n := range ran {
		if n >= g.needs {
			p.started++
		}
	}
	return p
}

// instanceOf returns the instance of a gang that a pod belongs to, and whether it is a member at all.
func instanceOf(g awaited, pod *corev1.Pod) (string, bool) {
	if pod.Namespace != g.namespace {
		return "", false
	}
	said := conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		said.Owner = conventions.Controller{Kind: owner.Kind, Name: owner.Name, UID: string(owner.UID)}
	}
	spec, err := conventions.Parse(said)
	if err != nil || spec == nil || conventions.Identify(spec, said) != nil {
		return "", false
	}
	return spec.Instance, spec.Name == g.name
}

// ended are the pods that succeeded and were deleted since: they ran.
type ended map[types.UID]*corev1.Pod

// with returns the pods with those that succeeded before. It notes those that succeeded now.
func (e ended) with(pods []*corev1.Pod) []*corev1.Pod {
	all := slices.Clone(pods)
	exist := map[types.UID]bool{}
	for _, pod := range pods {
		exist[pod.UID] = true
		if pod.Status.Phase == corev1.PodSucceeded {
			e[pod.UID] = pod
		}
	}
	for uid, pod := range e {
		if !exist[uid] {
			all = append(all, pod)
		}
	}
	return all
}
