package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// tunnel reaches the scheduler from outside the network of the pods: through the API server, as kubectl port-forward does.
type tunnel struct {
	config    *rest.Config
	namespace string

	mu sync.Mutex
	// open are the open forwards by the identity of the leader.
	open map[string]*forward
}

// forward is a local port that leads to the scheduler.
type forward struct {
	port uint16
	stop chan struct{}
}

// dial connects to the scheduler: directly if its address can be reached from here, else through the API server.
func (t *tunnel) dial(ctx context.Context, where answers.Where, address string) (net.Conn, error) {
	direct := net.Dialer{Timeout: reachable}
	conn, err := direct.DialContext(ctx, "tcp", address)
	if err == nil {
		return conn, nil
	}
	port, tunnelled := t.through(ctx, where, address)
	if tunnelled != nil {
		return nil, fmt.Errorf("it cannot be reached directly (%w), nor through the API server: %w", err, tunnelled)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
}

// through returns a local port that leads to the scheduler.
func (t *tunnel) through(ctx context.Context, where answers.Where, address string) (uint16, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.open[where.Holder]; f != nil {
		return f.port, nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	pod, _, _ := strings.Cut(where.Holder, "_") // the identity begins with the name of the host: that of the pod
	f, err := t.forward(ctx, pod, port)
	if err != nil {
		return 0, fmt.Errorf("forwarding a port of pod %s/%s: %w", t.namespace, pod, err)
	}
	if t.open == nil {
		t.open = map[string]*forward{}
	}
	t.open[where.Holder] = f
	return f.port, nil
}

// forward opens a local port that leads to the port of a pod.
func (t *tunnel) forward(ctx context.Context, pod, port string) (*forward, error) {
	client, err := kubernetes.NewForConfig(t.config)
	if err != nil {
		return nil, err
	}
	to := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(t.namespace).Name(pod).SubResource("portforward").URL()
	round, upgrader, err := spdy.RoundTripperFor(t.config)
	if err != nil {
		return nil, err
	}
	websocket, err := portforward.NewSPDYOverWebsocketDialer(to, t.config)
	if err != nil {
		return nil, err
	}
	old := spdy.NewDialer(upgrader, &http.Client{Transport: round}, http.MethodPost, to)
	dialer := portforward.NewFallbackDialer(websocket, old, func(error) bool { return true })
	stop, ready, failed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:" + port}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ctx.Done():
		close(stop)
		return nil, ctx.Err()
	case err := <-failed:
		return nil, errors.Join(err, errors.New("it ended at once"))
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil || len(ports) != 1 {
		close(stop)
		return nil, errors.Join(err, errors.New("no local port was opened"))
	}
	return &forward{port: ports[0].Local, stop: stop}, nil
}

// close closes all forwards.
func (t *tunnel) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.open {
		close(f.stop)
	}
	t.open = nil
}
