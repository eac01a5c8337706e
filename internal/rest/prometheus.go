package rest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/transport"
	"k8s.io/klog/v2"
)

// Prometheus says where the history of the scheduler's metrics is.
type Prometheus struct {
	// URL is empty if there is none.
	URL string
	// TokenFile has the bearer token for it; empty if it needs none. The file may change.
	TokenFile string
}

const (
	// shares is the query for the dominant share of each queue. Nothing of a request is in it. Replicas that do not lead know less.
	shares = "max by (queue) (kubenexus_queue_share unless on (instance) leader_election_master_status == 0)"
	// shareLabel is the label with the name of the queue.
	shareLabel = "queue"
	// maxPoints is how many steps a history has at most, and leastStep the shortest of them.
	maxPoints = 360
	leastStep = time.Minute
	// maxSeries is how many queues a history has at most.
	maxSeries = 200
	// maxHistory is the maximum size of an answer of Prometheus in bytes, and historyTimeout how long it may take.
	maxHistory     = 8 << 20
	historyTimeout = 15 * time.Second
	// maxHistories is how many queries there are at a time.
	maxHistories = 4
)

// history reads what the queues used from Prometheus.
type history struct {
	api     promv1.API
	queries chan struct{}
}

// newHistory returns nil if there is no Prometheus.
func newHistory(from Prometheus) (*history, error) {
	if from.URL == "" {
		return nil, nil
	}
	if err := checkPrometheus(from.URL); err != nil {
		return nil, err
	}
	var through http.RoundTripper = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout,
		IdleConnTimeout: idleLife, MaxIdleConnsPerHost: maxHistories, ForceAttemptHTTP2: true,
	}
	if from.TokenFile != "" {
		var err error
		if through, err = transport.NewBearerAuthWithRefreshRoundTripper("", from.TokenFile, through); err != nil {
			return nil, fmt.Errorf("reading the token for Prometheus: %w", err)
		}
	}
	client, err := promapi.NewClient(promapi.Config{Address: from.URL, Client: &http.Client{
		Transport: bounded{through},
		// It would send the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, fmt.Errorf("preparing to reach Prometheus: %w", err)
	}
	return &history{api: promv1.NewAPI(client), queries: make(chan struct{}, maxHistories)}, nil
}

// checkPrometheus refuses a URL that cannot be that of Prometheus.
func checkPrometheus(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" ||
		parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("the URL of Prometheus is %q: write it as http://prometheus.monitoring:9090", address)
	}
	return nil
}

// bounded cuts answers that are too large.
type bounded struct{ next http.RoundTripper }

// RoundTrip sends the request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxHistory)
	return response, nil
}

// CloseIdleConnections closes the connections that are not used.
func (b bounded) CloseIdleConnections() {
	if closes, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		closes.CloseIdleConnections()
	}
}

// stepOf is the time between the points of a history that lasts for so long: whole minutes, for at most maxPoints.
func stepOf(lasts time.Duration) time.Duration {
	return max(leastStep, (lasts/maxPoints + leastStep - 1).Truncate(leastStep))
}

// read returns the shares of those queues that have a history, in the order of their names.
func (h *history) read(ctx context.Context, lasts time.Duration, now time.Time, queues []string) (QueueHistory, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	select {
	case h.queries <- struct{}{}:
		defer func() { <-h.queries }()
	case <-ctx.Done():
		return QueueHistory{}, tooMany("there are too many requests for history at the moment: try again", "1")
	}
	step := stepOf(lasts)
	end := now.Truncate(time.Second)
	value, warnings, err := h.api.QueryRange(ctx, shares, promv1.Range{Start: end.Add(-lasts), End: end, Step: step})
	if err != nil {
		return QueueHistory{}, h.failed(ctx, err)
	}
	if len(warnings) > 0 {
		klog.FromContext(ctx).V(2).Info("Prometheus warns", "warnings", warnings)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return QueueHistory{}, h.failed(ctx, fmt.Errorf("it answered with a %s", value.Type()))
	}
	return QueueHistory{Step: int(step / time.Second), Series: seriesOf(matrix, queues)}, nil
}

// failed logs why Prometheus does not answer, which is no concern of the caller.
func (h *history) failed(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	klog.FromContext(ctx).Error(err, "Prometheus does not say what the queues used")
	return problem(http.StatusServiceUnavailable, "Prometheus does not answer: try again, and ask who runs the cluster if it stays")
}

// seriesOf returns the series of those queues.
func seriesOf(matrix model.Matrix, queues []string) []QueueSeries {
	series := []QueueSeries{}
	for _, of := range matrix {
		name := string(of.Metric[shareLabel])
		if !slices.Contains(queues, name) {
			continue
		}
		s := QueueSeries{Queue: name, Points: make([][2]float64, 0, len(of.Values))}
		for _, v := range of.Values {
			if share := float64(v.Value); !math.IsNaN(share) && !math.IsInf(share, 0) && len(s.Points) <= maxPoints {
				s.Points = append(s.Points, [2]float64{float64(v.Timestamp) / 1000, share})
			}
		}
		series = append(series, s)
	}
	slices.SortFunc(series, func(a, b QueueSeries) int { return strings.Compare(a.Queue, b.Queue) })
	return series[:min(len(series), maxSeries)]
}
