package scheduler

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// writeTimeout is how long the API server has to answer a write. It gives up itself after a minute (--request-timeout).
const writeTimeout = 65 * time.Second

// writingClient returns the client that binds pods and writes events. Its writes speak HTTP/1.1, each request on a connection of
// its own: with HTTP/2, where all share one, client and API server spend a fifth more on each binding. Reads use upstream's client.
// HTTP/2 detects with pings that the API server's host is gone; writes detect it with the timeout.
func writingClient(c *rest.Config, timeout time.Duration) (kubernetes.Interface, error) {
	config := rest.AddUserAgent(rest.CopyConfig(c), "scheduler")
	reads, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to read: %w", err)
	}
	config.NextProtos = []string{"http/1.1"}
	writes, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to write: %w", err)
	}
	return kubernetes.NewForConfigAndClient(config, &http.Client{Transport: byMethod{reads: reads, writes: writes, timeout: timeout}})
}

// byMethod sends reads and writes over different transports.
type byMethod struct {
	reads, writes http.RoundTripper
	// timeout is how long a write may take.
	timeout time.Duration
}

// RoundTrip sends one request.
func (t byMethod) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet {
		return t.reads.RoundTrip(request)
	}
	ctx, cancel := context.WithTimeout(request.Context(), t.timeout)
	response, err := t.writes.RoundTrip(request.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil {
			utilnet.CloseIdleConnectionsFor(t.writes) // they may be as dead
		}
		cancel()
		return nil, err
	}
	response.Body = &bodyWithin{ReadCloser: response.Body, cancel: cancel}
	return response, nil
}

// bodyWithin is the body of a response whose time is limited.
type bodyWithin struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the request.
func (b *bodyWithin) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
