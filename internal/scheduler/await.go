package scheduler

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server"
	apiserveroptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// askTimeout is how long the API server may take for one answer, and the longest backoff.
const askTimeout = 5 * time.Second

// awaitAPIServer asks the API server for its version until it answers, or the context ends. Meanwhile the process is alive but not
// ready, like upstream's while it waits for its caches: a restart would not help.
func awaitAPIServer(ctx context.Context, config *rest.Config, serving *apiserveroptions.SecureServingOptions) (*apiServer, error) {
	config = rest.AddUserAgent(rest.CopyConfig(config), "discovery")
	config.Timeout = askTimeout
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("creating the client that asks for the API server's version: %w", err)
	}
	ask := func() (*apiServer, error) { return askAPIServer(client, utilfeature.DefaultFeatureGate) }
	s, err := ask()
	if err == nil {
		return s, nil
	}
	stop, serveErr := serveLiveness(serving)
	if serveErr != nil {
		return nil, serveErr
	}
	defer stop()
	logger := klog.FromContext(ctx)
	pause := wait.Backoff{Duration: 250 * time.Millisecond, Factor: 2, Cap: askTimeout, Steps: 10, Jitter: 0.1}
	for ; err != nil; s, err = ask() {
		next := pause.Step()
		logger.Info("Waiting for the API server", "host", config.Host, "err", err, "retryAfter", next)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the API server %s: %w", config.Host, err)
		case <-time.After(next):
		}
	}
	return s, nil
}

// serveLiveness answers the liveness probe with yes and everything else with no, until it is stopped and the port free again.
func serveLiveness(o *apiserveroptions.SecureServingOptions) (stop func(), err error) {
	if o == nil || o.BindPort == 0 {
		return func() {}, nil
	}
	serving := *o
	certificate, err := selfSigned(o)
	if err != nil {
		return nil, fmt.Errorf("making a certificate to serve health with: %w", err)
	}
	serving.ServerCert = apiserveroptions.GeneratableKeyCert{GeneratedCert: certificate}
	var info *server.SecureServingInfo
	if err := serving.ApplyTo(&info); err != nil {
		return nil, err
	}
	stopping := make(chan struct{})
	_, closed, err := info.Serve(http.HandlerFunc(alive), 0, stopping)
	if err != nil {
		return nil, fmt.Errorf("serving health: %w", err)
	}
	return func() {
		close(stopping)
		<-closed
	}, nil
}

func alive(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/livez" || r.URL.Path == "/healthz" {
		fmt.Fprint(w, "ok")
		return
	}
	http.Error(w, "waiting for the API server", http.StatusServiceUnavailable)
}
