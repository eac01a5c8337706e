package scheduler

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// network lets a test lose the host at the other end, which then neither answers nor closes its connections.
type network struct {
	net.Dialer
	mu    sync.Mutex
	conns []*losable
}

type losable struct {
	net.Conn
	lost chan struct{}
}

// Read gives nothing of a host that is lost.
func (c *losable) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	select {
	case <-c.lost:
		return 0, errors.New("the test's connection was closed")
	default:
		return n, err
	}
}

// Write swallows what goes to a host that is lost.
func (c *losable) Write(data []byte) (int, error) {
	select {
	case <-c.lost:
		return len(data), nil
	default:
		return c.Conn.Write(data)
	}
}

func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	conn, err := n.DialContext(ctx, kind, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &losable{Conn: conn, lost: make(chan struct{})}
	n.conns = append(n.conns, c)
	return c, nil
}

// loseHost loses the host of all connections that there are; a new one reaches the host that took its place.
func (n *network) loseHost() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		close(c.lost)
	}
	n.conns = nil
}

// TestWritesOutliveALostHost: a bind whose API server is gone without a word fails in time, and the next one goes to its successor.
// Without the timeout, all bindings would wait as long as the kernel retransmits, a quarter of an hour, or forever.
func TestWritesOutliveALostHost(t *testing.T) {
	n := &network{}
	client := testClient(t, n)
	if err := bind(t, client); err != nil {
		t.Fatal(err)
	}
	n.loseHost()
	if err := bind(t, client); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a bind on a dead connection: %v, want that its time is over", err)
	}
	if err := bind(t, client); err != nil {
		t.Errorf("the next bind: %v", err)
	}
}

// TestReadsTakeTheirTime: a watch is not cut off by the timeout of writes, and both reach the server the way they are meant to.
func TestReadsTakeTheirTime(t *testing.T) {
	client := testClient(t, &network{})
	watch, err := client.CoreV1().Pods("a").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	if event, ok := <-watch.ResultChan(); !ok || event.Type != "ADDED" {
		t.Errorf("the watch ended, or sent %v, want the event that comes after the timeout of writes", event.Type)
	}
}

const testTimeout = 300 * time.Millisecond

// testClient writes to an API server that takes every write over HTTP/1.1, and sends an event late over watches, which use HTTP/2.
func testClient(t *testing.T, n *network) kubernetes.Interface {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch read := r.Method == http.MethodGet; {
		case read != (r.ProtoMajor == 2):
			http.Error(w, "over "+r.Proto, http.StatusHTTPVersionNotSupported)
		case read:
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(2 * testTimeout):
			}
			_, _ = w.Write([]byte(`{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1"}}`)) // the client reports if it fails
		default:
			_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Success"}`))
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := writingClient(&rest.Config{
		Host: server.URL, Dial: n.dial, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		ContentConfig: rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"},
	}, testTimeout)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func bind(t *testing.T, client kubernetes.Interface) error {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errors.New("it hangs"))
	defer cancel()
	err := client.CoreV1().Pods("a").Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: "p"}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
	}, metav1.CreateOptions{})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
