package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/demo/view"
)

const (
	// settledTime is how long nothing must change when all pods have a node: controllers may create more.
	settledTime = 2 * time.Second
	// stuckTime is how long nothing must change when some pods wait: the scheduler reports why after a second or two.
	stuckTime = 6 * time.Second
)

// showFiles applies the user's manifests and shows how they are scheduled. Pods that wait are a result, not a failure.
func (d *demo) showFiles(ctx context.Context) error {
	d.screen.Say("")
	d.screen.Heading("Applying " + strings.Join(d.Files, ", "))
	if err := d.manifests.createFiles(ctx, d.Files); err != nil {
		return err
	}
	applied := time.Now()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		snapshot, calm := d.watch.snapshot()
		if !settled(&snapshot, min(calm, time.Since(applied))) {
			continue
		}
		d.watch.show()
		d.verdict = verdict(&snapshot)
		return nil
	}
}

// settled says whether no further change is expected.
func settled(s *view.Snapshot, calm time.Duration) bool {
	if pods, waiting := countPods(s); pods > 0 && waiting == 0 {
		return calm >= settledTime
	}
	return calm >= stuckTime
}

// verdict says which pods have a node, and what waits.
func verdict(s *view.Snapshot) string {
	pods, waiting := countPods(s)
	switch {
	case pods == 0:
		return "These manifests created no pods."
	case waiting == 0:
		return "Every pod has a node."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Nothing changes anymore, and %d of %d pods wait:", waiting, pods)
	for i := range s.Rows {
		if row := &s.Rows[i]; row.Pending > 0 {
			b.WriteString("\n  " + row.Line())
		}
	}
	return b.String()
}

func countPods(s *view.Snapshot) (pods, waiting int) {
	for i := range s.Rows {
		pods += s.Rows[i].Exist
		waiting += s.Rows[i].Pending
	}
	return pods, waiting
}
