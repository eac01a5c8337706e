package conventions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// shownQueues is the maximum number of queues that a Problem lists.
const shownQueues = 8

// QueueNotFound returns the Problem of a pod that names a queue that does not exist. known are the queues that it may name.
func QueueNotFound(pod Pod, name string, known []string) *Problem {
	remedy := "there is no such queue; ask an administrator"
	if len(known) > 0 {
		remedy = "there is no such queue; name one of these: " + listed(known)
	}
	return queueProblem(pod, name, NoQueue, remedy)
}

// QueueNotALeaf returns the Problem of a pod that names a queue with queues below it.
func QueueNotALeaf(pod Pod, name string, below []string) *Problem {
	return queueProblem(pod, name, InnerQueue, fmt.Sprintf("queue %s has queues below it; name one of them: %s", name, listed(below)))
}

// QueueNotAllowed returns the Problem of a pod that names a queue which its namespace may not use.
func QueueNotAllowed(pod Pod, name, namespace string) *Problem {
	return queueProblem(pod, name, ForbiddenQueue, fmt.Sprintf("namespace %s may not use queue %s; ask an administrator", namespace, name))
}

// queueProblem returns a problem of the key with which the pod names the queue.
func queueProblem(pod Pod, name string, fault Fault, remedy string) *Problem {
	_, where, said := pod.says(QueueAnnotation)
	roles, declares := pod.Annotations[RolesAnnotation]
	p := problem(QueueAnnotation, name, remedy)
	switch {
	case said:
		p.Where = where
	case declares:
		p = problem(RolesAnnotation, roles, fmt.Sprintf("it names queue %q: %s", name, remedy))
	}
	p.Fault = fault
	return p
}

// listed returns the first names in their order, and how many more there are.
func listed(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if more := len(names) - shownQueues; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownQueues], ", "), more)
	}
	return strings.Join(names, ", ")
}

// KindOf returns the kind of explanation for a pod that waits because of a *Problem or an *Unknown.
func KindOf(err error) gang.Kind {
	if _, unknown := errors.AsType[*Unknown](err); unknown {
		return gang.KindUnknown
	}
	if p, wrong := errors.AsType[*Problem](err); wrong {
		switch p.Fault {
		case NoQueue, InnerQueue:
			return gang.KindQueueNotFound
		case ForbiddenQueue:
			return gang.KindQueueNotAllowed
		case Unreadable, Absent, Conflicting, NotServed:
		}
	}
	return gang.KindInvalid
}
