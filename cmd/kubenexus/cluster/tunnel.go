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

// tunnel reaches the scheduler from outside the network of the pods: through the API server, as kubectl port-forward does. A forwarded port
// does not outlive a broken connection, so each connection has one of its own.
type tunnel struct {
	config    *rest.Config
	namespace string
}

// forwarded is a connection over a forwarded port.
type forwarded struct {
	net.Conn
	stop func()
}

// Close closes the connection, and the port.
func (f forwarded) Close() error {
	defer f.stop()
	return f.Conn.Close()
}

// dial connects to the scheduler: directly if its address can be reached from here, else through the API server.
func (t *tunnel) dial(ctx context.Context, where answers.Where, address string) (net.Conn, error) {
	direct := net.Dialer{Timeout: reachable}
	conn, err := direct.DialContext(ctx, "tcp", address)
	if err == nil {
		return conn, nil
	}
	conn, tunnelled := t.through(ctx, where, address)
	if tunnelled != nil {
		return nil, fmt.Errorf("it cannot be reached directly (%w), nor through the API server: %w", err, tunnelled)
	}
	return conn, nil
}

// through connects to the scheduler through the API server.
func (t *tunnel) through(ctx context.Context, where answers.Where, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	pod, _, _ := strings.Cut(where.Holder, "_") // the identity begins with the name of the host: that of the pod
	local, stop, err := t.forward(ctx, pod, port)
	if err != nil {
		return nil, fmt.Errorf("forwarding a port of pod %s/%s: %w", t.namespace, pod, err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(local))))
	if err != nil {
		stop()
		return nil, err
	}
	return forwarded{Conn: conn, stop: stop}, nil
}

// forward opens a local port that leads to the port of a pod, until stop is called.
func (t *tunnel) forward(ctx context.Context, pod, port string) (local uint16, stop func(), err error) {
	client, err := kubernetes.NewForConfig(t.config)
	if err != nil {
		return 0, nil, err
	}
	to := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(t.namespace).Name(pod).SubResource("portforward").URL()
	round, upgrader, err := spdy.RoundTripperFor(t.config)
	if err != nil {
		return 0, nil, err
	}
	websocket, err := portforward.NewSPDYOverWebsocketDialer(to, t.config)
	if err != nil {
		return 0, nil, err
	}
	old := spdy.NewDialer(upgrader, &http.Client{Transport: round}, http.MethodPost, to)
	dialer := portforward.NewFallbackDialer(websocket, old, func(error) bool { return true })
	stopping, ready, failed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	stop = sync.OnceFunc(func() { close(stopping) })
	hosts, ports := []string{"127.0.0.1"}, []string{"0:" + port}
	forwarder, err := portforward.NewOnAddresses(dialer, hosts, ports, stopping, ready, io.Discard, io.Discard)
	if err != nil {
		return 0, nil, err
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case <-ctx.Done():
		stop()
		return 0, nil, ctx.Err()
	case err := <-failed:
		return 0, nil, errors.Join(err, errors.New("it ended at once"))
	case <-ready:
	}
	open, err := forwarder.GetPorts()
	if err != nil || len(open) != 1 {
		stop()
		return 0, nil, errors.Join(err, errors.New("no local port was opened"))
	}
	return open[0].Local, stop, nil
}
