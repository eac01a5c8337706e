package explain

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// read is what was read of the cluster.
type read struct {
	// pods are those of the namespace, everywhere those of all namespaces, if allPods says that they could be read.
	pods, everywhere []*corev1.Pod
	allPods          bool
	nodes            []*corev1.Node
	nodesKnown       bool
	// queues is the configuration of the queues, nil if there is none or it could not be read.
	queues *queue.Config
	// uses are the queues with what they use, nil if that is not known or there are none.
	uses     *answers.Queues
	said     said
	happened *happenings
	leftOut  []string
	// queuesLeftOut says why the configuration of the queues could not be read, empty if it could.
	queuesLeftOut string
}

// Reader reads a cluster, and tells stories of what is in one namespace.
type Reader struct {
	Client kubernetes.Interface
	// Scheduler is the scheduler that is asked.
	Scheduler Scheduler
	Namespace string
	// ConfigMap has the configuration of the queues.
	ConfigMap types.NamespacedName
	// Schedulers are the schedulerNames that KubeNexus serves.
	Schedulers []string
}

// cluster reads what the story of any gang needs. What may not be read is left out, but for the pods of the namespace.
func (r Reader) cluster(ctx context.Context) (read, error) {
	var found read
	var podsErr, nodesErr, queuesErr error
	var config queue.Config
	var configured bool
	var requests sync.WaitGroup
	requests.Go(func() { found.everywhere, podsErr = gangread.List(ctx, r.Client, metav1.NamespaceAll) })
	requests.Go(func() { found.nodes, nodesErr = gangread.ListNodes(ctx, r.Client) })
	requests.Go(func() { config, configured, queuesErr = gangread.Queues(ctx, r.Client, r.ConfigMap) })
	requests.Wait()
	switch {
	case podsErr == nil:
		found.allPods = true
		for _, pod := range found.everywhere {
			if pod.Namespace == r.Namespace {
				found.pods = append(found.pods, pod)
			}
		}
	case !apierrors.IsForbidden(podsErr):
		return read{}, podsErr
	default:
		var err error
		if found.pods, err = gangread.List(ctx, r.Client, r.Namespace); err != nil {
			return read{}, err
		}
		found.leave("what is free on nodes: you may not list the pods of all namespaces")
	}
	if found.nodesKnown = nodesErr == nil; !found.nodesKnown {
		found.leave(withoutRight("the nodes, and what is free on them", "list nodes", nodesErr))
	}
	switch {
	case queuesErr != nil:
		found.queuesLeftOut = withoutRight("the queues", "read the ConfigMap "+r.ConfigMap.String(), queuesErr)
	case configured:
		found.queues = &config
	}
	return found, nil
}

func (f *read) leave(what string) { f.leftOut = append(f.leftOut, what) }

// withoutRight says what is left out because of an error.
func withoutRight(what, act string, err error) string {
	if apierrors.IsForbidden(err) {
		return what + ": you may not " + act
	}
	return what + ": " + err.Error()
}

// events returns what events say about some pods, nil if they cannot be read, and what is left out.
func (r Reader) events(ctx context.Context, pods []*corev1.Pod, taker string) (happened *happenings, leftOut []string) {
	happened = newHappenings(pods, taker)
	if err := gangread.EachEvent(ctx, r.Client, r.Namespace, "", happened.add); err != nil {
		return nil, []string{withoutRight("what events say", "list events in namespace "+r.Namespace, err)}
	}
	if taker == "" {
		return happened, nil
	}
	err := gangread.EachEvent(ctx, r.Client, metav1.NamespaceAll, "reason="+events.ReasonPreempted, func(e *eventsv1.Event) {
		if e.Namespace != r.Namespace {
			happened.add(e)
		}
	})
	if err != nil {
		leftOut = append(leftOut,
			withoutRight("pods in other namespaces that were preempted for it", "list the events of all namespaces", err))
	}
	return happened, leftOut
}
