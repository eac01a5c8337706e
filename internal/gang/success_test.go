package gang_test

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// worker is a member of a Job's gang of three.
func worker(uid, name, owner, index string) gang.Member {
	return gang.Member{
		UID: uid, Name: name, Scheduler: "kubenexus-scheduler", Owner: "Job j", OwnerUID: owner, Index: index, Created: time.Unix(100, 0),
		Spec: gang.Spec{Convention: "Coscheduling", Name: "a", MinAvailable: 3},
	}
}

func TestSuccessCountsAfterItsPodIsDeleted(t *testing.T) {
	now := time.Unix(200, 0)
	done := func(index string) gang.Finished {
		return gang.Finished{UID: "done", Name: "w-0", OwnerUID: "job", Index: index, Succeeded: true, At: now}
	}
	failed := done("0")
	failed.Succeeded = false
	for _, tc := range []struct {
		name  string
		ended gang.Finished
		left  []gang.Member
		after time.Duration
		want  gang.Phase
	}{
		{"the others are recreated", done("0"), []gang.Member{worker("1", "w-1", "job", "1"), worker("2", "w-2", "job", "2")}, 0, gang.Ready},
		{"the pod failed", failed, []gang.Member{worker("1", "w-1", "job", "1"), worker("2", "w-2", "job", "2")}, 0, gang.Incomplete},
		{"its index is repeated", done("0"), []gang.Member{worker("1", "x", "job", "0"), worker("2", "w-2", "job", "2")}, 0, gang.Incomplete},
		{"its name is repeated", done(""), []gang.Member{worker("1", "w-0", "job", ""), worker("2", "w-2", "job", "")}, 0, gang.Incomplete},
		{"of another Job", done("0"), []gang.Member{worker("1", "w-1", "retry", "1"), worker("2", "w-2", "retry", "2")}, 0, gang.Incomplete},
		{"too late", done("0"), []gang.Member{worker("1", "w-1", "job", "1"), worker("2", "w-2", "job", "2")}, time.Hour, gang.Incomplete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
			g.Observe(worker("done", "w-0", "job", "0"), now)
			g.Finish(tc.ended, now)
			g.Remove("done", now)
			g.FinishedGone("done", now)
			g.Tick(now.Add(tc.after))
			for _, m := range tc.left {
				g.Observe(m, now)
			}
			if g.Phase() != tc.want {
				t.Errorf("phase %s, want %s", g.Phase(), tc.want)
			}
			for _, m := range tc.left {
				g.Remove(m.UID, now)
			}
			g.Tick(now.Add(2 * time.Hour))
			if !g.Empty() {
				t.Error("the gang is not empty")
			}
		})
	}
}
