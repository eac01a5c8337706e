package contender

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
)

// chunk is the length of each CPU profile. The length of a run is unknown, and an interrupted profile is lost; go tool pprof merges any
// number of files.
const chunk = 2 // seconds

// Profiler fetches profiles from a running scheduler.
type Profiler struct {
	client *http.Client
	url    string
	prefix string
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// Profile starts fetching CPU profiles as prefix.cpu-<n>.pprof, with the administrator's certificate.
func (p *Process) Profile(ctx context.Context, admin *rest.Config, prefix string) (*Profiler, error) {
	client, err := insecure(admin)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil {
		return nil, fmt.Errorf("creating a directory for profiles: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &Profiler{
		client: client, url: fmt.Sprintf("https://127.0.0.1:%d/debug/pprof/", p.port), prefix: prefix,
		cancel: cancel, done: make(chan struct{}),
	}
	go func() {
		defer close(r.done)
		r.err = r.run(ctx)
	}()
	return r, nil
}

// Questions returns the scheduler to ask, as the caller.
func (p *Process) Questions(caller *rest.Config) (*ask.Scheduler, error) {
	client, err := insecure(caller)
	if err != nil {
		return nil, err
	}
	return &ask.Scheduler{
		Where: func(context.Context) (answers.Where, error) {
			return answers.Where{URL: fmt.Sprintf("https://127.0.0.1:%d", p.port)}, nil
		},
		Transport: func(answers.Where) (http.RoundTripper, error) { return client.Transport, nil },
	}, nil
}

// insecure returns a client for a scheduler, whose certificate is self-signed.
func insecure(caller *rest.Config) (*http.Client, error) {
	config := rest.CopyConfig(caller)
	config.Insecure, config.CAData, config.CAFile = true, nil, ""
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client for a scheduler: %w", err)
	}
	return client, nil
}

// run fetches one profile after the other until the context is done. It completes the last one.
func (r *Profiler) run(ctx context.Context) error {
	var last error
	answers := func(ctx context.Context) (bool, error) {
		last = r.fetch(ctx, "", os.DevNull)
		return last == nil, nil
	}
	if wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, answers) != nil {
		return last
	}
	for n := 0; ctx.Err() == nil; n++ {
		path := fmt.Sprintf("profile?seconds=%d", chunk)
		if err := r.fetch(context.WithoutCancel(ctx), path, fmt.Sprintf("%s.cpu-%03d.pprof", r.prefix, n)); err != nil {
			return err
		}
	}
	return r.fetch(context.WithoutCancel(ctx), "allocs", r.prefix+".allocs.pprof")
}

func (r *Profiler) fetch(ctx context.Context, path, file string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("fetching a profile: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching a profile: %s", response.Status)
	}
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("fetching a profile: %w", err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	return nil
}

// Stop ends profiling once the current profile is complete. The scheduler must run until then.
func (r *Profiler) Stop() error {
	r.cancel()
	<-r.done
	r.client.CloseIdleConnections()
	return r.err
}
