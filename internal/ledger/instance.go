package ledger

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// identify completes the pod's specification with the instance that it belongs to. A pod created by another pod, such as an
// executor, belongs to the instance of its creator.
func (l *Ledger) identify(pod *corev1.Pod, said conventions.Pod, spec *gang.Spec) error {
	owner := said.Owner
	named := spec.Name != ""
	err := conventions.Identify(spec, said)
	if owner.Kind != podKind {
		return err
	}
	if key, known := l.creatorsGang(pod, owner, spec, named); known {
		spec.Name, spec.Instance = key.Name, key.Instance
		return nil
	}
	return err
}

const podKind = "Pod"

func controllerOf(pod *corev1.Pod) conventions.Controller {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		return conventions.Controller{}
	}
	return conventions.Controller{Kind: owner.Kind, Name: owner.Name, UID: string(owner.UID)}
}

// creatorsGang returns the gang of the pod that created this one, if both name the same gang. When the creator is gone, the pod
// keeps its gang.
func (l *Ledger) creatorsGang(pod *corev1.Pod, owner conventions.Controller, spec *gang.Spec, named bool) (gang.Key, bool) {
	g := l.finished[types.UID(owner.UID)]
	if r := l.records[types.UID(owner.UID)]; r != nil {
		g = r.gang
	} else if r := l.records[pod.UID]; g == nil && r != nil {
		g = r.gang
	}
	if g == nil || g.Key.Namespace != pod.Namespace || g.Key.Convention != spec.Convention || named && spec.Name != g.Key.Name {
		return gang.Key{}, false
	}
	return g.Key, true
}

// noteCreator records which pod created this one, to find its gang when the creator is observed later.
func (l *Ledger) noteCreator(r *record, pod *corev1.Pod) {
	owner := controllerOf(pod)
	if owner.Kind != podKind {
		return
	}
	r.creator = types.UID(owner.UID)
	if l.created[r.creator] == nil {
		l.created[r.creator] = map[types.UID]struct{}{}
	}
	l.created[r.creator][pod.UID] = struct{}{}
}

func (l *Ledger) forgetCreator(uid types.UID, r *record) {
	delete(l.created[r.creator], uid)
	if len(l.created[r.creator]) == 0 {
		delete(l.created, r.creator)
	}
}

// gatherCreated moves the pods that a member created to the member's gang. They were observed before the member and assigned to
// another instance.
func (l *Ledger) gatherCreated(creator types.UID, g *gang.Gang) []gang.Decision {
	var decisions []gang.Decision
	now := l.clock.Now()
	for _, uid := range slices.Sorted(maps.Keys(l.created[creator])) {
		r := l.records[uid]
		if r == nil || r.gang == nil || r.gang == g {
			continue
		}
		// An owner reference may name any UID, even one in another namespace.
		if like := r.gang.Key; like.Namespace != g.Key.Namespace || like.Name != g.Key.Name || like.Convention != g.Key.Convention {
			continue
		}
		member, known := r.gang.Member(string(uid))
		if !known {
			continue
		}
		decisions = append(decisions, l.after(r.gang, r.gang.Remove(string(uid), now))...)
		member.Spec.Instance = g.Key.Instance
		r.gang = g
		decisions = append(decisions, g.Observe(member, now)...)
		if member.Node == "" {
			decisions = append(decisions, g.Refused(string(uid), now)...)
		}
	}
	return decisions
}
