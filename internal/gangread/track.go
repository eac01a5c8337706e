package gangread

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// Tracker tells which gangs a change of a pod may have changed, and what they are now. It says of each gang what Among says, but it asks
// Among only about the pods of that gang: what a change costs does not depend on how many other gangs there are. It is not safe for use by
// several goroutines.
type Tracker struct {
	schedulers []string
	// keys are those of the annotations and labels that are kept.
	keys map[string]bool
	// alone is a ledger that knows no pod: it tells what a pod says itself.
	alone *ledger.Ledger
	pods  map[types.UID]*tracked
	// groups are the pods by what they say themselves. A pod that another pod created may be in the gang of that one: creators has its
	// creator, and created the pods of each creator.
	groups   map[unique.Handle[gang.Key]][]*tracked
	creators map[*tracked]types.UID
	created  map[types.UID]map[*tracked]struct{}
	// touched are the groups in which something changed.
	touched map[unique.Handle[gang.Key]]struct{}
	weight  int
}

// NewTracker returns a tracker of the gangs that are scheduled by these schedulerNames.
func NewTracker(schedulers []string) *Tracker {
	t := &Tracker{
		schedulers: schedulers, keys: map[string]bool{}, alone: newLedger(schedulers, time.Time{}), pods: map[types.UID]*tracked{},
		groups: map[unique.Handle[gang.Key]][]*tracked{}, creators: map[*tracked]types.UID{},
		created: map[types.UID]map[*tracked]struct{}{}, touched: map[unique.Handle[gang.Key]]struct{}{},
	}
	for _, key := range conventions.Keys() {
		t.keys[key] = true
	}
	return t
}

// Weight is how much is kept: the number of pods, of which those with long annotations count as several. Pods that can be in no gang are
// not kept.
func (t *Tracker) Weight() int { return t.weight }

// Set records a pod as it is now.
func (t *Tracker) Set(pod *corev1.Pod) {
	own, creator, may := t.group(pod)
	if !may {
		t.Remove(pod.UID)
		return
	}
	text, err := t.template(pod).Marshal()
	if err != nil { // it has nothing that cannot be written
		text = fmt.Append(nil, err)
	}
	now := t.observe(pod, string(text))
	p := t.pods[pod.UID]
	if p != nil {
		before := p.observed
		before.version = now.version
		if p.own == own && t.creators[p] == creator && before == now { // such as when a container became ready
			p.version = now.version
			return
		}
		t.unlink(p)
	} else {
		p = &tracked{uid: pod.UID}
		t.pods[p.uid] = p
	}
	p.observed, p.own = now, own
	t.link(p, creator)
}

// Remove forgets a pod that was deleted.
func (t *Tracker) Remove(uid types.UID) {
	p := t.pods[uid]
	if p == nil {
		return
	}
	t.unlink(p)
	delete(t.pods, uid)
	for made := range t.created[uid] { // they are on their own now
		t.touched[made.own] = struct{}{}
	}
}

// group returns the group that a pod belongs to, and the pod that created it, if one did. It returns false for a pod that can be in no
// gang.
func (t *Tracker) group(pod *corev1.Pod) (own unique.Handle[gang.Key], creator types.UID, may bool) {
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil && owner.Kind == "Pod" {
		creator = owner.UID
	}
	key, named := t.alone.GangNamed(pod)
	if !named { // the pod that created it may name the gang
		key = gang.Key{Namespace: pod.Namespace, Instance: string(pod.UID)}
	}
	return unique.Make(key), creator, named || creator != ""
}

func (t *Tracker) link(p *tracked, creator types.UID) {
	group := t.groups[p.own]
	p.place = len(group)
	t.groups[p.own] = append(group, p)
	if creator != "" {
		t.creators[p] = creator
		if t.created[creator] == nil {
			t.created[creator] = map[*tracked]struct{}{}
		}
		t.created[creator][p] = struct{}{}
	}
	t.weight += p.weight()
	t.touch(p)
}

func (t *Tracker) unlink(p *tracked) {
	t.touch(p)
	t.weight -= p.weight()
	group := t.groups[p.own]
	last := len(group) - 1
	group[p.place] = group[last]
	group[p.place].place = p.place
	group[last] = nil
	if t.groups[p.own] = group[:last]; last == 0 {
		delete(t.groups, p.own)
	}
	if creator, has := t.creators[p]; has {
		delete(t.creators, p)
		delete(t.created[creator], p)
		if len(t.created[creator]) == 0 {
			delete(t.created, creator)
		}
	}
}

// touch says that the group of a pod, and the gang in which it was found, have to be looked at again.
func (t *Tracker) touch(p *tracked) {
	t.touched[p.own] = struct{}{}
	if p.in != (unique.Handle[gang.Key]{}) {
		t.touched[p.in] = struct{}{}
	}
}

// Touch lets the next Look visit a gang.
func (t *Tracker) Touch(key gang.Key) { t.touched[unique.Make(key)] = struct{}{} }

// KeysOf returns the gangs in which a pod may have been that is not there any more.
func (t *Tracker) KeysOf(pod *corev1.Pod) []gang.Key {
	own, creator, _ := t.group(pod)
	keys := []gang.Key{own.Value()}
	if c := t.pods[creator]; c != nil && c.in != (unique.Handle[gang.Key]{}) {
		keys = append(keys, c.in.Value())
	}
	return keys
}

// Found is a gang that was looked at.
type Found struct {
	Gang Gang
	// Version is the newest resource version of its pods.
	Version uint64
	pods    map[string]*corev1.Pod
}

// Look visits the gangs that may have changed since the last Look, about in the order of their keys. The value is nil for a key of which
// there is no gang. It ends with the first error of a visit.
func (t *Tracker) Look(now time.Time, visit func(key gang.Key, found *Found) error) error {
	touched := slices.SortedFunc(maps.Keys(t.touched), func(a, b unique.Handle[gang.Key]) int { return a.Value().Compare(b.Value()) })
	for _, from := range touched {
		if _, still := t.touched[from]; !still {
			continue // it was found with another group
		}
		groups := t.connected(from)
		for group := range groups {
			delete(t.touched, group)
		}
		found := t.look(groups, now)
		for _, key := range slices.SortedFunc(maps.Keys(found), gang.Key.Compare) {
			if err := visit(key, found[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// connected returns the groups that have to be looked at together: pods of one may be in the gang of another.
func (t *Tracker) connected(from unique.Handle[gang.Key]) map[unique.Handle[gang.Key]]struct{} {
	all := map[unique.Handle[gang.Key]]struct{}{from: {}}
	if len(t.creators) == 0 {
		return all
	}
	left := []unique.Handle[gang.Key]{from}
	add := func(p *tracked) {
		// An owner reference may name any UID, even one in another namespace, whose gang the pod cannot be in.
		if _, known := all[p.own]; p.own.Value().Namespace == from.Value().Namespace && !known {
			all[p.own] = struct{}{}
			left = append(left, p.own)
		}
	}
	for len(left) > 0 {
		group := t.groups[left[len(left)-1]]
		left = left[:len(left)-1]
		for _, p := range group {
			if creator := t.pods[t.creators[p]]; creator != nil {
				add(creator)
			}
			for made := range t.created[p.uid] {
				add(made)
			}
		}
	}
	return all
}

// look returns the gangs among the pods of these groups, and nil for each group that is no gang.
func (t *Tracker) look(groups map[unique.Handle[gang.Key]]struct{}, now time.Time) map[gang.Key]*Found {
	found := make(map[gang.Key]*Found, len(groups))
	var members []*tracked
	for group := range groups {
		found[group.Value()] = nil
		members = append(members, t.groups[group]...)
	}
	if len(members) == 0 {
		return found
	}
	slices.SortFunc(members, func(a, b *tracked) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.name, b.name), cmp.Compare(a.uid, b.uid))
	})
	pods := restoreAll(members)
	byUID := make(map[string]*corev1.Pod, len(pods))
	for i, pod := range pods {
		members[i].in = unique.Handle[gang.Key]{}
		byUID[string(pod.UID)] = pod
	}
	gangs := Among(pods, t.schedulers, now).Items
	for i := range gangs {
		g := &Found{Gang: gangs[i], pods: byUID}
		in := unique.Make(g.Gang.Key)
		for j := range g.Gang.Members {
			if p := t.pods[types.UID(g.Gang.Members[j].UID)]; p != nil {
				p.in = in
				g.Version = max(g.Version, p.version)
			}
		}
		found[g.Gang.Key] = g
	}
	return found
}

// restoreAll makes the pods again, in their order.
func restoreAll(members []*tracked) []*corev1.Pod {
	templates := map[unique.Handle[string]]*corev1.Pod{}
	all, pods := make([]corev1.Pod, len(members)), make([]*corev1.Pod, len(members))
	for i, p := range members {
		like := templates[p.said]
		if like == nil {
			like = &corev1.Pod{}
			if err := like.Unmarshal([]byte(p.said.Value())); err != nil {
				like = &corev1.Pod{} // it was written by template
			}
			templates[p.said] = like
		}
		all[i] = p.restore(like)
		pods[i] = &all[i]
	}
	return pods
}

// VersionOf is a resource version as a number: those of one resource grow. What is none is newer than all.
func VersionOf(text string) uint64 {
	version, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return version
}
