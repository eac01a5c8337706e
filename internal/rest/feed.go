package rest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// feed finds out which gangs have changed since they were sent to a watcher. It is not safe for use by several goroutines.
type feed struct {
	*gangread.Tracker
	brief bool
	// sent tells what was sent of each gang. It is zero for a gang of which the watcher may know something else.
	sent map[gang.Key]digest
}

// digest stands for what was sent, without the time.
type digest [sha256.Size]byte

// gone is what is sent of a gang that has ended or was deleted.
type gone struct {
	Key gang.Key `json:"key"`
}

// change is an event about a gang that changed.
type change struct {
	name string
	data any
}

func newFeed(schedulers []string, brief bool) *feed {
	return &feed{Tracker: gangread.NewTracker(schedulers), brief: brief, sent: map[gang.Key]digest{}}
}

// resume supposes that the watcher knows all that is older than a version.
func (f *feed) resume(version uint64, now time.Time) error {
	var newer []gang.Key
	err := f.Look(now, func(key gang.Key, found *gangread.Found) error {
		switch {
		case found == nil:
		case found.Version > version:
			newer = append(newer, key)
		default:
			text, err := f.timeless(found)
			f.sent[key] = sha256.Sum256(text)
			return err
		}
		return nil
	})
	for _, key := range newer {
		f.forget(key)
	}
	return err
}

// missed says that something happened to a pod before the pods were listed, which the watcher has not seen.
func (f *feed) missed(pod *corev1.Pod) {
	for _, key := range f.KeysOf(pod) {
		f.forget(key)
	}
}

// forget sends a gang again, whatever was sent of it.
func (f *feed) forget(key gang.Key) {
	f.sent[key] = digest{}
	f.Touch(key)
}

// changes calls send with each gang that changed since the last call. It keeps one at a time.
func (f *feed) changes(now time.Time, send func(change) error) error {
	return f.Look(now, func(key gang.Key, found *gangread.Found) error {
		before, was := f.sent[key]
		if found == nil {
			if !was {
				return nil
			}
			delete(f.sent, key)
			return send(change{"gone", gone{key}})
		}
		text, err := f.timeless(found)
		if err != nil {
			return err
		}
		sent := digest(sha256.Sum256(text))
		if sent == before {
			return nil
		}
		f.sent[key] = sent
		if f.brief {
			return send(change{"gang", json.RawMessage(text)})
		}
		return send(change{"gang", &found.Gang})
	})
}

// timeless is what is sent of a gang, as JSON without the time at which it was looked at.
func (f *feed) timeless(found *gangread.Found) ([]byte, error) {
	var of any = found.Brief()
	if !f.brief {
		g := found.Gang
		g.At = time.Time{}
		of = g
	}
	text, err := json.Marshal(of)
	if err != nil {
		return nil, fmt.Errorf("writing gang %s: %w", found.Gang.Key, err)
	}
	return text, nil
}
