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

// jobsPerSecond bounds how many Jobs are read, so that many gangs that wait for members leave the API server to the binds.
const jobsPerSecond = 5

// jobCounter asks Jobs how many of their pods succeeded. The ledger asks again after a while if a gang still waits, so an answer that
// does not come is not asked for again here.
type jobCounter struct {
	dispatcher *Dispatcher
	requests   workqueue.TypedInterface[gang.Count]
	limit      *rate.Limiter
	// forbidden says that it was logged that Jobs may not be read. Only run uses it.
	forbidden bool
}

func newJobCounter(p *Dispatcher) *jobCounter {
	return &jobCounter{
		dispatcher: p,
		requests:   workqueue.NewTyped[gang.Count](),
		limit:      rate.NewLimiter(jobsPerSecond, 2*jobsPerSecond),
	}
}

// enqueue asks for a count. One that waits already is not asked for twice.
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
