package dispatch

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"

	"golang.org/x/time/rate"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// jobsPerSecond limits the reads of Jobs per second, so that many incomplete gangs do not slow down binds.
const jobsPerSecond = 5

// jobCounter reads from Jobs how many of their pods succeeded. It does not retry, because the ledger asks again after a while if the gang
// is still incomplete.
type jobCounter struct {
	dispatcher *Dispatcher
	requests   workqueue.TypedInterface[gang.Count]
	limit      *rate.Limiter
	// forbidden says that the missing permission to read Jobs was logged. Only run uses it.
	forbidden bool
}

func newJobCounter(p *Dispatcher) *jobCounter {
	return &jobCounter{
		dispatcher: p,
		requests:   workqueue.NewTyped[gang.Count](),
		limit:      rate.NewLimiter(jobsPerSecond, 2*jobsPerSecond),
	}
}

// enqueue requests a count, unless the same request is queued already.
func (c *jobCounter) enqueue(d gang.Count) { c.requests.Add(d) }

func (c *jobCounter) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, c.requests.ShutDown)
	defer stop()
	for {
		d, ended := c.requests.Get()
		if ended || c.limit.Wait(ctx) != nil {
			return
		}
		c.count(ctx, d)
		c.requests.Done(d)
	}
}

func (c *jobCounter) count(ctx context.Context, d gang.Count) {
	job, err := c.dispatcher.handle.ClientSet().BatchV1().Jobs(d.Job.Namespace).Get(ctx, d.Job.Name, metav1.GetOptions{})
	switch {
	case err == nil && string(job.UID) == d.Job.UID:
		succeeded := int(job.Status.Succeeded)
		if uncounted := job.Status.UncountedTerminatedPods; uncounted != nil {
			succeeded += len(uncounted.Succeeded)
		}
		c.dispatcher.Perform(c.dispatcher.ledger.Counted(d.Gang, types.UID(d.Job.UID), succeeded))
	case apierrors.IsForbidden(err) && !c.forbidden:
		c.forbidden = true
		c.dispatcher.logger.Info("Failed to read Jobs: members that succeeded and were deleted before this scheduler saw them do not "+
			"count. Grant it permission to get jobs.batch", "err", err)
	case err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil:
		c.dispatcher.logger.V(2).Info("Failed to read how many pods of a Job succeeded", "gang", d.Gang, "job", d.Job.Name, "err", err)
	}
}
