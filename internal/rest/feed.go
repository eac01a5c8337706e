package rest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// feed finds out which gangs have changed since they were sent to a watcher. It is not safe for use by several goroutines.
type feed struct {
	schedulers []string
	pods       map[string]map[types.UID]*corev1.Pod // by namespace
	count      int
	// sent is what was sent of each gang, as JSON without the time. It is empty for a gang of which the watcher may know something else.
	sent map[gang.Key]string
	// touched are the namespaces in which something changed.
	touched map[string]bool
}

// gone is what is sent of a gang that has ended or was deleted.
type gone struct {
	Key gang.Key `json:"key"`
}

// change is a gang that changed. Its value is nil if the gang is gone.
type change struct {
	key   gang.Key
	value *gangread.Gang
}

func newFeed(schedulers []string) *feed {
	return &feed{
		schedulers: schedulers, pods: map[string]map[types.UID]*corev1.Pod{}, sent: map[gang.Key]string{}, touched: map[string]bool{},
	}
}

// set records a pod.
func (f *feed) set(pod *corev1.Pod) {
	pod.ManagedFields = nil
	in := f.pods[pod.Namespace]
	if in == nil {
		in = map[types.UID]*corev1.Pod{}
		f.pods[pod.Namespace] = in
	}
	if in[pod.UID] == nil {
		f.count++
	}
	in[pod.UID] = pod
	f.touched[pod.Namespace] = true
}

// remove forgets a pod.
func (f *feed) remove(pod *corev1.Pod) {
	in := f.pods[pod.Namespace]
	if in[pod.UID] == nil {
		return
	}
	f.count--
	delete(in, pod.UID)
	if len(in) == 0 {
		delete(f.pods, pod.Namespace)
	}
	f.touched[pod.Namespace] = true
}

// replace records the pods that a list has, in place of all others.
func (f *feed) replace(pods []*corev1.Pod) {
	for namespace := range f.pods {
		f.touched[namespace] = true
	}
	f.pods, f.count = map[string]map[types.UID]*corev1.Pod{}, 0
	for _, pod := range pods {
		f.set(pod)
	}
}

// resume supposes that the watcher knows all that is older than a version.
func (f *feed) resume(version uint64, now time.Time) {
	for _, c := range f.changes(now) {
		if f.anyNewer(c.value, version) {
			f.forget(c.key)
		}
	}
}

func (f *feed) anyNewer(g *gangread.Gang, version uint64) bool {
	in := f.pods[g.Key.Namespace]
	return slices.ContainsFunc(g.Members, func(m gang.MemberStatus) bool {
		pod := in[types.UID(m.UID)]
		return pod == nil || versionOf(pod.ResourceVersion) > version
	})
}

// missed says that something happened to a pod before the pods were listed, which the watcher has not seen.
func (f *feed) missed(pod *corev1.Pod) {
	alive := pod.DeepCopy()
	alive.Status = corev1.PodStatus{} // a gang of which all pods have ended would not be found
	gangs := gangread.Among([]*corev1.Pod{alive}, f.schedulers, time.Time{}).Items
	for i := range gangs {
		f.forget(gangs[i].Key)
	}
}

// forget sends a gang again, whatever was sent of it.
func (f *feed) forget(key gang.Key) {
	f.sent[key] = ""
	f.touched[key.Namespace] = true
}

// changes returns the gangs that changed since the last call, in the order of their keys.
func (f *feed) changes(now time.Time) []change {
	var all []change
	for namespace := range f.touched {
		pods := make([]*corev1.Pod, 0, len(f.pods[namespace]))
		for _, pod := range f.pods[namespace] {
			pods = append(pods, pod)
		}
		exist := map[gang.Key]bool{}
		gangs := gangread.Among(pods, f.schedulers, now).Items
		for i := range gangs {
			g := &gangs[i]
			exist[g.Key] = true
			if text := timeless(*g); f.sent[g.Key] != text {
				f.sent[g.Key] = text
				all = append(all, change{g.Key, g})
			}
		}
		for key := range f.sent {
			if key.Namespace == namespace && !exist[key] {
				delete(f.sent, key)
				all = append(all, change{key, nil})
			}
		}
	}
	clear(f.touched)
	slices.SortFunc(all, func(a, b change) int { return a.key.Compare(b.key) })
	return all
}

// timeless is a gang as JSON without the time at which it was looked at.
func timeless(g gangread.Gang) string {
	g.At = time.Time{}
	text, err := json.Marshal(g)
	if err != nil { // it has nothing that cannot be written
		return err.Error()
	}
	return string(text)
}

// versionOf is a resource version as a number: those of one resource grow. What is none is newer than all.
func versionOf(text string) uint64 {
	version, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 1<<64 - 1
	}
	return version
}
