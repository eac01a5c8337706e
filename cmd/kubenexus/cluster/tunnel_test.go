package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/cri-streaming/pkg/streaming/portforward"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
)

// kubelet forwards ports of pods, as the kubelet does behind the API server, with Kubernetes' own streaming server. The pods are this host.
type kubelet struct {
	mu    sync.Mutex
	asked []string
}

func (k *kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	k.asked = append(k.asked, r.URL.Path)
	k.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer of-the-user" {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		http.Error(w, "this API server does not tunnel over websockets", http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, k, "", "", nil, time.Minute, time.Minute, []string{portforward.ProtocolV1Name})
}

// PortForward connects a stream with a port of the pod.
func (k *kubelet) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.Copy(conn, stream) }() // ends with either of them
	_, err = io.Copy(stream, conn)
	return err
}

// TestTheSchedulerIsAskedThroughTheAPIServer if its address cannot be reached from here, as is usual from outside of a cluster. Its
// certificate is checked all the same.
func TestTheSchedulerIsAskedThroughTheAPIServer(t *testing.T) {
	scheduler := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"items": [{"name": %q}]}`, r.Header.Get("Authorization"))
	}))
	defer scheduler.Close()
	k := &kubelet{}
	api := httptest.NewServer(k)
	defer api.Close()
	_, port, err := net.SplitHostPort(scheduler.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	where := answers.Where{
		Holder: "scheduler-5d9c_0b2f", URL: "https://127.0.0.2:" + port, Certificate: answers.Fingerprint(scheduler.Certificate().Raw),
	}
	config := &rest.Config{Host: api.URL, BearerToken: "of-the-user"}
	tunnel := &tunnel{config: config, namespace: "kube-system"}
	asked := ask.Scheduler{
		Where: func(context.Context) (answers.Where, error) { return where, nil },
		Transport: func(where answers.Where) (http.RoundTripper, error) {
			return rest.HTTPWrappersForConfig(config, &http.Transport{
				TLSClientConfig: ask.Trust(nil, where.Certificate), DisableKeepAlives: true,
				DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
					return tunnel.dial(ctx, where, address)
				},
			})
		},
	}
	for range 2 {
		queues, err := asked.Queues(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(queues.Items) != 1 || queues.Items[0].Name != "Bearer of-the-user" {
			t.Errorf("the scheduler answered %+v", queues)
		}
	}
	if want := "/api/v1/namespaces/kube-system/pods/scheduler-5d9c/portforward"; len(k.asked) == 0 || k.asked[len(k.asked)-1] != want {
		t.Errorf("the API server was asked for %v, want %s", k.asked, want)
	}
	where.Certificate = answers.Fingerprint([]byte("of another one"))
	if _, err := asked.Queues(t.Context()); err == nil || !strings.Contains(err.Error(), "its certificate is not the one that its lease names") {
		t.Errorf("a scheduler with another certificate was asked, error %v", err)
	}
}

// TestASchedulerOutOfReach: the error names both ways.
func TestASchedulerOutOfReach(t *testing.T) {
	api := httptest.NewServer(http.NotFoundHandler())
	defer api.Close()
	tunnel := &tunnel{config: &rest.Config{Host: api.URL}, namespace: "kube-system"}
	_, err := tunnel.dial(t.Context(), answers.Where{Holder: "scheduler-5d9c_0b2f"}, "127.0.0.2:1")
	if err == nil || !strings.Contains(err.Error(), "directly") || !strings.Contains(err.Error(), "port of pod kube-system/scheduler-5d9c") ||
		errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
