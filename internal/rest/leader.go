package rest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
)

// leader is the scheduler that leads. It is found and asked with the token of the caller.
type leader struct {
	scheduler ask.Scheduler

	mu sync.Mutex
	// transport reaches the scheduler at where.
	where     answers.Where
	transport *http.Transport
}

var _ Scheduler = &leader{}

// newLeader returns the scheduler that holds a lease.
func newLeader(client kubernetes.Interface, lease types.NamespacedName) *leader {
	l := &leader{}
	leases := ask.Leases{Client: client.CoordinationV1(), Namespace: lease.Namespace, Name: lease.Name}
	l.scheduler = ask.Scheduler{Where: leases.Where, Transport: l.reach}
	return l
}

// The bounds of a connection to the scheduler.
const (
	dialTimeout = 5 * time.Second
	idleLife    = time.Minute
	maxIdle     = 16
)

// reach returns what reaches the scheduler there. Callers share connections to it, and it is asked with the token of each.
func (l *leader) reach(where answers.Where) (http.RoundTripper, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.transport == nil || l.where != where {
		if l.transport != nil {
			l.transport.CloseIdleConnections()
		}
		l.where, l.transport = where, &http.Transport{
			TLSClientConfig: ask.Trust(nil, where.Certificate), DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
			IdleConnTimeout: idleLife, MaxIdleConnsPerHost: maxIdle, ForceAttemptHTTP2: true,
		}
	}
	return asCaller{l.transport}, nil
}

// Queues asks for the queues.
func (l *leader) Queues(ctx context.Context, token string) (answers.Queues, error) {
	queues, err := l.scheduler.Queues(withCaller(ctx, &caller{token: token}))
	return queues, ofLeader(ctx, err)
}

// Order asks for the gangs that wait.
func (l *leader) Order(ctx context.Context, token, namespace string) (answers.Order, error) {
	order, err := l.scheduler.Order(withCaller(ctx, &caller{token: token}), namespace)
	return order, ofLeader(ctx, err)
}

// Nodes asks for the nodes.
func (l *leader) Nodes(ctx context.Context, token, namespace string) (answers.Nodes, error) {
	nodes, err := l.scheduler.Nodes(withCaller(ctx, &caller{token: token}), namespace)
	return nodes, ofLeader(ctx, err)
}

// WhatIf asks what would happen.
func (l *leader) WhatIf(ctx context.Context, token string, question answers.WhatIf) (answers.Forecast, error) {
	forecast, err := l.scheduler.WhatIf(withCaller(ctx, &caller{token: token}), question)
	return forecast, ofLeader(ctx, err)
}

// Gang asks for a gang.
func (l *leader) Gang(ctx context.Context, token, namespace, name string) (answers.Gang, error) {
	gangs, err := l.scheduler.Gangs(withCaller(ctx, &caller{token: token}), namespace, name)
	if err != nil {
		return answers.Gang{}, ofLeader(ctx, err)
	}
	if len(gangs.Items) == 0 {
		return answers.Gang{}, fmt.Errorf("the scheduler has no gang %s in namespace %s", name, namespace)
	}
	return gangs.Items[0], nil
}

// ofLeader returns the error for the caller: that of the scheduler or the API server, or that there is none.
func ofLeader(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	if problem, ok := errors.AsType[*answers.Problem](err); ok {
		return problem
	}
	if refused, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return refused
	}
	klog.FromContext(ctx).Error(err, "The scheduler does not answer")
	return errNoScheduler()
}
