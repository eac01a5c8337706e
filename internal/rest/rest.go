// Package rest is the REST API of kubenexus serve. It has no rights of its own: each request goes to the Kubernetes API server with the
// token of its caller, so that Kubernetes' own RBAC decides what the caller may see and do. It keeps nothing, so any number of replicas
// serve.
package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	clientrest "k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/page"
)

// Scheduler answers what only the scheduler knows. It is asked with the token of the caller. Errors of type *answers.Problem are for the
// caller.
type Scheduler interface {
	Queues(ctx context.Context, token string) (answers.Queues, error)
	Order(ctx context.Context, token, namespace string) (answers.Order, error)
	Nodes(ctx context.Context, token, namespace string) (answers.Nodes, error)
	WhatIf(ctx context.Context, token string, question answers.WhatIf) (answers.Forecast, error)
	Gang(ctx context.Context, token, namespace, name string) (answers.Gang, error)
}

// Options are what the API is made of.
type Options struct {
	// APIServer says where the API server is. Credentials in it are not used.
	APIServer *clientrest.Config
	// Scheduler is the scheduler that is asked. Without it, it is the one that holds the lease of this name; without that, none is.
	Scheduler Scheduler
	Lease     types.NamespacedName
	// Prometheus has the history of what the queues used.
	Prometheus Prometheus
	// Queues is the ConfigMap with the configuration of the queues.
	Queues types.NamespacedName
	// SchedulerNames are the schedulerNames that KubeNexus serves.
	SchedulerNames []string
	// Page is the web page, nil to serve none.
	Page *page.Page
	// Version is that of this process.
	Version string
	Limits  Limits
}

// Limits bound what callers may cost.
type Limits struct {
	// RequestsPerSecond is the rate of each caller, and Burst how many requests it may make at once.
	RequestsPerSecond float64
	Burst             int
	// StrangersPerSecond is the rate of each address with tokens that the API server has not accepted yet, with StrangersBurst at once.
	StrangersPerSecond float64
	StrangersBurst     int
	// InFlight is how many requests are served at a time, Lists how many of them read pods of many gangs, and Watches how many watches
	// there are besides, of which each caller can have WatchesPerCaller.
	InFlight, Lists, Watches, WatchesPerCaller int
	// WatchedPods is how many pods a watch can be about, AllWatchedPods all watches together. About 0.6 KB are kept of each.
	WatchedPods, AllWatchedPods int
	// Timeout is how long a request may take, BodyTimeout how long its body.
	Timeout, BodyTimeout time.Duration
	// WriteTime is how long a watcher may take to read what it is sent.
	WriteTime time.Duration
	// Heartbeat is how often a watch says that it is there.
	Heartbeat time.Duration
}

// DefaultLimits returns the limits of a process that is told nothing else.
func DefaultLimits() Limits {
	return Limits{
		RequestsPerSecond: 100, Burst: 200, StrangersPerSecond: 20, StrangersBurst: 100,
		InFlight: 256, Lists: 8, Watches: 200, WatchesPerCaller: 10, WatchedPods: 100_000, AllWatchedPods: 500_000,
		Timeout: time.Minute, BodyTimeout: 10 * time.Second, WriteTime: 10 * time.Second, Heartbeat: 15 * time.Second,
	}
}

// Server is the API.
type Server struct {
	options Options
	client  kubernetes.Interface
	limits  *limiter
	// history is nil if there is no Prometheus.
	history   *history
	metrics   *measured
	mux       *http.ServeMux
	openAPI   []byte
	startedAt time.Time
}

// New returns the API.
func New(o Options) (*Server, error) {
	config := clientrest.AnonymousClientConfig(o.APIServer)
	config.UserAgent = "kubenexus-serve/" + o.Version
	config.QPS = -1 // the limits of callers count
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	transport, err := clientrest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the API server: %w", err)
	}
	client, err := kubernetes.NewForConfigAndClient(config, &http.Client{Transport: asCaller{transport}})
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the API server: %w", err)
	}
	s := &Server{
		options: o, client: client, limits: newLimiter(o.Limits), metrics: newMeasured(), mux: http.NewServeMux(), startedAt: time.Now(),
	}
	if s.history, err = newHistory(o.Prometheus); err != nil {
		return nil, err
	}
	if o.Scheduler == nil && o.Lease.Name != "" {
		s.options.Scheduler = newLeader(client, o.Lease)
	}
	api := humago.New(s.mux, configOf(o.Version))
	s.registerJobs(api)
	s.registerGangs(api)
	s.registerStory(api)
	s.registerScheduler(api)
	s.registerNodes(api)
	s.registerWatch(api)
	s.registerAbout(api)
	s.registerHistory(api)
	describeBodies(api.OpenAPI())
	if s.openAPI, err = json.MarshalIndent(api.OpenAPI(), "", "  "); err != nil {
		return nil, fmt.Errorf("writing the description of the API: %w", err)
	}
	if o.Page != nil {
		for _, pattern := range o.Page.Paths() {
			s.mux.Handle(pattern, o.Page)
		}
	}
	s.mux.HandleFunc("GET /openapi.json", s.serveOpenAPI)
	s.mux.HandleFunc("GET /healthz", serveHealth)
	s.mux.Handle("GET /metrics", s.metrics.handler())
	return s, nil
}

// OpenAPI returns the description of the API.
func (s *Server) OpenAPI() []byte { return s.openAPI }

func (s *Server) serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openapi+json")
	writeBody(w, s.openAPI)
}

// serveHealth says that the process serves. It does not ask the API server: a replica that restarts would not help it.
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	writeBody(w, []byte("ok\n"))
}

func configOf(version string) huma.Config {
	config := huma.DefaultConfig("KubeNexus", version)
	config.Info.Description = "Submit gangs to KubeNexus, and ask why they wait. Each request needs a bearer token of Kubernetes, " +
		"such as that of a service account; what its owner may do in Kubernetes, it may do here."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no links to schemas in answers
	config.RejectUnknownQueryParameters = true
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", nameOfSchema)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearerScheme: {Type: "http", Scheme: "bearer"}}
	config.Security = []map[string][]string{{bearerScheme: {}}}
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	return config
}

const bearerScheme = "bearer"

// nameOfSchema names what the scheduler and the pods both have, and a gang in short.
func nameOfSchema(of reflect.Type, hint string) string {
	switch of {
	case reflect.TypeFor[answers.Gang](), reflect.TypeFor[*answers.Gang]():
		return "GangNow"
	case reflect.TypeFor[gangread.Brief]():
		return "GangBrief"
	}
	return huma.DefaultSchemaNamer(of, hint)
}
